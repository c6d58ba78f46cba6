"""Where the patterns of counts, areas, lines, grids and zones measure, by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from featherdepth.data.patterns import draw
from featherdepth.data.patterns.fill import fill_with_far, fill_with_mean
from featherdepth.data.patterns.lidar import BEAMS_DEG
from featherdepth.errors import InputError
from featherdepth.types import Depth, Intrinsics

Make = Callable[..., Depth]
FULL = (480, 640)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def flat(make_truth: Make, size: tuple[int, int] = FULL, depth: float = 2.0) -> Depth:
    return make_truth(np.full(size, depth))


def count(truth: Depth, pattern: str, seed: int = 0) -> int:
    return int(draw(truth, pattern, rng(seed)).valid.sum())


def test_uniform_takes_exactly_so_many_and_never_more_than_there_are(truth: Depth):
    assert count(truth, "uniform-123") == 123
    assert count(truth, "uniform-99999") == truth.valid.sum()


def test_more_points_of_one_generator_contain_the_fewer(truth: Depth):
    few, many = (draw(truth, f"uniform-{n}", rng(5)).valid for n in (50, 500))

    assert (many & few).sum() == 50


def test_bernoulli_varies_around_its_count_of_the_valid_pixels(make_truth: Make):
    values = np.full(FULL, 2.0)
    values[:240] = 0
    truth = make_truth(values)

    counts = [count(truth, "uniform-bernoulli-500", seed) for seed in range(40)]

    # The standard deviation of one is sqrt(500) = 22.4, of their mean 3.5.
    assert len(set(counts)) > 10
    assert abs(np.mean(counts) - 500) < 4 * 3.6
    assert 10 < np.std(counts) < 40


def test_density_follows_the_valid_share_and_keeps_five(make_truth: Make):
    values = np.zeros((20, 30))
    values[:10] = 1.0

    assert count(make_truth(values), "density-100") == 50
    assert count(make_truth(values), "density-4") == 5


@pytest.mark.parametrize(("share", "expected"), [("0.7", 2150), ("0.1", 307), ("0.03", 92)])
def test_percent_is_of_all_pixels(make_truth: Make, share: str, expected: int):
    assert count(flat(make_truth), f"percent-{share}") == expected


def test_random_sparsity_is_dense_half_of_the_time(make_truth: Make):
    truth = flat(make_truth, (60, 80))

    kept = np.array([count(truth, "random-sparsity", s) for s in range(200)]) / truth.values.size

    # Half keep less than 10 %; the rest are spread from 10 % to all: 0.55 on average.
    assert 70 < (kept < 0.1).sum() < 130
    assert kept[kept >= 0.11].mean() == pytest.approx(0.55, abs=0.08)


@pytest.mark.parametrize(
    ("lines", "low", "high"), [(64, 4000, 4500), (16, 980, 1100), (8, 430, 490), (4, 140, 170)]
)
def test_virtual_lines_have_the_counts_of_the_published_tests(
    make_truth: Make, lines: int, low: int, high: int
):
    assert low <= count(flat(make_truth), f"lines-{lines}") <= high


def test_virtual_lines_are_those_of_the_formula(make_truth: Make):
    height, width = 90, 120
    expected = np.zeros((height, width), dtype=bool)
    for pitch in np.linspace(-0.5, 0.5, 4):
        for yaw in np.linspace(-math.pi / 2.1, math.pi / 2.1, 200):
            x, y = math.cos(pitch) * math.sin(yaw), math.sin(pitch)
            z = math.cos(pitch) * math.cos(yaw)
            column, row = height * x / z + width / 2, height * y / z + height / 2
            if 0 <= round(row) < height and 0 <= round(column) < width:
                expected[round(row), round(column)] = True

    found = draw(flat(make_truth, (height, width)), "lines-4", rng()).valid

    np.testing.assert_array_equal(found, expected)
    assert draw(flat(make_truth, (height, width)), "lines-1-101", rng()).valid[45].any()


@pytest.mark.parametrize(
    ("model", "beams", "top", "bottom"),
    [("hdl64e", 64, 2.0, -24.8), ("hdl32e", 32, 10.67, -30.67), ("vlp16", 16, 15.0, -15.0)],
)
def test_sensors_have_their_beams_and_hit_nothing_between(
    make_truth: Make, model: str, beams: int, top: float, bottom: float
):
    elevations = BEAMS_DEG[model]
    camera = Intrinsics(
        fx=700.0, fy=700.0, cx=320.0, cy=240.0, width=640, height=480, source="given"
    )

    found = draw(make_truth(np.full(FULL, 9.0), camera), f"sensor-{model}", rng()).valid

    assert (len(elevations), elevations.max(), elevations.min()) == (beams, top, bottom)
    row, column = np.nonzero(found)
    x, y = (column - 320) / 700, (row - 240) / 700
    elevation = -np.degrees(np.arctan2(y, np.hypot(x, 1)))
    off = np.abs(elevation[:, None] - elevations[None, :]).min(axis=1)
    # Half a pixel of 1/700 rad each way.
    assert off.max() <= math.degrees(0.75 / 700)
    seen = np.unique(np.abs(elevation[:, None] - elevations[None, :]).argmin(axis=1))
    half_field = math.degrees(math.atan(239.5 / 700))
    assert len(seen) == (np.abs(elevations) < half_field - 0.05).sum()


def test_lines_are_kept_by_the_elevation_of_their_points(make_truth: Make, camera: Intrinsics):
    values = np.where(rng().random((60, 80)) < 0.3, 5.0, 0.0)
    truth = make_truth(values, camera)
    pitch = {}
    for row, column in np.argwhere(values > 0):
        x, y, z = (column - 40.5) / 60 * 5, (row - 29.0) / 62 * 5, 5.0
        pitch[row, column] = math.asin(y / math.sqrt(x * x + y * y + z * z))
    low, step = min(pitch.values()), (max(pitch.values()) - min(pitch.values())) / 64

    found = draw(truth, "keep-lines-16", rng()).valid

    expected = [place for place, angle in pitch.items() if round((angle - low) / step) % 4 == 0]
    assert sorted(map(tuple, np.argwhere(found))) == sorted(expected)
    assert draw(truth, "keep-lines-64", rng()).valid.sum() == len(pitch)


def test_lines_of_a_map_without_a_camera_are_not_guessed(make_truth: Make):
    with pytest.raises(InputError, match="does not know its camera; give its intrinsics"):
        draw(flat(make_truth, (9, 9)), "keep-lines-16", rng())


def test_range_keeps_the_nearest_share(make_truth: Make):
    truth = make_truth(np.arange(1, 101).reshape(10, 10) / 10)

    near = draw(truth, "range-0.6-all", rng())

    assert near.valid.sum() == 60
    assert near.values.max() == np.float32(6.0)
    assert count(truth, "range-0.6-25") == 25


def test_between_keeps_what_lies_between(make_truth: Make):
    truth = make_truth(np.arange(1, 101).reshape(10, 10) / 10)

    found = draw(truth, "between-2-4.05-all", rng())

    assert sorted(found.values[found.valid].round(1).tolist()) == [
        pytest.approx(v / 10) for v in range(21, 41)
    ]


def test_a_square_hole_is_square(make_truth: Make):
    missing = ~draw(flat(make_truth, (50, 60)), "square-hole-20-all", rng()).valid
    rows, columns = np.nonzero(missing)

    assert missing.sum() == 400
    assert (np.ptp(rows), np.ptp(columns)) == (19, 19)
    assert count(flat(make_truth), "square-hole-160") == 2000


def test_a_border_takes_its_share(make_truth: Make):
    inside = draw(flat(make_truth), "border-0.25", rng()).valid

    assert inside.mean() == pytest.approx(0.75, abs=0.005)
    assert not inside[0].any() and not inside[:, -1].any() and inside[240, 320]


def test_holes_come_in_four_of_five_maps_and_leave_something(make_truth: Make):
    truth = flat(make_truth, (48, 64))

    kept = np.array([count(truth, "holes", seed) for seed in range(300)]) / truth.values.size

    # A hole may also lie wholly outside, as the whole is moved.
    assert 0.15 < (kept == 1).mean() < 0.5
    assert 0.5 < kept.mean() < 0.97
    assert (kept < 0.8).any()


@pytest.mark.parametrize("number", [30, 500, 3000])
def test_a_grid_is_even(make_truth: Make, number: int):
    found = draw(flat(make_truth), f"grid-{number}-0.1", rng()).valid

    assert found.sum() == pytest.approx(number, rel=0.25)
    quarters = [found[:240, :320], found[:240, 320:], found[240:, :320], found[240:, 320:]]
    assert min(q.sum() for q in quarters) > 0.15 * number


def test_a_rosette_stays_in_its_ellipse_and_crosses_its_middle(make_truth: Make):
    found = draw(flat(make_truth), "rosette-3000", rng()).valid
    row, column = np.nonzero(found)

    distance = np.hypot((row - 239.5) / 239.5, (column - 319.5) / 319.5)

    assert distance.max() < 1.01
    assert 1500 < found.sum() <= 3000
    # As much near the middle as the rose gives: denser than the rim of equal area.
    assert (distance < 0.3).sum() > 0.09 * found.sum()


def test_zones_answer_with_their_mean_at_their_middle(make_truth: Make):
    camera = Intrinsics(fx=100.0, fy=100.0, cx=49.5, cy=49.5, width=100, height=100, source="given")
    values = np.full((100, 100), 1.0)
    values[:, 50:] = 3.0

    sparse = draw(make_truth(values, camera), "zones-1x1-0", rng())
    four = draw(make_truth(values, camera), "zones-2x2-0", rng())

    assert np.argwhere(sparse.valid).tolist() == [[50, 50]]  # 49.5 is even at 50
    assert sparse.values[50, 50] == 2.0
    # The middle of two zones of the half field: 100 * tan(22.5 deg) / 2 = 20.7 from 49.5.
    assert np.argwhere(four.valid).tolist() == [[29, 29], [29, 70], [70, 29], [70, 70]]
    assert four.values[four.valid].tolist() == [1.0, 3.0, 1.0, 3.0]


def test_zones_measure_nothing_beyond_4_m_or_in_holes(make_truth: Make):
    camera = Intrinsics(fx=100.0, fy=100.0, cx=49.5, cy=49.5, width=100, height=100, source="given")
    values = np.full((100, 100), 2.0)
    values[:50, :50] = 4.1
    values[50:, 50:][::3] = 0
    values[50:, 50:][1::3] = 0  # a third is left

    found = draw(make_truth(values, camera), "zones-2x2-0", rng()).valid

    assert np.argwhere(found).tolist() == [[29, 70], [70, 29]]


def test_the_mode_of_a_zone_is_its_nearest_strong_peak(make_truth: Make):
    camera = Intrinsics(fx=100.0, fy=100.0, cx=49.5, cy=49.5, width=100, height=100, source="given")
    values = np.full((100, 100), 3.0)
    values[:, 40:50] = 1.5  # 10 of the field's 83 columns: too weak
    strong = values.copy()
    strong[:, 20:50] = 1.5

    assert draw(make_truth(values, camera), "zones-mode-1x1-0", rng()).values.max() == 3.0
    assert draw(make_truth(strong, camera), "zones-mode-1x1-0", rng()).values.max() == 1.5


def test_answers_of_zones_scatter_by_sigma(make_truth: Make):
    truth = flat(make_truth)

    answers = np.concatenate(
        [(s := draw(truth, "zones-16x16-0.05", rng(seed))).values[s.valid] for seed in range(10)]
    )

    assert len(answers) == 2560
    assert answers.mean() == pytest.approx(2.0, abs=0.01)
    assert answers.std() == pytest.approx(0.1, rel=0.06)


def test_a_phone_measures_its_grid_up_to_5_m(make_truth: Make):
    values = np.full(FULL, 3.0)
    values[:, 320:] = 5.5

    assert count(flat(make_truth), "phone") == 576
    assert count(make_truth(values), "phone") == 288


def test_a_low_resolution_sensor_writes_every_so_many_pixels(make_truth: Make):
    ramp = np.tile(np.arange(32) + 1.0, (16, 1))

    sparse = draw(make_truth(ramp), "lowres-8", rng())

    assert np.argwhere(sparse.valid).tolist() == [[r, c] for r in (0, 8) for c in (0, 8, 16, 24)]
    # The mean of block i is 4.5 + 8 i, where the filter does not reach over the border.
    assert sparse.values[0, 8:17:8].tolist() == [12.5, 20.5]


def test_holes_are_filled_from_the_smallest_block_around_them():
    values = np.array([[1, 0, 5, 5], [3, 2, 5, 5], [0, 0, 9, 9], [0, 0, 9, 9]], dtype=np.float32)
    valid = values > 0

    mean, far = fill_with_mean(values, valid), fill_with_far(values, valid)

    np.testing.assert_array_equal(mean[valid], values[valid])
    assert (mean[0, 1], far[0, 1]) == (2.0, 3.0)
    # Nothing in that block of four: the next one up, the mean of 2, 5 and 9, and the farthest.
    assert mean[3, 0] == pytest.approx(16 / 3)
    assert far[3, 0] == 9.0
    assert fill_with_mean(values[:3, :3], valid[:3, :3]).shape == (3, 3)
