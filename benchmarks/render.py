"""Time the renderer: seconds a frame and what 10,000 frames take on this machine.

FEATHERDEPTH_DATA=<data folder> python benchmarks/render.py -o docs/results/render.json
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from featherdepth.runtime.cpu import cores

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Render into a temporary folder and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--threads", type=int, default=cores())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tools.render", folder, "--count", str(options.count)]
        command += ["--seed", "9", "--size", "320x240", "--threads", str(options.threads)]
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
        wall = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    per_frame = wall / options.count
    result = {
        "frames": options.count,
        "threads": options.threads,
        "seconds_per_frame": per_frame,
        "core_seconds_per_frame": (usage.ru_utime + usage.ru_stime) / options.count,
        "hours_for_10000": per_frame * 10_000 / 3600,
        "machine": {"cores": cores(), "python": sys.version.split()[0]},
    }
    options.output.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
