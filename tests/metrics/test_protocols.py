"""A protocol decides crop, range, alignment and clamp; the numbers say which kind was compared."""

import json
from dataclasses import replace

import numpy as np
import pytest

from featherdepth.errors import InputError, UsageError
from featherdepth.metrics.protocols import EvalProtocol, load_protocol, protocols
from featherdepth.metrics.score_maps import score_map
from featherdepth.types import Depth, DepthKind

METRIC, SCALE = DepthKind.METRIC, DepthKind.SCALE_INVARIANT
AFFINE, DISPARITY = DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY


def depth(values: object, kind: DepthKind = METRIC, valid: object = None) -> Depth:
    array = np.array(values, dtype=np.float32)
    mask = (
        np.ones(array.shape, dtype=np.bool_) if valid is None else np.array(valid, dtype=np.bool_)
    )
    return Depth(values=np.where(mask, array, 0).astype(np.float32), valid=mask, kind=kind)


@pytest.fixture
def scene() -> Depth:
    return depth(np.random.default_rng(0).uniform(1, 9, (20, 30)))


def test_aligned_is_least_squares_over_the_scored_pixels_by_hand() -> None:
    # scale 2.3 and shift 0.8: aligned 0.8, 3.1, 5.4, 7.7
    score = score_map(
        load_protocol("aligned"), depth([[0, 1], [2, 3]], AFFINE), depth([[1, 3], [5, 8]])
    )

    assert score.values["abs_rel"] == pytest.approx(0.0877083, abs=1e-6)
    assert score.values["rmse"] == pytest.approx(0.2738613, abs=1e-6)
    assert not score.negative_scale


def test_the_fit_sees_only_measured_pixels_inside_the_crop() -> None:
    truth = depth([[1, 3, 99], [5, 8, 99]], valid=[[1, 1, 1], [1, 0, 1]])
    prediction = depth([[0, 1, 7], [2, -50, 8]], AFFINE)

    score = score_map(load_protocol("aligned"), prediction, truth, (0, 0, 2, 2))

    assert score.values["abs_rel"] == pytest.approx(0, abs=1e-6)  # scale 2, shift 1 exactly
    assert score.valid_fraction == 0.75


def test_what_stands_in_holes_of_the_truth_is_never_read() -> None:
    truth = Depth(
        values=np.array([[1, 2, 3, 50]], dtype=np.float32),
        valid=np.array([[True, True, True, False]]),
        kind=METRIC,
    )

    score = score_map(load_protocol("aligned"), depth([[1, 2, 3, 1]], AFFINE), truth)

    assert score.values["rmse"] == pytest.approx(0, abs=1e-6)


def test_a_protocol_without_crop_scores_the_whole_picture() -> None:
    truth = depth([[1, 3, 9], [5, 8, 9]])

    score = score_map(load_protocol("poster"), truth, truth, (0, 0, 2, 2))
    cropped = score_map(
        load_protocol("aligned"), depth([[1, 3, 1], [5, 8, 1]], AFFINE), truth, (0, 0, 2, 2)
    )

    assert score.valid_fraction == 1
    assert cropped.values["abs_rel"] == pytest.approx(0, abs=1e-6)


def test_affine_depth_is_scored_the_same_at_any_scale_and_shift(scene: Depth) -> None:
    protocol = load_protocol("aligned")
    noisy = scene.values + np.random.default_rng(1).normal(0, 1, scene.size)

    first = score_map(protocol, depth(noisy, AFFINE), scene)
    second = score_map(protocol, depth(0.01 * noisy - 70, AFFINE), scene)

    assert first.values == pytest.approx(second.values, rel=1e-3)  # float32 storage of -70


def test_disparity_is_fitted_to_inverse_truth_and_then_inverted(scene: Depth) -> None:
    disparity = depth(5 / scene.values + 3, DISPARITY)

    score = score_map(load_protocol("aligned"), disparity, scene)

    assert score.values["abs_rel"] == pytest.approx(0, abs=1e-5)
    assert not score.negative_scale


def test_disparity_by_hand_is_floored_at_the_farthest_truth() -> None:
    # scale 0.21, shift -0.01: disparities .83 .62 .41 -.01; the last is raised to 1 / 10.
    score = score_map(
        load_protocol("aligned"), depth([[4, 3], [2, 0]], DISPARITY), depth([[1, 2], [4, 10]])
    )

    assert score.values["abs_rel"] == pytest.approx(0.1971529, abs=1e-6)
    assert score.values["delta1"] == 0.75


def test_depth_passed_as_disparity_is_caught(scene: Depth) -> None:
    score = score_map(load_protocol("aligned"), depth(scene.values, DISPARITY), scene)

    assert score.negative_scale


@pytest.mark.parametrize("kind", [AFFINE, DISPARITY])
@pytest.mark.parametrize("prediction", ["constant", "reversed"])
def test_a_useless_prediction_is_scored_as_the_best_constant(
    scene: Depth, prediction: str, kind: DepthKind
) -> None:
    upside_down = -scene.values if kind is AFFINE else scene.values
    values = upside_down if prediction == "reversed" else np.full(scene.size, 3.7)

    score = score_map(load_protocol("aligned"), depth(values, kind), scene)

    mean = scene.values.astype(np.float64).mean()
    assert score.negative_scale
    assert score.values["abs_rel"] == pytest.approx(
        np.mean(np.abs(mean - scene.values) / scene.values)
    )
    assert score.values["rmse"] == pytest.approx(scene.values.std(dtype=np.float64))


def test_aligned_values_are_clamped_after_the_fit_and_counted() -> None:
    # The fit is 1.35 x - 0.4: the first pixel comes out at -0.4.
    truth = depth([[0.5, 0.5, 0.5, 5]])

    score = score_map(load_protocol("aligned"), depth([[0, 1, 2, 3]], AFFINE), truth)

    assert score.clamped_fraction == 0.25
    assert score.values["mae"] == pytest.approx((0.499 + 0.45 + 1.8 + 1.35) / 4)
    assert np.isfinite(score.values["rmse_log"])


def test_aligned_has_no_upper_cap() -> None:
    truth = depth([[1, 2, 3, 500]])

    assert score_map(load_protocol("aligned"), truth, truth).values["rmse"] == pytest.approx(
        0, abs=1e-6
    )
    assert load_protocol("aligned").max_depth is None


def test_poster_divides_by_the_largest_truth_of_the_image() -> None:
    score = score_map(
        load_protocol("poster"), depth([[0, 1], [2, 3]], AFFINE), depth([[1, 3], [5, 8]])
    )

    assert score.values["rmse_normalized"] == pytest.approx(0.0342327, abs=1e-6)
    assert score.values["mae_normalized"] == pytest.approx(0.25 / 8, abs=1e-6)
    assert score.values["rmse"] == pytest.approx(0.2738613, abs=1e-6)
    assert score.values["abs_rel"] == pytest.approx(0.0877083, abs=1e-6)


def test_poster_clamps_at_a_share_of_the_largest_truth() -> None:
    truth = depth([[5, 5, 5, 50]])

    score = score_map(load_protocol("poster"), depth([[0, 1, 2, 3]], AFFINE), truth)

    p, g = np.array([1e-4, 0.19, 0.46, 0.73]), np.array([0.1, 0.1, 0.1, 1.0])
    assert score.clamped_fraction == 0.25
    assert score.values["mae_normalized"] == pytest.approx(np.mean(np.abs(p - g)))
    assert score.values["log10"] == pytest.approx(np.mean(np.abs(np.log10(p / g))))


def test_poster_for_kitti_leaves_out_truth_above_80_m() -> None:
    truth = depth([[5, 20, 80, 81]])
    prediction = depth([[5, 20, 80, 1]], AFFINE)

    score = score_map(load_protocol("poster-kitti"), prediction, truth)

    assert score.values["abs_rel"] < 1e-6
    assert score.valid_fraction == 0.75  # 80 m itself is scored
    assert score_map(load_protocol("poster"), prediction, truth).values["abs_rel"] > 0.1


def test_metric_fits_nothing(scene: Depth) -> None:
    score = score_map(load_protocol("metric"), depth(1.5 * scene.values), scene)

    assert score.values["abs_rel"] == pytest.approx(0.5)


def test_median_is_a_ratio_of_medians_not_a_median_of_ratios() -> None:
    truth, prediction = depth([[1, 2, 6]]), depth([[1, 4, 5]], SCALE)

    score = score_map(load_protocol("median"), prediction, truth)

    # Ratio of medians 2 / 4; the median of ratios would be 1.
    assert score.values["mae"] == pytest.approx((0.5 + 0 + 3.5) / 3)


@pytest.mark.parametrize(
    ("protocol", "kind", "fits"),
    [
        *[("aligned", kind, True) for kind in DepthKind],
        *[("poster", kind, kind is not DISPARITY) for kind in DepthKind],
        *[("median", kind, kind in (METRIC, SCALE)) for kind in DepthKind],
        *[("metric", kind, kind is METRIC) for kind in DepthKind],
    ],
)
def test_a_stronger_kind_passes_as_a_weaker_one_and_never_the_other_way(
    protocol: str, kind: DepthKind, fits: bool, scene: Depth
) -> None:
    prediction = depth(scene.values, kind)

    if fits:
        assert score_map(load_protocol(protocol), prediction, scene).values["abs_rel"] < 2
    else:
        with pytest.raises(UsageError, match=f"protocol '{protocol}' needs .* {kind.value}; use"):
            score_map(load_protocol(protocol), prediction, scene)


def test_affine_depth_is_never_inverted_for_a_disparity_protocol(scene: Depth) -> None:
    protocol = replace(load_protocol("aligned"), name="disparity", space="disparity")

    assert score_map(protocol, scene, scene).values["abs_rel"] == pytest.approx(0, abs=1e-6)
    with pytest.raises(UsageError, match="is affine_invariant;"):
        score_map(protocol, depth(scene.values, AFFINE), scene)


@pytest.mark.parametrize("kind", [SCALE, AFFINE, DISPARITY])
def test_truth_that_is_not_metric_is_refused(scene: Depth, kind: DepthKind) -> None:
    with pytest.raises(InputError, match=f"needs metric truth, but this truth is {kind.value}"):
        score_map(load_protocol("aligned"), scene, depth(scene.values, kind))


def test_faulty_predictions_are_refused_with_a_reason(scene: Depth) -> None:
    protocol = load_protocol("aligned")

    with pytest.raises(InputError, match=r"prediction is \(2, 2\), truth is \(20, 30\) pixels"):
        score_map(protocol, depth([[1, 2], [3, 4]]), scene)
    with pytest.raises(InputError, match="empty at 1 of 600 scored pixels"):
        score_map(protocol, depth(scene.values, valid=np.arange(600).reshape(20, 30) > 0), scene)
    with pytest.raises(InputError, match="1 pixels to score; at least 2"):
        score_map(protocol, scene, scene, (0, 0, 1, 1))


def test_the_fit_is_made_in_float64() -> None:
    truth = depth(5 + np.linspace(0, 1e-3, 1000)[None])
    prediction = depth(truth.values, AFFINE)

    score = score_map(load_protocol("aligned"), prediction, truth)

    assert not score.negative_scale
    assert score.values["rmse"] < 1e-9


def test_a_mistyped_protocol_offers_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown protocol 'alinged'; did you mean 'aligned'"):
        load_protocol("alinged")


@pytest.mark.parametrize("name", sorted(protocols()))
def test_every_protocol_states_its_source_and_all_of_its_choices(name: str) -> None:
    protocol = load_protocol(name)

    assert protocol.name == name
    assert len(protocol.source) > 20
    assert set(protocol.as_dict()) == {
        *("name", "source", "dataset", "data", "count", "valid", "inputs", "crop", "frame"),
        *("min_depth", "max_depth", "below_max", "alignment", "space", "clip"),
        *("least_disparity", "floor", "fallback"),
        *("nonpositive", "normalization", "aggregate", "min_pixels", "measures"),
    }
    assert json.loads(json.dumps(protocol.as_dict())) == protocol.as_dict()


def test_impossible_protocols_are_refused() -> None:
    aligned = load_protocol("aligned")

    with pytest.raises(ValueError, match="unknown measure 'delta9'"):
        replace(aligned, measures=("delta9",))
    with pytest.raises(ValueError, match="floor must be above 0"):
        replace(aligned, floor=0.0)
    assert isinstance(aligned, EvalProtocol)
