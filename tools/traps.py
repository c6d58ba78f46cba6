"""Plant the fault of every known trap in a copy of the sources and see its test fail.

    python -m tools.traps -o docs/results/traps.json [--only "ecosystem 5.16"]...

`tests/traps.toml` names for each trap the test that catches it and a fault: a text of a source file
and what stands in its place. The test must pass without the fault and fail with it. A test that is
not there, is skipped or cannot be collected has caught nothing. Traps that cannot concern this code
have a reason instead. Exit 1 where a trap is not caught.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "traps.toml"
COPIED = ("src", "tests", "tools", "docs", "recipes", "pyproject.toml")


@dataclass(frozen=True, kw_only=True)
class Trap:
    """A known way to get a wrong number, and what is done about it here."""

    source: str
    what: str
    test: str = ""
    file: str = ""
    old: str = ""
    new: str = ""
    none: str = ""
    """Why it cannot concern this code; then there is no test."""

    def __post_init__(self) -> None:
        planted = (self.test, self.file, self.old)
        if bool(self.none) == all(planted) or (self.none and any(planted)):
            raise SystemExit(f"{self.source}: needs a test, a file and a text, or a reason")


def read_traps(path: Path = LIST) -> list[Trap]:
    return [Trap(**table) for table in tomllib.loads(path.read_text(encoding="utf-8"))["trap"]]


def copy_tree(folder: Path) -> None:
    """The sources and tests, without caches: a cached module would hide a fault."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / name)


@contextmanager
def planted(trap: Trap, folder: Path) -> Iterator[None]:
    """The copy with the fault in it."""
    path = folder / trap.file
    text = path.read_text(encoding="utf-8")
    if trap.old not in text or trap.old == trap.new:
        raise SystemExit(f"{trap.source}: {trap.file} does not hold {trap.old!r}")
    path.write_text(text.replace(trap.old, trap.new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


def run_tests(nodes: list[str], folder: Path) -> dict[str, tuple[int, int, str]]:
    """Node -> how many of its cases passed and failed, and the first failure."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    environment = os.environ | {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "--rootdir",
                str(folder),
            ),
            *("--junitxml", str(report), *nodes),
        ],
        cwd=folder,
        env=environment,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    found = dict.fromkeys(nodes, (0, 0, ""))
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - pytest wrote it
        place, name = case.attrib["classname"].replace(".", "/"), case.attrib["name"]
        for node, (passed, failed, first) in found.items():
            file, _, test = node.partition("::")
            if place == file.removesuffix(".py") and test in (name, name.partition("[")[0]):
                fault = case.find("failure")
                bad = fault is not None
                said = "" if fault is None else fault.attrib.get("message", "").splitlines()[0]
                good = not bad and case.find("error") is None and case.find("skipped") is None
                found[node] = (passed + good, failed + bad, first or said[:160])
    return found


def check(traps: list[Trap]) -> list[dict[str, Any]]:
    """One row a trap: whether its test passes as it is, and fails with the fault."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copy_tree(folder)
        caught = [trap for trap in traps if trap.test]
        as_it_is = run_tests(list(dict.fromkeys(trap.test for trap in caught)), folder)
        for trap in traps:
            if not trap.test:
                rows.append({"source": trap.source, "what": trap.what, "none": trap.none})
                continue
            start = time.monotonic()
            with planted(trap, folder):
                _, failed, said = run_tests([trap.test], folder)[trap.test]
            passed, wrong, _ = as_it_is[trap.test]
            rows.append(
                {
                    "source": trap.source,
                    "what": trap.what,
                    "test": trap.test,
                    "file": trap.file,
                    "passes": passed > 0 and not wrong,
                    "fails_with_fault": failed > 0,
                    "said": said.replace(str(folder), "."),
                    "seconds": round(time.monotonic() - start, 1),
                }
            )
            print("caught" if rows[-1]["passes"] and failed else "MISSED", trap.source, trap.what)
    return rows


def main() -> int:
    """Check all traps, or the named ones; exit 1 if one is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--only", action="append", metavar="SOURCE", help="these traps")
    options = parser.parse_args()
    traps = [t for t in read_traps() if options.only is None or t.source in options.only]
    rows = check(traps)
    tested = [row for row in rows if "test" in row]
    caught = sum(row["passes"] and row["fails_with_fault"] for row in tested)
    result = {
        "traps": len(rows),
        "tested": len(tested),
        "caught": caught,
        "not_ours": len(rows) - len(tested),
        "rows": rows,
        "machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]},
    }
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return int(caught != len(tested))


if __name__ == "__main__":
    sys.exit(main())
