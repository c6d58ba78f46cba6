"""Every pattern measures what is there, where it is, and the same again from the same seed."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from featherdepth.data.patterns import draw
from featherdepth.data.patterns.grammar import PATTERNS
from featherdepth.errors import BackendError, InputError, UsageError
from featherdepth.types import Depth, DepthKind, Image

EXACT = [
    "all",
    "between-1-2-100",
    "border-0.25",
    "density-200",
    "edges-200",
    "grid-100",
    "holes",
    "keep-lines-16",
    "keypoints-100",
    "lines-16",
    "percent-2",
    "phone-8x8",
    "random-sparsity",
    "range-0.6-100",
    "rosette-150",
    "sensor-vlp16",
    "square-hole-20-100",
    "uniform-100",
    "uniform-bernoulli-100",
]
OWN_VALUES = ["lidar-parallax-16", "lowres-4", "zones-8x8", "zones-mode-8x8"]
STEPS = ["outliers-0.2", "gauss-0.1", "quantize-10mm", "blocks-8px", "drop-0.5", "only-20"]
STEPS += ["shift-5px", "jitter-2px", "rotate-5deg"]
RANDOM = [p for p in EXACT if p.split("-")[0] not in ("all", "between", "border", "edges", "keep")]
RANDOM = [p for p in RANDOM if p.split("-")[0] not in ("keypoints", "lines", "phone")]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_every_pattern_but_those_of_opencv_is_tried_here():
    tried = {name for name in PATTERNS for p in EXACT + OWN_VALUES if f"{p}-".startswith(name)}

    assert tried == set(PATTERNS) - {"orb", "sift"}


@pytest.mark.parametrize("pattern", EXACT)
def test_samples_are_the_true_depth_at_their_pixel(truth: Depth, photo: Image, pattern: str):
    sparse = draw(truth, pattern, rng(), image=photo)

    assert 0 < sparse.valid.sum() <= truth.valid.sum()
    assert not (sparse.valid & ~truth.valid).any()
    np.testing.assert_array_equal(sparse.values[sparse.valid], truth.values[sparse.valid])


@pytest.mark.parametrize(
    "pattern", [*EXACT, *OWN_VALUES, *(f"uniform-500+{step}" for step in STEPS)]
)
def test_a_measurement_is_metric_repeatable_and_0_elsewhere(
    truth: Depth, photo: Image, pattern: str
):
    before = truth.values.copy(), truth.valid.copy()

    sparse, again = (draw(truth, pattern, rng(7), image=photo) for _ in range(2))

    assert (sparse.kind, sparse.size) == (DepthKind.METRIC, truth.size)
    assert sparse.intrinsics == truth.intrinsics
    assert sparse.valid.any() and (sparse.values[~sparse.valid] == 0).all()
    assert (sparse.values[sparse.valid] > 0).all()
    np.testing.assert_array_equal(sparse.values, again.values)
    np.testing.assert_array_equal(truth.values, before[0])
    np.testing.assert_array_equal(truth.valid, before[1])


@pytest.mark.parametrize(
    "pattern", [*RANDOM, *OWN_VALUES[:1], *(f"uniform-500+{step}" for step in STEPS[:2])]
)
def test_another_seed_measures_something_else(truth: Depth, photo: Image, pattern: str):
    drawn = [draw(truth, pattern, rng(seed), image=photo).values for seed in range(6)]

    assert any((values != drawn[0]).any() for values in drawn[1:])


def test_another_process_draws_the_same():
    code = (
        "import numpy as np\n"
        "from featherdepth.data.patterns import draw\n"
        "from featherdepth.types import Depth, DepthKind\n"
        "v = np.arange(1, 3001, dtype=np.float32).reshape(50, 60) / 1000\n"
        "t = Depth(values=v, valid=v > 0, kind=DepthKind.METRIC)\n"
        "s = draw(t, 'uniform-50+outliers-0.5', np.random.default_rng(3))\n"
        "print(float(s.values.sum()))"
    )

    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }

    assert len(said) == 1


def test_pixels_at_depth_0_are_not_measured_whatever_the_mask_says(truth: Depth):
    everywhere = replace(truth, valid=np.ones(truth.size, dtype=bool))

    assert draw(everywhere, "all", rng()).valid.sum() == (truth.values > 0).sum()


def test_only_metric_depth_with_valid_pixels_can_be_measured(truth: Depth):
    with pytest.raises(InputError, match="affine_invariant depth has no metres to measure"):
        draw(replace(truth, kind=DepthKind.AFFINE_INVARIANT), "all", rng())
    empty = replace(
        truth, values=np.zeros(truth.size, np.float32), valid=np.zeros(truth.size, bool)
    )
    with pytest.raises(InputError, match="without a valid pixel"):
        draw(empty, "all", rng())


@pytest.mark.parametrize("pattern", ["keypoints-9", "edges-9", "sift", "orb"])
def test_patterns_that_look_at_the_photo_say_so(truth: Depth, pattern: str):
    with pytest.raises(UsageError, match=f"pattern '{pattern}' looks at the photo, but none"):
        draw(truth, pattern, rng())


@pytest.mark.parametrize("pattern", ["sift", "orb"])
def test_without_opencv_the_line_has_the_command(
    truth: Depth, photo: Image, pattern: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "cv2", None)  # as if it were not installed

    with pytest.raises(BackendError, match=rf"'{pattern}': needs opencv-python-headless; pip inst"):
        draw(truth, pattern, rng(), image=photo)


@pytest.mark.parametrize("pattern", ["sift", "orb"])
def test_opencv_finds_keypoints_in_the_photo(truth: Depth, photo: Image, pattern: str):
    pytest.importorskip("cv2")

    sparse = draw(truth, pattern, rng(), image=photo)

    assert 20 <= sparse.valid.sum() < 3000
    np.testing.assert_array_equal(sparse.values[sparse.valid], truth.values[sparse.valid])
