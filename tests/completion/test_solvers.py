"""Each way of spreading values over a picture, against sums and solutions done another way."""

import doctest
import tracemalloc

import numpy as np
import pytest

from featherdepth.completion import pull_push as pull_push_file
from featherdepth.completion.auto import blocks_of, choose
from featherdepth.completion.drift import drift
from featherdepth.completion.ip_basic import ip_basic
from featherdepth.completion.kriging import DRIFT, NUGGET, Kriging
from featherdepth.completion.nearest import distances, nearest_anchor, nearest_pixels
from featherdepth.completion.poisson import edge_weights, solve
from featherdepth.completion.pull_push import pull_push
from featherdepth.completion.scene import Field, Scene
from featherdepth.geometry.anchors import Anchors
from featherdepth.types import Depth, DepthKind


def scene_with(places, meters, size=(16, 20), log_prior=None):
    prior = np.zeros(size, dtype=np.float32) if log_prior is None else log_prior
    anchors = Anchors(places=np.array(places), meters=np.array(meters, dtype=np.float64), size=size)
    valid = np.ones(size, dtype=bool)
    known = Depth(
        values=np.exp(prior).astype(np.float32), valid=valid, kind=DepthKind.SCALE_INVARIANT
    )
    return Scene(anchors=anchors, log_prior=prior.astype(np.float32), prior=known)


def test_the_examples_of_the_docstrings_hold():
    result = doctest.testmod(pull_push_file, extraglobs={"np": np})

    assert result.attempted > 0
    assert result.failed == 0


def test_pull_push_keeps_what_is_known_and_fills_from_the_next_coarser_level():
    values = np.zeros((2, 4), dtype=np.float32)
    known = np.zeros((2, 4), dtype=np.float32)
    values[0, 0], values[1, 3] = 4.0, 8.0
    known[0, 0] = known[1, 3] = 1

    filled = pull_push(values, known)

    assert filled[0, 0] == 4
    assert filled[1, 3] == 8
    # Coarser level: (4, 8); bilinear by centers: 4, 5, 7, 8.
    np.testing.assert_allclose(filled[0, 1:], [5, 7, 8])
    np.testing.assert_allclose(filled[1, :3], [4, 5, 7])


@pytest.mark.parametrize("size", [(1, 7), (5, 3), (33, 47)])
def test_pull_push_of_one_value_is_that_value_everywhere(size):
    values = np.zeros(size, dtype=np.float32)
    known = np.zeros(size, dtype=np.float32)
    values[0, size[1] // 2], known[0, size[1] // 2] = 3.0, 1.0

    np.testing.assert_allclose(pull_push(values, known), 3.0, rtol=1e-6)


def test_the_poisson_equation_is_solved_as_a_dense_solver_does():
    random = np.random.default_rng(0)
    rows, columns = 7, 9
    values = random.normal(size=(rows, columns)).astype(np.float32)
    known = (random.random((rows, columns)) < 0.2).astype(np.float32)
    across = random.uniform(0.1, 1, (rows, columns - 1)).astype(np.float32)
    down = random.uniform(0.1, 1, (rows - 1, columns)).astype(np.float32)
    system = np.diag(5.0 * known.ravel().astype(float))
    number = np.arange(rows * columns).reshape(rows, columns)
    for one, other, weight in (
        (number[:, :-1], number[:, 1:], across),
        (number[:-1], number[1:], down),
    ):
        for i, j, w in zip(one.ravel(), other.ravel(), weight.ravel(), strict=True):
            system[[i, j], [i, j]] += w
            system[i, j] -= w
            system[j, i] -= w
    expected = np.linalg.solve(system, 5.0 * (known * values).ravel())

    found = solve(values, known, across, down, steps=200)

    np.testing.assert_allclose(found.ravel(), expected, atol=1e-4)


def test_few_steps_are_close_to_the_solution():
    random = np.random.default_rng(1)
    values = random.normal(size=(120, 160)).astype(np.float32)
    known = (random.random((120, 160)) < 0.02).astype(np.float32)
    ones = np.ones((120, 159), dtype=np.float32), np.ones((119, 160), dtype=np.float32)

    short, long = (solve(values, known, *ones, steps=steps) for steps in (32, 400))

    assert np.abs(short - long).mean() < 0.05 * long.std()


def test_an_edge_of_the_prior_counts_half_where_it_rises_by_its_scale():
    prior = np.array([[0.0, 0.0, 4 * 0.015, 1.0]], dtype=np.float32)

    across, down = edge_weights(prior)

    np.testing.assert_allclose(across[0, :2], [1, 0.5], rtol=1e-5)
    assert across[0, 2] < 0.005
    assert down.shape == (0, 4)


def test_kriging_on_a_line_is_linear_between_points_and_flat_beyond():
    places = [[8, 4], [8, 24], [8, 44]]
    scene = scene_with(places, np.exp([0.0, 1.0, 0.0]), size=(16, 64))

    field = Kriging.fit(scene, guided=False).field(scene)

    found = field.at(scene, np.array([[8, 4], [8, 14], [8, 24], [8, 34], [8, 44]]))
    np.testing.assert_allclose(found[[1, 3]], 0.5, atol=0.01)
    # Cells of four pixels round the peaks off.
    np.testing.assert_allclose(found[[0, 2, 4]], [0, 1, 0], atol=0.15)


def test_kriging_of_a_large_picture_takes_little_memory():
    random = np.random.default_rng(0)
    size, places = (1200, 1600), random.integers(0, (1200, 1600), (400, 2))
    scene = scene_with(places, random.uniform(1, 2, 400), size, np.zeros(size, np.float32))
    made = Kriging.fit(scene, guided=True)

    tracemalloc.start()
    field = made.field(scene)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert field.values.shape == (300, 400)
    assert peak < 250e6  # 580 MB with all distances at once


def test_what_kriging_leaves_out_in_closed_form_is_what_fitting_again_gives():
    random = np.random.default_rng(2)
    places = np.argwhere(random.random((40, 60)) < 0.02)
    prior = random.normal(0, 0.3, (40, 60))
    scene = scene_with(places, np.exp(random.normal(1, 0.3, len(places))), (40, 60), prior)
    made = Kriging.fit(scene, guided=True)
    blocks = blocks_of(scene, made.chosen, 20.0)

    errors = made.errors_without(blocks)

    block = blocks == blocks[0]
    x = prior.astype(np.float32)[tuple(places.T)].astype(float)
    features = np.concatenate([made.features], axis=1)
    distance = np.linalg.norm(features[:, None] - features[None], axis=2)
    n = int((~block).sum())
    trend = np.stack([np.ones(len(x)), x - x.mean()], axis=1)
    system = np.zeros((n + 2, n + 2))
    system[:n, :n] = NUGGET * np.eye(n) - distance[np.ix_(~block, ~block)]
    system[:n, n:], system[n:, :n] = trend[~block], trend[~block].T
    system[-1, -1] = -1 / DRIFT
    weights = np.linalg.solve(system, np.r_[scene.log_ratio[~block], 0, 0])
    predicted = -distance[np.ix_(block, ~block)] @ weights[:n] + trend[block] @ weights[n:]
    np.testing.assert_allclose(errors[block], scene.log_ratio[block] - predicted, atol=1e-6)


def test_the_trend_follows_points_that_deny_the_prior():
    random = np.random.default_rng(4)
    places = np.argwhere(random.random((60, 80)) < 0.04)
    prior = random.normal(0, 0.5, (60, 80))  # nothing to do with the scene
    scene = scene_with(places, np.full(len(places), 2.0), (60, 80), prior)

    assert abs(1 + Kriging.fit(scene, guided=True).trend[1]) < 0.1
    agreed = scene_with(places, np.exp(prior[tuple(places.T)]), (60, 80), prior)
    assert abs(Kriging.fit(agreed, guided=True).trend[1]) < 0.01


def test_noise_of_near_points_does_not_flatten_what_the_network_starts_from():
    random = np.random.default_rng(5)
    rows, _ = np.indices((60, 80))
    prior = rows / 30  # farther by a factor of 7 from top to bottom
    places = np.argwhere((random.random((60, 80)) < 0.05) & (rows < 20))  # none of what is far
    seen = prior + random.normal(0, 0.25, prior.shape)
    true = prior[tuple(places.T)] + random.normal(0, 0.05, len(places))
    scene = scene_with(places, np.exp(true), (60, 80), seen)

    assert Kriging.fit(scene, guided=True).field(scene).trust < 0.8
    assert 0.9 < drift(scene).trust < 1.1


def test_lines_of_a_scanner_are_not_taken_apart_point_by_point():
    places = [[r, c] for r in range(8, 120, 24) for c in range(0, 160, 2)]
    scene = scene_with(places, np.full(len(places), 2.0), (128, 160))

    choice = choose(scene)

    blocks = blocks_of(scene, np.arange(len(places)), choice.distance * 3)
    neighbors = [blocks[i] == blocks[i + 1] for i in range(len(places) - 1)]
    assert np.mean(neighbors) > 0.85
    assert len(np.unique(blocks)) > 4


@pytest.mark.parametrize("step", [1, 4])
def test_the_nearest_point_is_that_of_all_distances(step):
    random = np.random.default_rng(0)
    places = np.argwhere(random.random((50, 66)) < 0.01)
    anchors = Anchors(places=places, meters=np.ones(len(places)), size=(50, 66))

    near = nearest_anchor(anchors, step=step)

    rows, columns = near.shape
    row = ((np.arange(rows) + 0.5) * 50 / rows - 0.5)[:, None, None]
    column = ((np.arange(columns) + 0.5) * 66 / columns - 0.5)[None, :, None]
    square = (places[:, 0] - row) ** 2 + (places[:, 1] - column) ** 2
    chosen = np.take_along_axis(square, near[..., None], axis=2)[..., 0]
    off = np.sqrt(chosen) - np.sqrt(square.min(axis=2))
    assert (off < 1e-3).mean() >= (1 if step == 1 else 0.93)  # points of one cell share it
    assert off.max() < 1.5 * step


@pytest.mark.parametrize(
    ("size", "below"),
    [((480, 640), 0), ((480, 640), 320), ((30, 7000), 0), ((300, 24), 0), ((479, 637), 100)],
)
def test_distances_are_those_to_the_nearest_of_all_points(size, below):
    random = np.random.default_rng(1)
    places = random.integers((below, 0), size, (40, 2))
    anchors = Anchors(places=places, meters=np.ones(len(places)), size=size)

    found = distances(anchors, step=4)

    row, column = (
        ((np.arange(n) + 0.5) * side / n - 0.5) for n, side in zip(found.shape, size, strict=True)
    )
    square = [(r - row[:, None]) ** 2 + (c - column) ** 2 for r, c in places]
    off = found - np.sqrt(np.min(square, axis=0))
    assert off.min() > -1e-3
    assert off.max() < 4
    assert off.mean() < 0.1  # of two points of one cell the last is known


def test_a_pixel_between_two_cells_asks_the_one_that_it_lies_in():
    random = np.random.default_rng(0)
    places = np.argwhere(random.random((151, 203)) < 0.02)
    anchors = Anchors(places=places, meters=np.ones(len(places)), size=(151, 203))
    row, column = np.indices(anchors.size)[..., None]

    near = places[nearest_pixels(anchors)]

    square = (places[:, 0] - row) ** 2 + (places[:, 1] - column) ** 2
    away = np.hypot(near[..., 0] - row[..., 0], near[..., 1] - column[..., 0])
    assert (away - np.sqrt(square.min(axis=2))).mean() < 0.09  # of a larger size 0.064


@pytest.mark.parametrize("size", [(48, 64), (241, 323)])
def test_what_lies_in_a_cell_lies_about_its_center(size):
    places = np.argwhere(np.ones(size, dtype=bool))
    scene = scene_with(places, np.ones(len(places)), size)

    for axis in (0, 1):
        where, _ = scene.gathered(places[:, axis].astype(float))
        cells = np.indices(where.shape)[axis]
        center = (cells + 0.5) * size[axis] / where.shape[axis] - 0.5
        assert abs((where - center).mean()) < 0.02


def test_a_measured_pixel_is_its_own_nearest():
    places = [[3, 3], [3, 4], [10, 15]]
    scene = scene_with(places, [1.0, 2.0, 3.0])

    assert nearest_pixels(scene.anchors)[tuple(np.array(places).T)].tolist() == [0, 1, 2]


def test_a_field_at_a_pixel_is_what_its_map_holds_there():
    random = np.random.default_rng(0)
    scene = scene_with([[0, 0]], [1.0], (30, 41), random.normal(size=(30, 41)))
    field = Field(values=random.normal(size=scene.grid).astype(np.float32), trust=0.7)
    places = np.argwhere(np.ones((30, 41), dtype=bool))

    expected = field.log_depth(scene)[tuple(places.T)]

    np.testing.assert_allclose(field.at(scene, places), expected, atol=2e-5)


def test_values_of_one_cell_are_averaged():
    scene = scene_with([[0, 0], [3, 3], [0, 4]], [1.0, 2.0, 3.0])

    means, count = scene.gathered(np.array([1.0, 2.0, 5.0]))

    assert means[0, :2].tolist() == [1.5, 5.0]
    assert count[0, :2].tolist() == [2, 1]
    assert count.sum() == 3


def test_ip_basic_spreads_the_nearer_of_two_points():
    scene = scene_with([[20, 20], [20, 23]], [2.0, 4.0], size=(40, 44))

    meters = np.exp(ip_basic(scene))

    assert meters[20, 20] == pytest.approx(2.0, rel=0.05)
    assert meters[20, 22] < 3.2  # two pixels from the nearer one, one from the farther
    assert meters[0, 0] == pytest.approx(2.0)
    assert np.isfinite(meters).all()
