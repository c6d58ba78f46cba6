"""`featherdepth.align` takes points in every form, and what it returns is taken for depth."""

import doctest
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import featherdepth
from featherdepth.errors import InputError
from featherdepth.types import Depth, DepthKind

ROWS = [(0, 0, 1.0), (2, 0, 3.0), (3, 1, 9.0)]


@pytest.fixture
def relative() -> Depth:
    values = np.arange(8, dtype=np.float32).reshape(2, 4) - 5
    return Depth(values=values, valid=values < 9, kind=DepthKind.AFFINE_INVARIANT)


def as_map() -> np.ndarray:
    meters = np.zeros((2, 4))
    for column, row, value in ROWS:
        meters[row, column] = value
    return meters


def test_rows_arrays_maps_and_files_are_the_same_points(relative: Depth, tmp_path: Path) -> None:
    lines = "\n".join(",".join(map(str, row)) for row in ROWS)
    (tmp_path / "points.csv").write_text(lines)
    measured = featherdepth.sparse_depth(ROWS, size=(2, 4))
    forms = (ROWS, np.array(ROWS), as_map(), tmp_path / "points.csv", measured)

    fits = [featherdepth.align(relative, form).alignment for form in forms]

    assert fits[0].count == 3 and all(fit == fits[0] for fit in fits)


def test_the_example_holds() -> None:
    result = doctest.testmod(import_module("featherdepth.data.align"))

    assert (result.attempted > 0, result.failed) == (True, 0)


def test_points_outside_are_refused_as_everywhere(relative: Depth) -> None:
    with pytest.raises(InputError, match="none of 1 points lies inside the picture of 4x2"):
        featherdepth.align(relative, [(99, 0, 1.0)])


def test_what_it_returns_is_saved_painted_and_made_a_cloud(relative: Depth, tmp_path: Path) -> None:
    aligned = featherdepth.align(relative, ROWS)

    featherdepth.save(aligned, tmp_path / "a.png")
    featherdepth.save(aligned.depth, tmp_path / "b.png", alignment=aligned.alignment)

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert np.array_equal(featherdepth.colorize(aligned), featherdepth.colorize(aligned.depth))
    assert np.array_equal(featherdepth.points(aligned), featherdepth.points(aligned.depth))


def test_an_array_is_no_depth_and_is_told_what_is() -> None:
    # In a process of its own: here a check of types comes before.
    program = """
import numpy as np
from featherdepth import colorize, points, save
from featherdepth.errors import UsageError
for use in (colorize, points, lambda depth: save(depth, "x.png")):
    try:
        use(np.zeros((2, 2), np.float32))
    except UsageError as error:
        print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    lines = said.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("ndarray: is no depth map; expected a Depth") for line in lines)
