"""Run the promises that tests hold, group by group, and write what passed as JSON.

python -m tools.checks -o docs/results/checks.json
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from featherdepth.images.atomic import write_atomic

GROUPS = {
    "mixed_photos": ["tests/journeys/test_predict.py", "-k", "100_photos or whole_and_of"],
    "interrupted": ["tests/journeys/test_predict.py", "-k", "killed_in or second_run"],
    "full_disk": ["tests/journeys/test_predict.py", "-k", "full_disk or read_only"],
    "kill_and_resume": ["tests/training/test_resume.py"],
    "two_processes": ["tests/training/test_processes.py"],
    "wheel": ["tests/journeys/test_wheel.py"],
    "house": ["tests/architecture"],
    "parity": ["tests/export", "tests/golden"],
    "browser": ["tests/app"],
    "networks": ["tests/networks"],
    "losses": ["tests/losses"],
    "teachers": ["tests/distill/teachers"],
    "distillation": [
        "tests/distill",
        "tests/cli/test_distill.py",
        "--ignore=tests/distill/teachers",
    ],
    "distill_journeys": ["tests/journeys/test_distill.py"],
    "report": ["tests/report"],
    "doctor": ["tests/data/test_doctor.py", "tests/cli/test_doctor.py"],
    "readers": ["tests/data"],
    "completion_systems": ["tests/networks/zoo"],
    "completion": ["tests/completion", "tests/data/patterns"],
    "measured_points": [
        "tests/data/sparse",
        "tests/cli/test_align.py",
        "tests/cli/test_complete.py",
        "tests/cli/test_complete_sensors.py",
    ],
    "metrics": ["tests/metrics"],
    "evaluation": [
        "tests/evaluation",
        "tests/cli/test_evaluate.py",
        "tests/cli/test_corrupt.py",
        "tests/cli/test_reproduce.py",
    ],
}


def run_group(arguments: list[str]) -> dict[str, float]:
    """Counts of one pytest call, slow tests included."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "", f"--junitxml={report}", *arguments],
            check=False,
            stdout=subprocess.DEVNULL,
        )
        suite = next(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest wrote it
        ran, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
        failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        seconds = round(float(suite.attrib["time"]), 1)
        passed = ran - failed - skipped
        return {"passed": passed, "failed": failed, "skipped": skipped, "seconds": seconds}


def main() -> int:
    """Run all groups, written one by one; exit 1 if a test failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all by default")
    options = parser.parse_args()
    chosen = options.groups or list(GROUPS)
    result = json.loads(options.output.read_text()) if options.output.exists() else {}
    for name in chosen:
        result[name] = run_group(GROUPS[name])
        print(name, result[name], flush=True)
        result["machine"] = {"cores": os.cpu_count(), "python": sys.version.split()[0]}
        write_atomic(options.output, (json.dumps(result, indent=1, sort_keys=True) + "\n").encode())
    return int(any(result[name]["failed"] for name in chosen))


if __name__ == "__main__":
    sys.exit(main())
