"""What lies far behind the nearest sample around it is left out, and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from featherdepth.data.patterns import draw
from featherdepth.data.patterns.bleeding import without_bleeding
from featherdepth.images.read_depth import read_depth
from featherdepth.types import Depth

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("FEATHERDEPTH_DATA", ROOT.parent / "shared" / "data")) / "kitti"
Make = Callable[..., Depth]


@pytest.fixture
def sparse(make_truth: Make) -> Depth:
    """2 m in the middle; 2.1, 2.4 and 9 m around it, 9 m also 3 and 4 pixels away."""
    values = np.zeros((15, 15))
    values[7, 7], values[6, 7], values[7, 8], values[9, 5] = 2, 2.1, 2.4, 9
    values[4, 4], values[7, 11], values[11, 7] = 9, 9, 9
    return make_truth(values)


def kept(depth: Depth) -> list[list[int]]:
    return np.argwhere(depth.valid).tolist()


def test_a_window_of_seven_looks_three_pixels_far(sparse: Depth):
    # (7, 11) is four from the 2 m sample, and three from the one of 2.4 m.
    assert kept(without_bleeding(sparse, share=0.1)) == [[6, 7], [7, 7], [11, 7]]


def test_the_step_in_metres_is_the_published_one(sparse: Depth):
    assert kept(without_bleeding(sparse, share=None, metres=1.5)) == [
        [6, 7],
        [7, 7],
        [7, 8],
        [11, 7],
    ]


def test_the_larger_of_both_parts_counts(sparse: Depth):
    assert [7, 8] in kept(without_bleeding(sparse, share=0.1, metres=0.5))
    assert [7, 8] in kept(without_bleeding(sparse, share=0.25, metres=0.1))
    with pytest.raises(ValueError, match="neither a share nor metres"):
        without_bleeding(sparse, share=None)


def test_what_was_bled_by_parallax_is_mostly_found(make_truth: Make):
    values = np.full((120, 160), 4.0)
    values[:, 60:100] = 1.0
    truth = make_truth(values)
    wrong = [0, 0]

    for seed in range(10):
        for i, pattern in enumerate(("lidar-parallax-63", "lidar-parallax-63+unbleed-0.1")):
            measured = draw(truth, pattern, np.random.default_rng(seed))
            wrong[i] += int((measured.valid & (measured.values > 2 * values)).sum())

    assert wrong[0] > 100
    assert wrong[1] < 0.5 * wrong[0]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the development data")
def test_a_real_scan_loses_a_little():
    scan = read_depth(DATA / "lidar/obj_train_000000.png", scale=256)

    clean = without_bleeding(scan, share=None, metres=1.5)

    share = 1 - clean.valid.sum() / scan.valid.sum()
    assert 0.01 < share < 0.2
