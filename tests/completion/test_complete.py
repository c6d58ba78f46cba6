"""Dense metric depth out of any map and any points: exact where it must be, never nonsense."""

from dataclasses import replace

import numpy as np
import pytest

from featherdepth.completion import METHODS
from featherdepth.completion.complete import complete_depth, complete_map
from featherdepth.completion.model import CompletionModel
from featherdepth.errors import InputError, UsageError
from featherdepth.geometry.camera import from_focal_px, from_fov_x
from featherdepth.types import Depth, DepthKind

ALL = sorted(METHODS)
GUIDED = ["auto", "harmonic", "kriging", "linratio", "poisson", "pull-push", "local"]


def depth_of(values, kind=DepthKind.METRIC, valid=None):
    valid = np.ones(np.shape(values), dtype=bool) if valid is None else valid
    return Depth(values=np.where(valid, values, 0).astype(np.float32), valid=valid, kind=kind)


def error(depth, truth):
    return float(np.abs(depth.values / truth - 1).mean())


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_a_multiple_of_the_points_gives_that_multiple(method, factor, guess, measured):
    sparse = measured(120)
    scaled = depth_of(sparse.values * np.float32(factor), valid=sparse.valid)

    once = complete_depth(guess, sparse, method=method)
    more = complete_depth(guess, scaled, method=method)

    np.testing.assert_allclose(more.values, factor * once.values, rtol=1e-4)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_every_method_fills_the_picture_from_few_points(method, count, guess, measured):
    sparse = measured(count)

    depth = complete_depth(guess, sparse, method=method)

    known = sparse.values[sparse.valid]
    assert depth.kind is DepthKind.METRIC
    assert depth.valid.all()
    assert depth.values.min() >= 0.3 * known.min() * 0.9999
    assert depth.values.max() <= 3 * known.max() * 1.0001


@pytest.mark.parametrize("method", GUIDED)
def test_a_drifting_map_is_bent_to_the_points(method, guess, measured, room):
    aligned = complete_depth(guess, measured(200), method="global")
    bent = complete_depth(guess, measured(200), method=method)

    assert error(bent, room) < 0.6 * error(aligned, room)


def test_the_surest_camera_is_kept_and_a_given_one_goes_first(guess, measured):
    height, width = guess.size
    given, exif = from_fov_x(50, height, width), from_focal_px(300.0, height, width)
    points = replace(measured(9), intrinsics=from_fov_x(70, height, width))
    model = CompletionModel(guess, method="global")

    assert model.complete(None, points).depth.intrinsics == points.intrinsics
    assert model.complete(None, points, intrinsics=given).depth.intrinsics == given
    for source in ("exif", "assumed"):
        prior = replace(guess, intrinsics=replace(exif, source=source))
        assert complete_map(prior, points).depth.intrinsics == points.intrinsics


@pytest.mark.parametrize("kind", list(DepthKind))
def test_a_map_of_any_kind_that_is_right_stays_right(kind, measured, room):
    raw = {
        DepthKind.METRIC: room,
        DepthKind.SCALE_INVARIANT: 0.2 * room,
        DepthKind.AFFINE_INVARIANT: 0.5 * room - 3,
        DepthKind.AFFINE_INVARIANT_DISPARITY: 2 / room - 1,
    }[kind]

    result = complete_map(depth_of(raw, kind), measured(50))

    np.testing.assert_allclose(result.values, room, rtol=0.01)


def test_the_box_keeps_its_edges_between_points(guess, measured, room):
    guided = complete_depth(guess, measured(150), method="kriging")
    alone = complete_depth(guess, measured(150), method="linear")

    near_edge = np.zeros(room.shape, dtype=bool)
    near_edge[24:66, 34:86] = True
    near_edge[36:54, 46:74] = False

    def error_there(depth):
        return np.abs(depth.values / room - 1)[near_edge].mean()

    assert error_there(guided) < 0.5 * error_there(alone)


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_wrong_points_cost_little(share, guess, measured, room):
    sparse = measured(300)
    random = np.random.default_rng(3)
    places = np.flatnonzero(sparse.valid)
    wrong = np.sort(random.choice(300, round(300 * share), replace=False))
    values = sparse.values.copy()
    values.flat[places[wrong]] = random.uniform(2, 5, wrong.size)
    spoiled = depth_of(values, valid=sparse.valid)

    clean = error(complete_map(guess, sparse).depth, room)
    result = complete_map(guess, spoiled)

    assert error(result.depth, room) < (1.3 if share < 0.1 else 2.0) * clean + 0.005
    off = np.abs(np.log(values[sparse.valid] / sparse.values[sparse.valid]))
    assert np.isin(np.flatnonzero(off > 0.4), result.rejected).mean() > 0.8
    assert np.isin(np.flatnonzero(off == 0), result.rejected).mean() < 0.05
    unfiltered = complete_map(guess, spoiled, reject_outliers=False)
    assert error(unfiltered.depth, room) > 1.5 * error(result.depth, room)


def test_a_map_without_sense_is_dropped(measured, room):
    noise = depth_of(np.random.default_rng(0).uniform(1, 9, room.shape), DepthKind.AFFINE_INVARIANT)

    result = complete_map(noise, measured(300), reject_outliers=False)

    assert result.method == "kriging-plain"
    assert error(result.depth, room) < 0.05


def test_confidence_falls_with_the_distance_to_points_and_support_is_that_distance(guess, room):
    valid = np.zeros(room.shape, dtype=bool)
    valid[::6, :60:5] = True

    result = complete_map(guess, depth_of(room, valid=valid))

    places = np.argwhere(valid)
    rows, columns = np.indices(room.shape)
    brute = np.sqrt(
        ((rows[..., None] - places[:, 0]) ** 2 + (columns[..., None] - places[:, 1]) ** 2).min(-1)
    )
    assert np.abs(result.support_px - brute).max() < 4  # a cell
    assert np.abs(result.support_px - brute).mean() < 0.7
    assert 0 <= result.confidence.min() < result.confidence.max() <= 1
    assert result.confidence[:, :55].mean() > result.confidence[:, 100:].mean() + 0.05


def test_confidence_tells_good_pixels_from_bad_ones(guess, measured, room):
    result = complete_map(guess, measured(60))

    off = np.abs(result.values / room - 1)
    sure = result.confidence > np.quantile(result.confidence, 0.7)
    unsure = result.confidence < np.quantile(result.confidence, 0.3)
    assert off[sure].mean() < 0.7 * off[unsure].mean()


def test_pixels_that_the_map_does_not_know_are_filled(guess, measured, room):
    known = np.ones(room.shape, dtype=bool)
    known[70:, 90:] = False
    holed = depth_of(guess.values, guess.kind, valid=known)

    result = complete_map(holed, measured(200))

    assert result.valid.all()
    assert np.abs(result.values / room - 1)[70:, 90:].mean() < 0.1


def test_many_measured_pixels_are_kept_as_they_are(guess, room):
    valid = np.ones(room.shape, dtype=bool)
    valid[40:60, 50:90] = False

    result = complete_map(guess, depth_of(room, valid=valid))

    assert np.abs(result.values / room - 1)[valid].mean() < 2e-3


def test_the_values_of_a_completion_are_those_of_its_depth(guess, measured):
    result = complete_map(guess, measured(20))

    assert result.values is result.depth.values
    assert result.valid is result.depth.valid


def test_equal_points_give_a_plane_of_that_depth_without_a_word(guess, measured, room):
    result = complete_map(guess, measured(40, meters=np.full(room.shape, 2.0)))

    assert np.median(np.abs(result.values / 2 - 1)) < 0.05


def test_what_cannot_be_completed_ends_in_one_sentence(guess, measured, room):
    with pytest.raises(InputError, match="no measured point"):
        complete_map(guess, depth_of(room, valid=np.zeros(room.shape, dtype=bool)))
    with pytest.raises(InputError, match="one size for both"):
        complete_map(guess, measured(5, meters=np.ones((20, 20))))
    with pytest.raises(UsageError, match="unknown completion method 'krigin'; did you mean"):
        complete_map(guess, measured(5), method="krigin")


@pytest.mark.parametrize("method", ["linear", "nearest", "ip-basic"])
def test_plain_interpolation_takes_every_point_whatever_the_map_says(method, measured, room):
    # The baseline that others are compared with is the usual one: a map of noise changes nothing.
    noise = np.random.default_rng(0).normal(size=room.shape)
    prior = depth_of(noise, DepthKind.AFFINE_INVARIANT)

    result = complete_map(prior, measured(300), method=method)
    unfiltered = complete_map(prior, measured(300), method=method, reject_outliers=False)

    assert len(result.rejected) == 0
    np.testing.assert_array_equal(result.values, unfiltered.values)
    assert error(result.depth, room) < 0.2
