"""One test for each known way to get another number from the same predictions."""

from dataclasses import replace

import numpy as np
import pytest

from featherdepth.data.layouts import load_layouts
from featherdepth.errors import InputError
from featherdepth.metrics.protocols import load_protocol, protocols
from featherdepth.metrics.score_maps import score_map
from featherdepth.metrics.scores import PredictionError
from featherdepth.types import Depth, DepthKind, Intrinsics

METRIC = DepthKind.METRIC
AFFINE, DISPARITY = DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY


def depth(values: object, kind: DepthKind = METRIC, camera: Intrinsics | None = None) -> Depth:
    array = np.array(values, dtype=np.float32)
    return Depth(values=array, valid=np.ones(array.shape, np.bool_), kind=kind, intrinsics=camera)


@pytest.fixture
def truth() -> Depth:
    return depth(np.random.default_rng(0).uniform(1, 9, (24, 30)))


def noisy(truth: Depth, seed: int = 1) -> np.ndarray:
    return truth.values * np.exp(np.random.default_rng(seed).normal(0, 0.2, truth.size))


def test_the_space_of_the_fit_moves_the_number_and_stands_in_the_name(truth: Depth) -> None:
    prediction = depth(noisy(truth))
    names = [f"nyu-eigen-raw-v1+{s}" for s in ("affine-depth", "affine-disp")]

    in_depth, in_disparity = (
        score_map(load_protocol(name), prediction, truth).values["abs_rel"] for name in names
    )

    assert abs(in_depth - in_disparity) > 0.01


def test_one_disparity_below_zero_does_not_ruin_the_mean() -> None:
    # The MiDaS example by hand: aligned disparities .83 .62 .41 -.01, of which the last has no
    # depth. Cap and largest truth are both 10 m.
    truth, prediction = depth([[1, 2], [4, 10]]), depth([[4, 3], [2, 0]], DISPARITY)

    midas = score_map(load_protocol("midas"), prediction, truth)
    floored = score_map(
        load_protocol("diode-val-all-native-v1+affine-disp-floor"), prediction, truth
    )
    unclipped = score_map(replace(load_protocol("midas"), clip="none"), prediction, truth)

    assert midas.values["abs_rel"] == pytest.approx(0.1971529, abs=1e-6)
    assert midas.values["bad_pixels"] == pytest.approx(25)
    assert floored.values["abs_rel"] == pytest.approx(0.1971529, abs=1e-6)
    assert floored.clamped_fraction == midas.clamped_fraction == 0.25
    assert unclipped.values["abs_rel"] > 1000


def test_clipping_comes_after_the_fit() -> None:
    # A map in centimetres: clipped to 10 before the fit, it would be a constant.
    truth = depth([[1, 2, 3, 4]])
    prediction = depth([[100, 200, 300, 400]], AFFINE)

    score = score_map(load_protocol("nyu-eigen-raw-v1+affine-depth"), prediction, truth)

    assert score.values["abs_rel"] == pytest.approx(0, abs=1e-6)


def test_predictions_are_clipped_to_the_range_only_where_the_protocol_says() -> None:
    truth, prediction = depth([[1, 2, 8]]), depth([[1, 2, 40]])

    clipped = score_map(load_protocol("nyu-eigen-raw-v1"), prediction, truth)
    free = score_map(load_protocol("metric"), prediction, truth)

    assert clipped.values["mae"] == pytest.approx(2 / 3)
    assert clipped.clamped_fraction == pytest.approx(1 / 3)
    assert free.values["mae"] == pytest.approx(32 / 3)


def test_truth_beyond_the_cap_is_left_out_not_clipped() -> None:
    truth, prediction = depth([[1, 2, 30]]), depth([[1, 2, 10]])

    score = score_map(load_protocol("nyu-eigen-raw-v1"), prediction, truth)

    assert score.pixels == 2
    assert score.values["mae"] == 0


@pytest.mark.parametrize(
    ("name", "scored"),
    [
        ("nyu-eigen-raw-v1+affine-depth", False),
        ("scannet-800-v1+affine-depth", False),
        ("midas", True),
    ],
)
def test_truth_at_the_cap_is_saturated_and_counts_only_where_the_protocol_says(
    name: str, scored: bool
) -> None:
    # Published code compares truth < cap; a file of 8 or 16 bits holds many pixels of the cap.
    kind = DISPARITY if name == "midas" else AFFINE
    truth, prediction = depth([[1, 2, 4, 10]]), depth([[1, 2, 4, 8]], kind)
    if kind is DISPARITY:
        prediction = depth(1 / prediction.values, kind)

    assert score_map(load_protocol(name), prediction, truth).pixels == 3 + scored


def test_the_least_disparity_bounds_the_depth_where_no_cap_does() -> None:
    # Aligned disparities .83 .62 .41 -.01: the last has no depth. Marigold's code raises it to
    # 1e-3 / m, a kilometre; ours for other data to 1e-6 / m.
    truth, prediction = depth([[1, 2], [4, 10]]), depth([[4, 3], [2, 0]], DISPARITY)

    score = score_map(load_protocol("eth3d-454-v1"), prediction, truth)

    assert score.values["rmse"] == pytest.approx(495, abs=0.1)
    assert score.clamped_fraction == 0.25


def test_a_negative_slope_never_makes_a_failure_good(truth: Depth) -> None:
    upside_down = depth(10 - truth.values, AFFINE)

    for name in ("aligned", "leres", "poster", "nyu-eigen-raw-v1", "nyu-eigen-raw-v1+affine-l1"):
        score = score_map(load_protocol(name), upside_down, truth)
        assert score.negative_scale, name
        assert score.values["abs_rel"] > 0.2, name


def test_leres_falls_back_on_the_ratio_of_means() -> None:
    truth = depth(np.linspace(1, 8, 10)[None])
    prediction = depth(truth.values[:, ::-1].copy(), AFFINE)

    score = score_map(load_protocol("leres"), prediction, truth)

    backwards = np.linspace(8, 1, 10)
    g = np.linspace(1, 8, 10)
    assert score.negative_scale
    assert score.values["abs_rel"] == pytest.approx(np.mean(np.abs(backwards - g) / g), rel=1e-5)


def test_leres_leaves_out_pixels_below_zero_and_their_share_is_told() -> None:
    truth = depth([[0.5] * 9 + [0.5, 0.5, 5]])
    prediction = depth([[1] * 9 + [0, 0.9, 3]], AFFINE)

    score = score_map(load_protocol("leres"), prediction, truth)
    ours = score_map(load_protocol("aligned"), prediction, truth)

    # One pixel comes out below zero: it costs nothing there, and all of its error here.
    assert score.dropped_fraction == pytest.approx(1 / 12)
    assert score.pixels == 11
    assert ours.dropped_fraction == 0
    assert ours.clamped_fraction == pytest.approx(1 / 12)
    assert ours.values["abs_rel"] > score.values["abs_rel"]


def test_a_model_whose_every_pixel_is_dropped_is_at_fault_not_perfect() -> None:
    truth = depth(np.linspace(1, 8, 12)[None])
    prediction = depth(-truth.values[:, ::-1].copy() - 9, METRIC)

    with pytest.raises(PredictionError, match="no aligned prediction is above 0"):
        score_map(replace(load_protocol("leres"), alignment="none"), prediction, truth)


def test_the_fit_and_the_score_use_the_same_pixels() -> None:
    # Outside of Garg's crop the prediction is garbage: it must move neither fit nor score.
    size = (40, 60)
    values = np.random.default_rng(0).uniform(2, 60, size)
    prediction = 0.1 * values + 3
    prediction[:16] = 77

    score = score_map(
        load_protocol("kitti-eigen652-garg-v1+affine-depth"),
        depth(prediction, AFFINE),
        depth(values),
    )

    assert score.values["abs_rel"] == pytest.approx(0, abs=1e-5)
    assert score.valid_fraction == 1


def test_fractions_of_the_frame_and_of_the_benchmark_crop_are_other_pixels() -> None:
    values = np.random.default_rng(0).uniform(2, 60, (375, 1242))
    prediction = values.copy()
    prediction[:141] *= 1.5  # the row where Eigen's crop begins inside of 352x1216

    in_frame, in_crop = (
        score_map(load_protocol(f"kitti-eigen652-{crop}-v1+none"), depth(prediction), depth(values))
        for crop in ("eigencrop", "kb-eigen")
    )

    assert in_frame.values["abs_rel"] > 0.02
    assert in_crop.values["abs_rel"] < in_frame.values["abs_rel"] / 10


def test_shares_stay_shares_and_only_named_measures_are_percent(truth: Depth) -> None:
    prediction = depth(noisy(truth))

    values = score_map(load_protocol("metric"), prediction, truth).values
    bad = score_map(
        replace(load_protocol("midas"), alignment="none", space="depth"), prediction, truth
    )

    assert 0.5 < values["delta1"] < 1
    assert bad.values["bad_pixels"] == pytest.approx(100 * (1 - bad.values["delta1"]))
    assert values["log10"] == pytest.approx(
        np.mean(np.abs(np.log10(prediction.values / truth.values))), rel=1e-4
    )
    assert values["silog"] == pytest.approx(100 * np.std(np.log(noisy(truth) / truth.values)), 1e-3)


def test_whdr_is_the_same_in_every_run_and_for_disparity(truth: Depth) -> None:
    protocol = load_protocol("leres")
    prediction = noisy(truth)

    first = score_map(protocol, depth(prediction), truth, key="a").values["whdr"]
    np.random.seed(3)  # noqa: NPY002 - what unseeded code would draw from
    again = score_map(protocol, depth(prediction), truth, key="a").values["whdr"]
    other = score_map(protocol, depth(prediction), truth, key="b").values["whdr"]
    turned = score_map(
        replace(protocol, space="disparity"), depth(1 / prediction, DISPARITY), truth, key="a"
    )

    assert first == again
    assert other != first
    assert turned.values["whdr"] == pytest.approx(first, abs=1e-3)


def test_depth_distances_of_points_need_a_camera(truth: Depth) -> None:
    protocol = load_protocol("ibims-100-v1")
    camera = Intrinsics(fx=9.0, fy=9.0, cx=15.0, cy=12.0, width=30, height=24, source="given")

    with pytest.raises(InputError, match="cloud_error needs a camera"):
        score_map(protocol, truth, truth)
    score = score_map(protocol, truth, depth(truth.values, camera=camera))
    assert score.values["cloud_error"] == 0


def test_the_frame_of_completion_is_half_the_picture_cut_to_304x228() -> None:
    values = np.random.default_rng(0).uniform(1, 9, (480, 640)).astype(np.float32)
    smooth = np.tile(np.linspace(1, 9, 640, dtype=np.float32), (480, 1))

    score = score_map(load_protocol("nyu-dc-500-304x228-v1"), depth(smooth), depth(smooth))
    rough = score_map(load_protocol("nyu-dc-500-304x228-v1"), depth(values), depth(values))

    assert score.pixels == 228 * 304
    assert score.values["abs_rel"] < 0.01
    # The truth is picked, the prediction averaged: noise does not survive both.
    assert rough.values["abs_rel"] > 0.1


def test_images_with_too_few_pixels_are_refused() -> None:
    with pytest.raises(InputError, match="9 pixels to score; at least 10"):
        score_map(load_protocol("leres"), depth(np.ones((1, 9))), depth(np.ones((1, 9))))


@pytest.mark.parametrize(
    ("layout", "split", "begin"),
    [
        ("diode", "val", "diode-val-all-"),
        ("diode", "indoors", "diode-val-indoor-"),
        ("diode", "outdoor", "diode-val-outdoor-"),
        ("kitti-eigen", "test", "kitti-eigen652-"),
        ("nyuv2-marigold", "test", "nyu-eigen-"),
        ("kitti-completion", "val-selection", "kitti-dc-"),
        ("scannet", None, "scannet-800-"),
        ("eth3d", None, "eth3d-454-"),
    ],
)
def test_a_protocol_counts_the_images_of_the_part_that_it_names(
    layout: str, split: str | None, begin: str
) -> None:
    row = next(r for r in load_layouts() if (r.name, r.split) == (layout, split))
    counts = {p.name: p.count for p in protocols().values() if p.name.startswith(begin)}

    assert counts
    assert set(counts.values()) == {row.count}, counts


def test_a_prediction_at_the_lower_limit_of_the_range_is_raised_to_it_as_published() -> None:
    truth, prediction = depth([[1, 2, 4]]), depth([[-5, 2, 4]])

    score = score_map(load_protocol("diode-val-all-native-v1"), prediction, truth)

    # Marigold clips at 0.6 m, the least depth of DIODE's scanner.
    assert score.values["mae"] == pytest.approx(0.4 / 3, rel=1e-5)
