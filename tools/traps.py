"""Plant the fault of every known trap in a copy of the sources and see its test fail.

    python -m tools.traps -o docs/results/traps.json [--only "ecosystem 5.16"]...

`tests/traps.toml` names for each trap the test that catches it and a fault: a text of a source file
and what stands in its place. The test must pass without the fault and fail with it. A test that is
not there, is skipped or cannot be collected has caught nothing. Traps that cannot concern this code
have a reason instead. Exit 1 where a trap is not caught.
"""

import argparse
import contextlib
import importlib
import io
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "traps.toml"
SLOW = ("numpy", "PIL.Image", "beartype", "h5py", "scipy.io", "safetensors.numpy", "torch")
"""Imported once, before the forks. Never the package itself, nor a plugin of pytest."""
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
    also: str = ""
    """A second test that catches it by other means."""
    none: str = ""
    """Why it cannot concern this code; then there is no test."""

    def __post_init__(self) -> None:
        planted = (self.test, self.file, self.old)
        if bool(self.none) == all(planted) or (self.none and any(planted)):
            raise SystemExit(f"{self.source}: needs a test, a file and a text, or a reason")

    @property
    def tests(self) -> list[str]:
        return [test for test in (self.test, self.also) if test]


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


@contextlib.contextmanager
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
    arguments = ["-q", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    _apart(_test, [*arguments, f"--junitxml={report}", *nodes], folder)
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


def _apart(task: Callable[..., None], *arguments: Any) -> None:
    """Run it in a process of its own: a fork, where there are any, need not import again."""
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    process = context.Process(target=task, args=arguments)
    process.start()
    process.join()


def _test(arguments: list[str], folder: Path) -> None:
    os.chdir(folder)
    sys.path[:0] = [str(folder / "src")]
    sys.dont_write_bytecode = True  # a fault of the same length and second would not be seen
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(arguments)


def check(traps: list[Trap]) -> list[dict[str, Any]]:
    """One row a trap: whether its test passes as it is, and fails with the fault."""
    rows: list[dict[str, Any]] = []
    for name in SLOW:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copy_tree(folder)
        nodes = dict.fromkeys(test for trap in traps for test in trap.tests)
        as_it_is = run_tests(list(nodes), folder)
        for trap in traps:
            if trap.none:
                rows.append({"source": trap.source, "what": trap.what, "none": trap.none})
                continue
            start = time.monotonic()
            with planted(trap, folder):
                found = run_tests(trap.tests, folder)
            sound = [as_it_is[test] for test in trap.tests]
            rows.append(
                {
                    "source": trap.source,
                    "what": trap.what,
                    "tests": trap.tests,
                    "file": trap.file,
                    "passes": all(passed > 0 and not failed for passed, failed, _ in sound),
                    "fails_with_fault": all(failed > 0 for _, failed, _ in found.values()),
                    "said": [
                        said.replace(tempfile.gettempdir(), ".") for _, _, said in found.values()
                    ],
                    "seconds": round(time.monotonic() - start, 1),
                }
            )
            caught = rows[-1]["passes"] and rows[-1]["fails_with_fault"]
            print("caught" if caught else "MISSED", trap.source, trap.what, flush=True)
    return rows


def main() -> int:
    """Check all traps, or the named ones; exit 1 if one is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--only", action="append", help="traps whose source begins with this")
    options = parser.parse_args()
    traps, only = read_traps(), tuple(options.only or [""])
    known: dict[tuple[str, str], dict[str, Any]] = {}
    if options.only and options.output.exists():  # the other rows stay as they were measured
        rows = json.loads(options.output.read_text(encoding="utf-8"))["rows"]
        known = {(row["source"], row["what"]): row for row in rows}
    fresh = check([trap for trap in traps if trap.source.startswith(only)])
    known |= {(row["source"], row["what"]): row for row in fresh}
    rows = [known[t.source, t.what] for t in traps if (t.source, t.what) in known]
    tested = [row for row in rows if "tests" in row]
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
