"""A relative map is brought to meters by the fit that the formulas promise."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherdepth.errors import InputError
from featherdepth.geometry import align
from featherdepth.geometry.align import apply, fit_scale_shift
from featherdepth.types import Alignment, Depth, DepthKind

X = np.array([[0.0, 1.0], [2.0, 3.0]])
Y = np.array([[1.0, 3.0], [5.0, 8.0]])
ALL = np.ones((2, 2), dtype=bool)


def depth_of(values, kind=DepthKind.AFFINE_INVARIANT, valid=None):
    values = np.asarray(values, dtype=np.float32)
    valid = np.ones(values.shape, dtype=bool) if valid is None else np.asarray(valid)
    return Depth(values=values, valid=valid, kind=kind)


def alignment(scale, shift, space="depth"):
    return Alignment(scale=scale, shift=shift, space=space, method="", count=2, residual=0.0)


def test_the_examples_of_the_docstrings_hold():
    result = doctest.testmod(align, extraglobs={"np": np})

    assert result.attempted > 0
    assert result.failed == 0


def test_whole_numbers_are_fitted_as_others():
    fit = fit_scale_shift(X.astype(np.int64), Y.astype(np.int64), ALL)

    assert fit == fit_scale_shift(X, Y, ALL)
    with pytest.raises(InputError, match="constant"):
        fit_scale_shift(np.full((2, 2), 7), Y, ALL)


def test_scale_and_shift_equal_the_sum_done_by_hand():
    fit = fit_scale_shift(X, Y, ALL)

    aligned = apply(fit, depth_of(X))
    assert (fit.scale, fit.shift) == pytest.approx((2.3, 0.8))
    np.testing.assert_allclose(aligned.values, [[0.8, 3.1], [5.4, 7.7]], rtol=1e-6)
    # Left over: -.2, .1, .4, -.3; squares sum to .30 over four pixels.
    assert fit.residual == pytest.approx(np.sqrt(0.30 / 4))
    assert (fit.count, fit.space) == (4, "depth")


def test_pixels_outside_valid_do_not_count_whatever_they_hold():
    valid = np.array([[True, True], [True, False]])

    fit = fit_scale_shift(X, np.array([[1.0, 3.0], [5.0, np.nan]]), valid)

    assert (fit.scale, fit.shift, fit.count) == pytest.approx((2.0, 1.0, 3))
    assert fit.residual == pytest.approx(0.0, abs=1e-12)


def test_valid_pixels_that_are_not_finite_are_left_out():
    prediction = np.array([[0.0, 1.0], [2.0, np.inf]])

    fit = fit_scale_shift(prediction, Y, ALL)

    assert (fit.scale, fit.shift, fit.count) == pytest.approx((2.0, 1.0, 3))


def test_weights_equal_the_sum_done_by_hand():
    weights = np.array([[1.0, 1.0], [1.0, 3.0]])

    fit = fit_scale_shift(X, Y, ALL, weights)

    assert (fit.scale, fit.shift) == pytest.approx((2.375, 0.75))
    left = 2.375 * X + 0.75 - Y
    assert fit.residual == pytest.approx(np.sqrt((weights * left**2).sum() / 6))


@pytest.mark.parametrize("offset", [0.0, 1e4, -1e6])
def test_digits_survive_a_large_mean(offset):
    fit = fit_scale_shift(X + offset, Y, ALL)

    # 1e-16 of the offset is lost in x itself; the uncentered equations lose its square.
    assert fit.scale == pytest.approx(2.3, rel=1e-8)
    assert fit.residual == pytest.approx(np.sqrt(0.30 / 4), rel=1e-8)


def test_half_of_the_digits_of_float32_maps_do_not_cost_the_fit():
    x = np.linspace(1000, 1001, 5000, dtype=np.float32).reshape(50, 100)

    fit = fit_scale_shift(x, 3 * x, np.ones(x.shape, dtype=bool))

    assert fit.scale == pytest.approx(3.0, rel=1e-4)  # float32 steps of 6e-5 in x and 2e-4 in y


@given(
    scale=st.floats(0.01, 100),
    shift=st.floats(-50, 50),
    seed=st.integers(0, 2**16),
    spread=st.sampled_from([1e-4, 1.0, 1e4]),
)
@settings(max_examples=50, deadline=None)
def test_alignment_undoes_any_scale_and_shift(scale, shift, seed, spread):
    truth = np.random.default_rng(seed).uniform(1, 2, (6, 7)) * spread
    relative = (truth - shift) / scale

    fit = fit_scale_shift(relative, truth, np.ones(truth.shape, dtype=bool))

    np.testing.assert_allclose(
        fit.scale * relative + fit.shift, truth, rtol=1e-6, atol=1e-9 * abs(shift)
    )


def test_a_map_that_is_upside_down_gives_a_negative_scale():
    fit = fit_scale_shift(-X, Y, ALL)

    assert fit.scale == pytest.approx(-2.3)


@pytest.mark.parametrize("level", [0.0, 0.1, 1e6, -3.0])
def test_a_constant_prediction_is_refused(level):
    flat = np.full((2, 2), level, dtype=np.float32)

    with pytest.raises(InputError, match="constant"):
        fit_scale_shift(flat, Y.astype(np.float32), ALL)


def test_a_prediction_that_differs_by_rounding_alone_is_refused():
    jitter = np.full((2, 2), 1000, dtype=np.float32)
    jitter[0] = np.nextafter(jitter[0], np.float32(0))

    with pytest.raises(InputError, match="constant"):
        fit_scale_shift(jitter, Y.astype(np.float32), ALL)


def test_pixels_of_weight_zero_do_not_count():
    fit = fit_scale_shift(X, Y, ALL, np.array([[1.0, 1.0], [1.0, 0.0]]))

    assert (fit.scale, fit.shift, fit.count) == pytest.approx((2.0, 1.0, 3))


def test_too_few_pixels_are_refused():
    one = np.array([[True, False], [False, False]])

    with pytest.raises(InputError, match="two or more usable pixels, found 1"):
        fit_scale_shift(X, Y, one)


def test_wrong_weights_are_refused():
    with pytest.raises(ValueError, match="negative"):
        fit_scale_shift(X, Y, ALL, -Y)


def test_aligned_depth_is_metric_positive_and_zero_where_invalid():
    depth = depth_of([[-5.0, 1.0, 9.0]], valid=[[True, True, False]])

    meters = apply(alignment(2.0, 1.0), depth)

    assert meters.kind is DepthKind.METRIC
    np.testing.assert_allclose(meters.values, [[1e-3, 3.0, 0.0]])
    np.testing.assert_array_equal(meters.valid, [[True, True, False]])


def test_a_cap_holds_in_both_spaces():
    capped = apply(alignment(2.0, 1.0), depth_of([[1.0, 9.0]]), max_depth=10.0)
    disparity = depth_of([[-4.0, 0.5]], DepthKind.AFFINE_INVARIANT_DISPARITY)
    inverted = apply(alignment(1.0, 0.0, "disparity"), disparity, max_depth=10.0)

    np.testing.assert_allclose(capped.values, [[3.0, 10.0]])
    np.testing.assert_allclose(inverted.values, [[10.0, 2.0]])
    assert inverted.valid.all()


def test_disparity_is_inverted_after_alignment():
    # Facts, example 3 of the MiDaS protocol: s = .21, t = -.01, cap 10 m.
    disparity = depth_of([[4.0, 3.0], [2.0, 0.0]], DepthKind.AFFINE_INVARIANT_DISPARITY)
    truth = np.array([[1.0, 2.0], [4.0, 10.0]])

    fit = fit_scale_shift(disparity.values.astype(float), 1 / truth, ALL, space="disparity")
    meters = apply(fit, disparity, max_depth=10.0)

    assert (fit.scale, fit.shift) == pytest.approx((0.21, -0.01))
    np.testing.assert_allclose(
        meters.values, [[1.2048193, 1.6129032], [2.4390244, 10.0]], rtol=1e-6
    )


def test_without_a_cap_what_lies_beyond_infinity_becomes_invalid():
    disparity = depth_of([[-4.0, 0.5]], DepthKind.AFFINE_INVARIANT_DISPARITY)

    meters = apply(alignment(1.0, 0.0, "disparity"), disparity)

    np.testing.assert_array_equal(meters.valid, [[False, True]])
    np.testing.assert_allclose(meters.values, [[0.0, 2.0]])


@pytest.mark.parametrize(
    ("kind", "space"),
    [
        (DepthKind.AFFINE_INVARIANT, "disparity"),
        (DepthKind.METRIC, "disparity"),
        (DepthKind.AFFINE_INVARIANT_DISPARITY, "depth"),
    ],
)
def test_a_fit_of_the_other_space_is_refused(kind, space):
    with pytest.raises(InputError, match="fit it in"):
        apply(alignment(1.0, 0.0, space), depth_of([[1.0]], kind))
