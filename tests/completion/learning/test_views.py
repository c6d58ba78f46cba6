"""Training views of completion: points on the truth, a start that knows them, reproducible."""

import numpy as np
import pytest
import torch

from featherdepth.completion.learning.degrade import DegradeConfig, degrade
from featherdepth.completion.learning.fit import to_points
from featherdepth.completion.learning.mix import FAMILIES, MixConfig, measure, specify
from featherdepth.completion.learning.views import CompletionBatches, ViewSettings
from featherdepth.data.patterns.grammar import parse
from featherdepth.errors import InputError
from featherdepth.training.pool import Pool
from featherdepth.types import Depth, DepthKind, Image

CLEAN = MixConfig(clean=1.0, few=0.0)


def pool_of(frames: int = 3, ranking_only: tuple[bool, ...] = ()) -> Pool:
    rows, columns = np.indices((120, 160))
    depths = np.stack([2 + 0.01 * rows + np.sin(columns / 30 + i) for i in range(frames)])
    pictures = np.random.default_rng(0).integers(0, 256, (frames, 3, 120, 160), np.uint8)
    return Pool(
        images=torch.from_numpy(pictures),
        depths=torch.from_numpy(depths[:, None].astype(np.float16)),
        sizes=np.tile([120, 160], (frames, 1)),
        boxes=np.tile([0, 0, 120, 160], (frames, 1)),
        intrinsics=np.tile([150.0, 150.0, 79.5, 59.5], (frames, 1)),
        ranking_only=np.array(ranking_only or [False] * frames),
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


def test_frames_that_only_order_their_points_are_not_drawn() -> None:
    pool = pool_of(ranking_only=(True, False, True))
    pool.depths[0] = pool.depths[2] = 1000.0

    truth = torch.cat([batches_of(pool)(step, 0, 1).truth for step in range(4)])

    assert truth.max() < 100


def test_a_data_set_of_order_alone_is_refused() -> None:
    with pytest.raises(InputError, match="without metric depth"):
        batches_of(pool_of(frames=1, ranking_only=(True,)))


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
