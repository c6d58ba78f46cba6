"""Time the start of the command, and list what heavy packages each door loads.

python benchmarks/startup.py -o docs/results/startup.json
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ["torch", "scipy", "cv2", "matplotlib", "transformers"]
PHOTO = ROOT / "docs/photos/coffee.jpg"
DOORS = {
    "import featherdepth": "import featherdepth",
    "featherdepth --help": "from featherdepth.cli.main import run; run(['--help'])",
    "featherdepth predict": "from featherdepth.cli.main import run;"
    f" run(['predict', {str(PHOTO)!r}, '-o', '{{out}}', '--backend', 'onnx', '-q'])",
}


def seconds(arguments: list[str], rounds: int = 15) -> dict[str, float]:
    """Wall time of a fresh process, after one uncounted run."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return {"median_s": statistics.median(times[1:]), "max_s": max(times[1:])}


def heavy_modules(statement: str, out: Path) -> list[str]:
    """Which heavy packages a fresh interpreter holds after `statement`."""
    code = statement.replace("{out}", str(out)) + (
        f"\nimport sys; print('LOADED', *[m for m in {HEAVY} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return result.stdout.rpartition("LOADED")[2].split()


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    output = parser.parse_args().output
    scratch = output.parent / "startup.tmp"
    result: dict[str, Any] = {
        "help": seconds(["-m", "featherdepth", "--help"]),
        "import": seconds(["-c", "import featherdepth.runtime.model"]),
        "python": seconds(["-c", "pass"]),
        "heavy_loaded": {door: heavy_modules(code, scratch) for door, code in DOORS.items()},
        "machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]},
    }
    result["heavy_total"] = sum(map(len, result["heavy_loaded"].values()))
    for path in sorted(scratch.rglob("*"), reverse=True):
        path.unlink()
    scratch.rmdir()
    output.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
