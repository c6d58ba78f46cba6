"""What goes wrong goes wrong by as much as was asked for, and bleeding only goes backward."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from featherdepth.data.patterns import draw
from featherdepth.data.patterns.moves import rotation
from featherdepth.types import Depth, Intrinsics

Make = Callable[..., Depth]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def ramp(make_truth: Make, camera: Intrinsics) -> Depth:
    """1 to 4 m, all different; a fifth of it is a hole."""
    values = np.linspace(1, 4, 4800).reshape(60, 80)
    values[:12] = 0
    return make_truth(values, camera)


def test_outliers_are_that_share_and_lie_between_the_quantiles_of_what_is_valid(ramp: Depth):
    sparse = draw(ramp, "all+outliers-0.2", rng())
    wrong = sparse.valid & (sparse.values != ramp.values)

    # The valid depths go from 1.6 to 4 m: 10 % and 90 % of them are 1.84 and 3.76.
    low, high = np.quantile(ramp.values[ramp.valid], [0.1, 0.9])
    assert low == pytest.approx(1.84, abs=0.01)
    assert wrong.sum() / sparse.valid.sum() == pytest.approx(0.2, abs=0.03)
    assert sparse.values[wrong].min() >= low and sparse.values[wrong].max() <= high
    # Uniform between them: the mean is their middle (standard error 0.02 m).
    assert sparse.values[wrong].mean() == pytest.approx((low + high) / 2, abs=0.08)
    assert (sparse.valid == ramp.valid).all()


def test_noise_is_a_share_of_the_depth(ramp: Depth):
    sparse = draw(ramp, "all+gauss-0.05", rng())

    share = sparse.values[ramp.valid] / ramp.values[ramp.valid] - 1

    assert share.mean() == pytest.approx(0, abs=0.004)
    assert share.std() == pytest.approx(0.05, rel=0.05)
    near, far = share[:960].std(), share[-960:].std()
    assert near == pytest.approx(far, rel=0.15)


def test_strong_noise_leaves_every_sample_measured(ramp: Depth):
    assert (draw(ramp, "all+gauss-1", rng()).valid == ramp.valid).all()


@pytest.mark.parametrize(
    ("step", "size_m"), [("10mm", 0.01), ("3.90625mm", 1 / 256), ("250", 0.25)]
)
def test_depth_is_rounded_to_the_nearest_step(ramp: Depth, step: str, size_m: float):
    sparse = draw(ramp, f"all+quantize-{step}", rng())

    steps = sparse.values[ramp.valid].astype(np.float64) / size_m
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    assert np.abs(sparse.values - ramp.values).max() <= size_m / 2 + 1e-6
    assert (draw(ramp, "all+quantize-10000mm", rng()).values[ramp.valid] == 10).all()


def test_blocks_have_the_depth_of_their_middle(make_truth: Make):
    truth = make_truth(np.arange(1, 26).reshape(5, 5))

    blocky = draw(truth, "all+blocks-4px", rng()).values

    # Middles at 2 and (4 + 2, cut to) 4.
    assert blocky[0].tolist() == [13, 13, 13, 13, 15]
    assert blocky[4].tolist() == [23, 23, 23, 23, 25]


def test_samples_are_lost_by_share_or_down_to_a_count(ramp: Depth):
    kept = draw(ramp, "all+drop-0.3", rng()).valid.sum() / ramp.valid.sum()

    assert kept == pytest.approx(0.7, abs=0.03)
    assert draw(ramp, "lines-16+only-7", rng()).valid.sum() == 7
    assert draw(ramp, "uniform-5+only-7", rng()).valid.sum() == 5


def test_a_shift_moves_every_sample_the_same_way(make_truth: Make):
    values = np.zeros((60, 80))
    values[20, 30], values[40, 50], values[21, 60] = 1, 2, 3

    for seed in range(5):
        moved = draw(make_truth(values), "all+shift-5px", rng(seed))
        places = [np.argwhere(moved.values == depth)[0] for depth in (1, 2, 3)]
        steps = np.array(places) - [[20, 30], [40, 50], [21, 60]]

        assert (steps == steps[0]).all()
        assert math.hypot(*steps[0]) == pytest.approx(5, abs=0.75)  # rounded to pixels


def test_the_nearest_wins_where_samples_meet(make_truth: Make):
    truth = make_truth(np.linspace(1, 4, 400).reshape(20, 20))

    moved = draw(truth, "all+jitter-3px", rng())

    assert moved.valid.sum() < 400
    for row, column in np.argwhere(moved.valid):
        around = truth.values[max(0, row - 4) : row + 5, max(0, column - 4) : column + 5]
        assert moved.values[row, column] in around


def test_samples_that_leave_the_picture_are_lost(make_truth: Make):
    values = np.zeros((60, 80))
    values[0, 0] = 1

    seen = [draw(make_truth(values), "all+shift-5px", rng(s)).valid.sum() for s in range(40)]

    assert 2 <= sum(seen) <= 20  # one direction of four stays inside


def test_a_rotation_turns_every_ray_and_keeps_the_distance(make_truth: Make):
    camera = Intrinsics(
        fx=500.0, fy=500.0, cx=319.5, cy=239.5, width=640, height=480, source="given"
    )
    values = np.zeros((480, 640))
    values[240, 320] = 2.0

    for seed in range(5):
        sparse = draw(make_truth(values, camera), "all+rotate-3deg", rng(seed))
        row, column = np.argwhere(sparse.valid)[0]
        z = float(sparse.values[row, column])
        point = np.array([(column - 319.5) / 500 * z, (row - 239.5) / 500 * z, z])
        start = np.array([0.5 / 500 * 2, 0.5 / 500 * 2, 2.0])

        cosine = point @ start / np.linalg.norm(point) / np.linalg.norm(start)
        assert math.degrees(math.acos(min(1, cosine))) <= 3 + 0.06  # of which axis hangs how much
        assert np.linalg.norm(point) == pytest.approx(np.linalg.norm(start), rel=2e-3)


def test_a_rotation_matrix_turns_by_its_angle_about_its_axis():
    axis = np.array([1.0, 2.0, 2.0]) / 3

    matrix = rotation(axis, 0.3)

    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(matrix @ axis, axis, atol=1e-15)
    assert np.trace(matrix) == pytest.approx(1 + 2 * math.cos(0.3))
    # Right-handed: a quarter turn about z takes x to y.
    quarter = rotation(np.array([0.0, 0.0, 1.0]), math.pi / 2) @ np.array([1.0, 0.0, 0.0])
    np.testing.assert_allclose(quarter, [0, 1, 0], atol=1e-15)


def test_no_turn_and_no_shift_change_nothing(ramp: Depth):
    for step in ("rotate-0deg", "shift-0px", "jitter-0px", "gauss-0", "outliers-0", "drop-0"):
        np.testing.assert_allclose(
            draw(ramp, f"all+{step}", rng()).values, ramp.values, rtol=1e-6, err_msg=step
        )


def test_parallax_on_a_flat_wall_is_just_lines(make_truth: Make):
    truth = make_truth(np.full((120, 160), 3.0))

    for seed in range(5):
        sparse = draw(truth, "lidar-parallax-16", rng(seed))

        assert 200 < sparse.valid.sum() < 6000
        assert (sparse.values[sparse.valid] == 3).all()


def test_parallax_puts_background_on_the_edge_of_what_stands_before_it(make_truth: Make):
    values = np.full((120, 160), 4.0)
    values[:, 60:100] = 1.0
    truth = make_truth(values)
    bled = np.zeros((120, 160), dtype=int)

    for seed in range(20):
        sparse = draw(truth, "lidar-parallax-32", rng(seed))
        assert (sparse.values[sparse.valid] >= 0.98 * values[sparse.valid]).all()
        bled += sparse.valid & (sparse.values > 2 * values)

    # The box moves by baseline * focal length * (1 / 1 - 1 / 4): up to 0.06 * 4 * 240 * 0.75 = 43
    # pixels, so all of it may be reached; both sides are, one at a time.
    columns = np.nonzero(bled)[1]
    assert bled.sum() > 100
    assert columns.min() in range(60, 65) and columns.max() in range(95, 100)
    assert bled[:, 60:70].sum() > bled[:, 75:85].sum() * 0.5
