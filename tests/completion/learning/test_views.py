"""Training views of completion: points on the truth, a start that knows them, reproducible."""

from typing import Any

import numpy as np
import pytest
import torch

from featherdepth.completion.learning.degrade import DegradeConfig, degrade
from featherdepth.completion.learning.fit import to_points
from featherdepth.completion.learning.mix import FAMILIES, MixConfig, measure, specify
from featherdepth.completion.learning.ranges import RangeConfig, with_range
from featherdepth.completion.learning.views import CompletionBatches, ViewSettings
from featherdepth.data.patterns.grammar import parse
from featherdepth.training.plan import ViewConfig
from featherdepth.training.pool import Pool
from featherdepth.types import Depth, DepthKind, Image

CLEAN = MixConfig(clean=1.0, few=0.0)


def pool_of(frames: int = 3, kind: DepthKind = DepthKind.METRIC) -> Pool:
    rows, columns = np.indices((120, 160))
    depths = np.stack([2 + 0.01 * rows + np.sin(columns / 30 + i) for i in range(frames)])
    pictures = np.random.default_rng(0).integers(0, 256, (frames, 3, 120, 160), np.uint8)
    return Pool(
        images=torch.from_numpy(pictures),
        depths=torch.from_numpy(depths[:, None].astype(np.float16)),
        sizes=np.tile([120, 160], (frames, 1)),
        boxes=np.tile([0, 0, 120, 160], (frames, 1)),
        intrinsics=np.tile([150.0, 150.0, 79.5, 59.5], (frames, 1)),
        ranking_only=np.zeros(frames, np.bool_),
        kinds=(kind,) * frames,
        keys=tuple(str(i) for i in range(frames)),
        members=(np.arange(frames),),
        shares=np.array([1.0]),
        sha256="",
    )


def batches_of(pool: Pool, *, seed: int = 0, settings: ViewSettings | None = None):
    priors = (pool.depths.float() / 5).half()
    return CompletionBatches(
        pool, priors, views=settings or ViewSettings(), size=(64, 96), batch=4, seed=seed
    )


def test_a_batch_is_a_function_of_its_step() -> None:
    batches = batches_of(pool_of())

    first, again, other = batches(5, 0, 1), batches(5, 0, 1), batches(6, 0, 1)

    assert torch.equal(first.inputs, again.inputs) and torch.equal(first.truth, again.truth)
    assert not torch.equal(first.inputs, other.inputs)


def test_shares_of_processes_make_up_the_batch() -> None:
    batches = batches_of(pool_of())

    whole, first, second = batches(2, 0, 1), batches(2, 0, 2), batches(2, 1, 2)

    # Points are the same; pictures and priors to rounding, which depends on the batch.
    for rank, share in enumerate((first, second)):
        assert torch.equal(whole.truth[rank::2] > 0, share.truth > 0)
        assert torch.allclose(whole.inputs[rank::2], share.inputs, rtol=1e-3, atol=1e-5)


def test_clean_points_are_the_truth_and_the_start_is_a_depth() -> None:
    settings = ViewSettings(
        patterns=MixConfig(clean=1.0, few=0.0, zones=0.0, lines=0.0, several=0.0)
    )
    batch = batches_of(pool_of(), settings=settings)(0, 0, 1)
    start, points = batch.inputs[:, 3:4], batch.inputs[:, 4:5]

    known = points > 0

    assert known.sum() > 20
    assert torch.equal(points[known], batch.truth[known])
    assert start.min() > 0 and torch.isfinite(start).all()


@pytest.mark.parametrize("kind", [kind for kind in DepthKind if kind.affine])
def test_truth_without_a_scale_gets_another_range_in_each_view(kind: DepthKind) -> None:
    pool = pool_of(frames=1, kind=kind)

    batches = batches_of(pool, settings=ViewSettings(ranges=RangeConfig(ratio=(5.0, 50.0))))
    seen = [batches(step, 0, 1) for step in range(3)]

    medians = torch.cat([batch.truth.flatten(1).median(dim=1).values for batch in seen])
    assert medians.min() >= 1 - 1e-3 and medians.max() <= 20 + 1e-3
    assert len(medians.unique()) == len(medians)
    for batch in seen:
        points = batch.inputs[:, 4:]
        # Clean points lie on the truth: what is drawn comes before the sensor.
        exact = torch.isclose(points, batch.truth, rtol=1e-4)[points > 0]
        assert exact.float().mean() > 0.5


@pytest.mark.parametrize("kind", [kind for kind in DepthKind if kind.affine])
def test_the_range_of_a_frame_is_what_was_drawn(kind: DepthKind) -> None:
    far = torch.linspace(1, 4, 64 * 96).reshape(1, 64, 96)
    valid = torch.ones_like(far, dtype=torch.bool)
    valid[:, :, 90:] = False
    config = RangeConfig(ratio=(7.0, 7.0), median=(2.0, 2.0), relief=0.0)

    depth = with_range(
        far, valid, limits=(1.0, 4.0), kind=kind, config=config, rng=np.random.default_rng(0)
    )

    known = depth[valid]
    assert known.max() / known.min() == pytest.approx(7, rel=0.01)
    assert known.median() == pytest.approx(2, rel=1e-5)
    assert (depth[~valid] == 0).all()
    line = known if kind is DepthKind.AFFINE_INVARIANT else 1 / known
    expected = far[valid] if kind is DepthKind.AFFINE_INVARIANT else 1 / far[valid]
    # Affine in the map, or in its inverse, with a factor above 0.
    fit = np.polyfit(expected.double().numpy(), line.double().numpy(), 1)
    assert fit[0] > 0
    np.testing.assert_allclose(np.polyval(fit, expected), line, rtol=1e-4)


def test_measured_truth_keeps_its_values() -> None:
    pool = pool_of(frames=1)

    truth = batches_of(pool, settings=ViewSettings(ranges=RangeConfig(relief=0.5)))(0, 0, 1).truth

    assert truth.min() >= pool.depths.min() - 0.01 and truth.max() <= pool.depths.max() + 0.01


@pytest.mark.parametrize("wrong", [{"ratio": (1.0, 5.0)}, {"median": (0.0, 3.0)}, {"relief": 1.0}])
def test_ranges_that_cannot_be_drawn_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RangeConfig(**wrong)


@pytest.mark.parametrize("family", FAMILIES[:-1])
def test_every_family_is_a_specification_that_draws(family: str) -> None:
    weights = {name: float(name == family) for name in FAMILIES}
    rows, columns = np.indices((96, 128))
    values = (3 + np.sin(columns / 20) + rows / 100).astype(np.float32)
    truth = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)
    photo = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    for seed in range(6):
        random = np.random.default_rng(seed)
        specifications = specify(MixConfig(**weights), random)
        for text in specifications:
            parse(text)
        sparse = measure(truth, Image(pixels=photo, name="x"), MixConfig(**weights), random)
        assert sparse.valid.any()


def test_half_of_the_views_have_nothing_wrong_with_them() -> None:
    random = np.random.default_rng(0)

    texts = [specify(MixConfig(several=0.0, few=0.0), random)[0] for _ in range(800)]

    assert sum("+" not in text for text in texts) / 800 == pytest.approx(0.55, abs=0.06)


def test_the_start_recovers_scale_and_shift_in_spite_of_outliers() -> None:
    rows, columns = np.indices((64, 96))
    truth = 2 + np.sin(columns / 15) + rows / 40
    values = np.zeros((64, 96), np.float32)
    places = np.random.default_rng(0).permutation(64 * 96)[:100]
    values.flat[places] = truth.flat[places]
    values.flat[places[:5]] *= 3
    prior = ((truth - 1) / 4).astype(np.float32)
    sparse = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)

    start = to_points(prior, sparse)

    assert np.median(np.abs(start / truth - 1)) < 0.01


def test_a_start_from_one_point_is_that_point() -> None:
    values = np.zeros((64, 96), np.float32)
    values[10, 20] = 3
    sparse = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)

    start = to_points(np.random.default_rng(0).random((64, 96)).astype(np.float32), sparse)

    assert np.allclose(start, 3, rtol=1e-3)


def test_half_of_the_priors_stay_as_they_are() -> None:
    prior = torch.rand(1, 48, 64)

    same = [
        torch.equal(degrade(prior, DegradeConfig(plane=0.0), np.random.default_rng(i)), prior)
        for i in range(400)
    ]

    assert np.mean(same) == pytest.approx(0.5, abs=0.08)


def test_a_spoiled_prior_still_rises_with_the_old_one() -> None:
    columns = torch.linspace(0, 1, 64).expand(1, 48, 64)
    config = DegradeConfig(share=0.999, plane=0.0, warp=0.01)

    spoiled = degrade(columns, config, np.random.default_rng(1))

    assert not torch.equal(spoiled, columns)
    assert spoiled.min() == 0 and spoiled.max() == 1
    assert np.corrcoef(spoiled.flatten(), columns.flatten())[0, 1] > 0.9


def test_borders_are_refused_where_no_prior_is_known_under_them() -> None:
    with pytest.raises(ValueError, match=r"views\.border: .*leave it out"):
        ViewSettings(views=ViewConfig(border=0.5))
