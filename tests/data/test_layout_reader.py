"""Every layout of the table is read to exact metres and cameras from its true format."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from featherdepth.data.layout_reader import LayoutReader
from featherdepth.data.probe import open_data, recognise
from featherdepth.errors import InputError, UsageError
from featherdepth.types import DepthKind

spec = importlib.util.spec_from_file_location("trees", Path(__file__).with_name("trees.py"))
assert spec is not None
assert spec.loader is not None
trees = importlib.util.module_from_spec(spec)
spec.loader.exec_module(trees)
TREES = trees.TREES


def open_layout(root: Path, split: str | None = None, **options: object) -> LayoutReader:
    reader = open_data(root, split, **options)
    assert isinstance(reader, LayoutReader)
    return reader


@pytest.mark.parametrize("name", TREES)
def test_a_tree_is_recognised_and_read_to_exact_metres_and_intrinsics(
    name: str, tmp_path: Path
) -> None:
    tree = TREES[name]
    truth = tree.write(tmp_path)

    reader = open_layout(tmp_path, tree.open_with)
    sample = reader[0]

    assert recognise(tmp_path) == "layout"
    assert (reader.layout.name, reader.split, len(reader)) == (tree.layout, tree.split, tree.count)
    assert tree.terms in reader.terms
    assert sample.depth is not None
    assert sample.depth.kind is DepthKind.METRIC
    np.testing.assert_array_equal(sample.depth.valid, truth > 0)
    np.testing.assert_allclose(sample.depth.values, truth, rtol=2e-6)
    assert sample.image.size == sample.depth.size
    camera = sample.depth.intrinsics
    if tree.camera is None:
        assert camera is None
    else:
        assert camera is not None
        assert (camera.fx, camera.fy, camera.cx, camera.cy) == pytest.approx(tree.camera)
        assert (camera.height, camera.width) == sample.depth.size
        assert sample.image.intrinsics == camera
    if tree.official is not None:
        assert f"(officially {tree.official})" in reader.describe()
    for index in range(len(reader)):
        _ = reader[index]
