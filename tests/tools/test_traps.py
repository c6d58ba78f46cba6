"""The list of traps is whole and true of the sources; a fault that no test sees is said."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools import traps

from featherdepth.metrics.map_measures import DECLARED

TRAPS = traps.read_traps()


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_fault_fits_the_sources_and_every_test_is_there() -> None:
    for trap in TRAPS:
        if trap.none:
            assert len(trap.none) > 10, trap.source
            continue
        text = (traps.ROOT / trap.file).read_text(encoding="utf-8")
        assert trap.old in text, trap.source
        assert trap.old != trap.new, trap.source
        for test in trap.tests:
            file, _, name = test.partition("::")
            assert name.partition("[")[0] in functions_of(traps.ROOT / file), test


def test_every_known_trap_of_evaluation_and_every_measure_is_listed() -> None:
    numbers: dict[str, set[int]] = {"ecosystem 5": set(), "facts 8": set()}
    for trap in TRAPS:
        if match := re.fullmatch(r"(ecosystem 5|facts 8)\.(\d+)", trap.source):
            numbers[match[1]].add(int(match[2]))

    assert numbers["ecosystem 5"] == {*range(1, 38), *range(44, 52)}
    assert numbers["facts 8"] == {1, 2, 3, 5, *range(22, 31), 35, *range(54, 66)}
    measures = {t.source.removeprefix("measure ") for t in TRAPS if t.source.startswith("measure")}
    assert measures == set(DECLARED)
    assert all(trap.also for trap in TRAPS if trap.source.startswith("measure"))


@pytest.mark.parametrize("table", [{"none": "why", "test": "a::b"}, {"test": "a::b"}, {}])
def test_a_trap_has_a_test_with_a_fault_or_a_reason(table: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match="x: needs a test, a file and a text, or a reason"):
        traps.Trap(source="x", what="y", **table)


def test_a_fault_that_no_test_sees_is_missed_and_a_skipped_test_sees_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(traps.ROOT / "tools" / "traps.py", tmp_path / "tools")
    for folder in ("src", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src" / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "tests" / "test_sums.py").write_text(
        "import pytest\nfrom sums import add\n"
        "def test_sum():\n    assert add(1, 2) == 3\n"
        "def test_blind():\n    assert add(0, 0) == 0\n"
        "@pytest.mark.skip\ndef test_skipped():\n    assert add(1, 2) == 3\n"
    )
    names = ("test_sum", "test_blind", "test_skipped", "test_gone")
    (tmp_path / "tests" / "traps.toml").write_text(
        "\n".join(
            f'[[trap]]\nsource = "{i}"\nwhat = "{name}"\ntest = "tests/test_sums.py::{name}"\n'
            'file = "src/sums.py"\nold = "a + b"\nnew = "a - b"\n'
            for i, name in enumerate(names)
        )
        + '[[trap]]\nsource = "9"\nwhat = "other"\nnone = "cannot be"\n'
    )

    def run(*more: str) -> tuple[int, dict[str, object]]:
        command = [sys.executable, "-m", "tools.traps", "-o", "out.json", *more]
        env = {**os.environ, "PYTHONPATH": ""}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=False)
        return done.returncode, json.loads((tmp_path / "out.json").read_text())

    code, found = run("--only", "0", "--only", "1", "--only", "2", "--only", "9")

    rows = {row["what"]: row for row in found["rows"]}  # type: ignore[attr-defined]
    assert code == 1
    assert (found["tested"], found["caught"], found["not_ours"]) == (3, 1, 1)
    assert rows["test_sum"]["passes"]
    assert rows["test_sum"]["fails_with_fault"]
    assert not rows["test_blind"]["fails_with_fault"]
    assert not rows["test_skipped"]["passes"]
    assert (tmp_path / "src" / "sums.py").read_text().endswith("a + b\n")
    code, found = run("--only", "0")  # the other rows stay
    assert (code, found["tested"]) == (1, 3)
