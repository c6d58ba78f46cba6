"""Time a newcomer's first minutes: clone, `make demo`, and what it put on the disk.

    python benchmarks/install.py -o docs/results/install.json

Runs in an empty temporary folder, once with the wheels in pip's cache and once without it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = "featherdepth/runtime/weights"


def demo(cached: bool) -> dict[str, Any]:
    """Clone and run `make demo` in an empty folder."""
    environment = os.environ | ({} if cached else {"PIP_NO_CACHE_DIR": "1"})
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "featherdepth"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        start = time.perf_counter()
        subprocess.run(["make", "demo"], cwd=clone, env=environment, check=True)
        seconds = time.perf_counter() - start
        pictures = sorted(p.name for p in (clone / "demo").rglob("*.color.png"))
        return {"seconds": seconds, "pictures": len(pictures)}


def core() -> dict[str, Any]:
    """Megabytes of the core alone: what is downloaded and what lies in site-packages."""
    with tempfile.TemporaryDirectory() as folder:
        wheels, venv = Path(folder) / "wheels", Path(folder) / "venv"
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "wheel", "--wheel-dir", str(wheels), str(ROOT)], check=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(wheels)]
        subprocess.run([str(venv / "bin/python"), *install, "featherdepth"], check=True)
        site = next((venv / "lib").glob("python*/site-packages"))
        weights = megabytes(site / WEIGHTS)
        pip_itself = sum(megabytes(p) for p in site.glob("pip*"))
        modules = [m for m in ("torch", "scipy", "cv2") if (site / m).exists()]
        return {
            "download_mb": megabytes(wheels),
            "site_packages_mb": megabytes(site),
            "without_weights_mb": megabytes(site) - weights,
            "without_weights_and_pip_mb": megabytes(site) - weights - pip_itself,
            "weights_mb": weights,
            "heavy_packages": modules,
        }


def megabytes(folder: Path) -> float:
    """Sum of file sizes below a folder, in 10^6 bytes."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    output = parser.parse_args().output
    result = {
        "core": core(),
        "demo_with_cache": demo(cached=True),
        "demo_without_cache": demo(cached=False),
        "machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]},
    }
    output.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
