"""A map of any kind becomes meters by a few measured points, some of which are wrong."""

import numpy as np
import pytest

from featherdepth.errors import InputError
from featherdepth.geometry.align_points import align, aligned_to
from featherdepth.geometry.anchors import Anchors, anchors_of, nearest_others
from featherdepth.geometry.outliers import agreeing
from featherdepth.types import Depth, DepthKind

SIZE = (96, 128)
AFFINE, DISPARITY = DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY


def room() -> np.ndarray:
    """Meters: a floor that comes nearer downward, and a box in front of it."""
    rows, columns = np.indices(SIZE)
    meters = 5.0 - 3.0 * rows / SIZE[0] + 0.5 * columns / SIZE[1]
    meters[30:60, 40:80] = 2.0
    return meters


def depth_of(values, kind=DepthKind.METRIC, valid=None):
    valid = np.ones(np.shape(values), dtype=bool) if valid is None else valid
    return Depth(values=np.where(valid, values, 0).astype(np.float32), valid=valid, kind=kind)


def measured(meters, count, seed=0):
    random = np.random.default_rng(seed)
    valid = np.zeros(meters.size, dtype=bool)
    valid[random.choice(meters.size, count, replace=False)] = True
    return depth_of(meters, valid=valid.reshape(meters.shape))


def with_wrong(sparse, share, seed=0):
    random = np.random.default_rng(seed)
    places = np.flatnonzero(sparse.valid)
    wrong = random.choice(len(places), round(share * len(places)), replace=False)
    values = sparse.values.copy()
    values.flat[places[wrong]] *= random.choice([0.4, 0.6, 1.7, 2.2], wrong.size)
    return depth_of(values, valid=sparse.valid), wrong


@pytest.mark.parametrize("kind", [AFFINE, DISPARITY, DepthKind.SCALE_INVARIANT, DepthKind.METRIC])
def test_a_map_that_is_right_up_to_what_its_kind_leaves_open_becomes_exact(kind):
    raw = {
        AFFINE: 0.7 * room() - 4,
        DISPARITY: 3 / room() - 9,
        DepthKind.SCALE_INVARIANT: 0.2 * room(),
        DepthKind.METRIC: 1.3 * room(),
    }[kind]

    aligned = align(depth_of(raw, kind), measured(room(), 30))

    np.testing.assert_allclose(aligned.depth.values, room(), rtol=1e-4)
    assert aligned.depth.kind is DepthKind.METRIC
    assert aligned.alignment.space == ("disparity" if kind is DISPARITY else "depth")
    assert aligned.log_error < 1e-4
    assert aligned.rejected.size == 0
    assert aligned.moved_fraction == 0


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_wrong_points_are_found_and_do_not_move_the_fit(share):
    sparse, wrong = with_wrong(measured(room(), 200), share)

    aligned = align(depth_of(0.7 * room() - 4, AFFINE), sparse)

    np.testing.assert_allclose(aligned.depth.values, room(), rtol=1e-3)
    assert sorted(aligned.rejected) == sorted(wrong)
    assert aligned.alignment.count == 200 - len(wrong)


def test_without_the_filter_the_loss_alone_keeps_wrong_points_from_moving_much():
    sparse, _ = with_wrong(measured(room(), 200), 0.1)
    prior = depth_of(0.7 * room() - 4 + np.random.default_rng(1).normal(0, 0.02, SIZE), AFFINE)

    aligned = align(prior, sparse, reject_outliers=False)

    assert aligned.rejected.size == 0
    assert np.abs(aligned.depth.values / room() - 1).mean() < 0.03
    assert aligned.alignment.residual > 0.3  # all points count in what is reported


def test_one_point_gives_a_scale_of_the_map_as_it_is():
    valid = np.zeros(SIZE, dtype=bool)
    valid[80, 20] = True

    aligned = align(depth_of(0.2 * room(), AFFINE), depth_of(room(), valid=valid))

    np.testing.assert_allclose(aligned.depth.values, room(), rtol=1e-5)
    assert aligned.alignment.method == "scale"
    assert aligned.alignment.shift == 0
    assert aligned.alignment.count == 1


def test_one_point_on_a_map_without_a_zero_assumes_a_range_of_one_to_ten():
    values = np.linspace(-1, 1, 101, dtype=np.float64)[None].repeat(3, 0)
    valid = np.zeros(values.shape, dtype=bool)
    valid[1, 50] = True  # in the middle: (1 + 10) / 2 = 5.5 shares of the near end

    aligned = align(depth_of(values, AFFINE), depth_of(np.full(values.shape, 2.0), valid=valid))

    assert aligned.alignment.method == "scale_assumed_range"
    assert aligned.depth.values[1, 50] == pytest.approx(2.0)
    near, far = np.quantile(
        aligned.alignment.scale * values + aligned.alignment.shift, [0.02, 0.98]
    )
    assert far / near == pytest.approx(10, rel=1e-3)
    # Within reach of the only point: 0.6 m to 6 m.
    assert aligned.depth.values.min() == pytest.approx(0.6)


@pytest.mark.parametrize("rows", [slice(0, 2), slice(10, 40)])
def test_points_at_one_depth_of_the_map_give_a_scale_alone(rows):
    noise = np.random.default_rng(1).normal(0, 0.005, SIZE)
    prior = np.where(np.arange(SIZE[0])[:, None] < 50, 2.0, 5.0) + noise
    valid = np.zeros(SIZE, dtype=bool)
    valid[rows, :3] = True
    meters = 4.0 + np.random.default_rng(0).normal(0, 0.01, SIZE)

    aligned = align(depth_of(prior, AFFINE), depth_of(meters, valid=valid))

    assert aligned.alignment.method == "scale"
    assert aligned.depth.values[80, 0] == pytest.approx(10, rel=0.01)


def test_equal_measurements_give_a_scale_alone():
    aligned = align(depth_of(0.5 * room(), AFFINE), measured(np.full(SIZE, 3.0), 20))

    assert aligned.alignment.method == "scale"
    assert np.ptp(aligned.depth.values) > 0.5


@pytest.mark.parametrize("factor", [0.01, 100.0])
@pytest.mark.parametrize("kind", [AFFINE, DISPARITY])
@pytest.mark.parametrize("method", ["robust", "scale", "local"])
def test_a_multiple_of_the_points_gives_that_multiple_of_the_map(factor, kind, method):
    random = np.random.default_rng(2)
    raw = room() ** 1.2 + random.normal(0, 0.1, SIZE)
    raw = raw if kind is AFFINE else 1 / raw - 0.1
    sparse, _ = with_wrong(measured(room(), 80), 0.1)

    once = align(depth_of(raw, kind), sparse, method=method)
    scaled = align(
        depth_of(raw, kind), depth_of(sparse.values * factor, valid=sparse.valid), method=method
    )

    np.testing.assert_allclose(scaled.depth.values, factor * once.depth.values, rtol=1e-4)
    np.testing.assert_array_equal(scaled.rejected, once.rejected)


def test_local_alignment_follows_a_map_whose_scale_drifts():
    drift = np.exp(0.3 * (np.indices(SIZE)[1] / SIZE[1] - 0.5))
    prior = depth_of(room() * drift, AFFINE)

    globally = align(prior, measured(room(), 150), reject_outliers=False)
    locally = align(prior, measured(room(), 150), method="local", reject_outliers=False)

    def error(aligned):
        return np.abs(aligned.depth.values / room() - 1).mean()

    assert error(locally) < 0.5 * error(globally)
    assert locally.alignment.method == "local_huber"


def test_local_alignment_is_the_global_one_far_from_all_points():
    valid = np.zeros((32, 1600), dtype=bool)
    valid[4::8, 4:40:6] = True
    columns = np.linspace(1, 5, 1600)[None].repeat(32, 0)
    truth = columns * (1 + 0.05 * np.sin(np.arange(1600) / 3))
    prior, sparse = depth_of(columns, AFFINE), depth_of(truth, valid=valid)

    globally = align(prior, sparse, reject_outliers=False).depth.values
    locally = align(prior, sparse, method="local", reject_outliers=False).depth.values

    assert np.isfinite(locally).all()
    np.testing.assert_allclose(locally[:, 1200:], globally[:, 1200:], rtol=1e-3)


def test_the_map_stays_within_reach_of_the_points():
    prior = room()
    prior[0, 0], prior[0, 1] = -50.0, 50.0

    aligned = align(depth_of(prior, AFFINE), measured(room(), 40))

    meters = measured(room(), 40)
    low, high = meters.values[meters.valid].min(), meters.values[meters.valid].max()
    assert aligned.depth.values[0, 0] == pytest.approx(0.3 * low, rel=1e-5)
    assert aligned.depth.values[0, 1] == pytest.approx(3 * high, rel=1e-5)
    assert aligned.moved_fraction == pytest.approx(2 / room().size)


def test_a_disparity_passed_as_depth_is_refused_in_one_sentence():
    with pytest.raises(InputError, match=r"runs against the 30 points.*larger is farther"):
        align(depth_of(1 / room(), AFFINE), measured(room(), 30))


def test_a_map_that_runs_against_the_points_can_still_be_asked_for():
    aligned = aligned_to(depth_of(1 / room(), AFFINE), measured(room(), 30))

    assert aligned.alignment.method.endswith("_reversed")
    assert (aligned.depth.values > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 0}, "no measured point"),
        ({"size": (48, 64)}, r"128x96 pixels.*64x48"),
        ({"hole": True}, "empty at all 5 measured points"),
    ],
)
def test_points_that_cannot_be_used_end_in_one_sentence(change, message):
    prior = depth_of(room(), AFFINE)
    meters = room()[: change.get("size", SIZE)[0], : change.get("size", SIZE)[1]]
    sparse = measured(meters, change.get("count", 5))
    if change.get("hole"):
        prior = depth_of(room(), AFFINE, valid=~sparse.valid)

    with pytest.raises(InputError, match=message):
        align(prior, sparse)


def test_rejected_points_are_counted_over_all_points_also_where_the_map_is_empty():
    sparse, wrong = with_wrong(measured(room(), 100), 0.03)
    places = np.argwhere(sparse.valid)
    first_right = next(i for i in range(100) if i not in wrong)
    valid = np.ones(SIZE, dtype=bool)
    valid[tuple(places[first_right])] = False

    aligned = align(depth_of(0.5 * room() + 1, AFFINE, valid=valid), sparse)

    assert sorted(aligned.rejected) == sorted(wrong)


@pytest.mark.parametrize("count", [40, 3000])
def test_near_neighbors_are_those_of_all_distances(count):
    random = np.random.default_rng(0)
    places = np.argwhere(random.permutation(120 * 160).reshape(120, 160) < count)

    near = nearest_others(places, 8)

    square = ((places[:, None] - places) ** 2).sum(2)
    np.fill_diagonal(square, 10**9)
    expected = np.sort(square, axis=1)[:, :8]
    found = np.sort(np.take_along_axis(square, near, axis=1), axis=1)
    # In cells the farthest of the eight may lie a little farther than it must.
    assert (found == expected).mean() > (0.999 if count < 1500 else 0.97)


@pytest.mark.parametrize(("count", "lost"), [(40, 3), (600, 5), (600, 200), (12, 4), (12, 3)])
def test_neighbors_of_fewer_points_are_those_of_all_distances(count, lost):
    random = np.random.default_rng(0)
    places = np.argwhere(random.permutation(120 * 160).reshape(120, 160) < count)
    anchors = Anchors(places=places, meters=np.ones(count), size=(120, 160))
    kept = random.permutation(count) >= lost

    anchors.neighbors  # noqa: B018 - fewer points start from these
    fewer = anchors.only(kept)

    square = ((places[kept][:, None] - places[kept]) ** 2).sum(2)
    np.fill_diagonal(square, 10**9)
    expected = np.sort(square, axis=1)[:, : min(8, len(fewer) - 1)]
    found = np.sort(np.take_along_axis(square, fewer.neighbors, axis=1), axis=1)
    assert (found == expected).all()


def test_of_four_points_none_is_an_outlier_and_of_nine_the_wrong_one_is():
    places = np.argwhere(np.ones((3, 3), dtype=bool)) * 10
    near, four = nearest_others(places, 8), nearest_others(places[:4], 8)
    ratio = np.zeros(9)
    ratio[4] = 0.06

    assert agreeing(four, np.array([0.0, 0.0, 0.0, 5.0])).all()
    assert np.flatnonzero(~agreeing(near, ratio)).tolist() == [4]
    ratio[4] = 0.04  # four percent are no outlier, however still the others are
    assert agreeing(near, ratio).all()


def test_anchors_are_row_by_row_and_leave_out_what_is_no_distance():
    values = np.array([[0.0, 2.0], [3.0, 4.0]])
    anchors = anchors_of(depth_of(values, valid=np.array([[True, True], [False, True]])))

    assert anchors.places.tolist() == [[0, 1], [1, 1]]
    assert anchors.meters.tolist() == [2.0, 4.0]
