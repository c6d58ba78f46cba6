"""The pool holds every readable frame once, with depth whose order can be trusted."""

import logging

import numpy as np
import pytest

from featherdepth.errors import InputError
from featherdepth.geometry.resize import resize_pixels, resize_truth
from featherdepth.training.pool import Source, load_pool
from featherdepth.types import Depth, DepthKind, Image, Intrinsics, Sample


def sample_of(
    height: int = 24,
    width: int = 32,
    *,
    key: str = "a",
    kind: DepthKind = DepthKind.METRIC,
    values: np.ndarray | None = None,
) -> Sample:
    rng = np.random.default_rng(height)
    values = rng.uniform(0.5, 8, (height, width)) if values is None else values
    values = values.astype(np.float32)
    camera = Intrinsics(
        fx=30.0, fy=31.0, cx=15.0, cy=11.0, width=width, height=height, source="given"
    )
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Sample(
        key=key,
        image=Image(pixels=pixels, intrinsics=camera),
        depth=Depth(values=values, valid=values != 0, kind=kind),
    )


class Frames:
    """A reader of samples in memory; None is a broken file."""

    def __init__(self, *samples: Sample | None, box: tuple[int, int, int, int] | None = None):
        self.samples = samples
        self.box = box

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[index]
        if sample is None:
            raise InputError(f"frame {index}: cannot read it")
        return sample

    def usable(self, index: int) -> tuple[int, int, int, int]:
        sample = self.samples[index]
        assert sample is not None
        return self.box or (0, 0, *sample.image.size)


def test_frames_lie_unchanged_in_the_corner_of_their_canvas() -> None:
    small, wide = sample_of(20, 30), sample_of(16, 40, key="b")

    pool = load_pool([Source(name="s", frames=Frames(small, wide))], long_side=64)

    assert pool.images.shape == (2, 3, 20, 40)
    assert np.array_equal(pool.images[0, :, :, :30].permute(1, 2, 0), small.image.pixels)
    assert np.array_equal(pool.images[1, :, :16].permute(1, 2, 0), wide.image.pixels)
    assert small.depth is not None
    assert np.array_equal(pool.depths[0, 0, :, :30], small.depth.values.astype(np.float16))
    assert (pool.depths[1, 0, 16:] == 0).all()
    assert pool.boxes.tolist() == [[0, 0, 20, 30], [0, 0, 16, 40]]
    assert pool.keys == ("a", "b")


def test_large_frames_are_shrunk_with_their_box_and_camera() -> None:
    sample = sample_of(48, 64)
    frames = Frames(sample, box=(5, 7, 40, 50))

    pool = load_pool([Source(name="s", frames=frames)], long_side=32)

    assert sample.depth is not None
    pixels = resize_pixels(sample.image.pixels, (24, 32))
    values, _ = resize_truth(sample.depth.values, sample.depth.valid, (24, 32))
    assert np.array_equal(pool.images[0].permute(1, 2, 0), pixels)
    assert np.array_equal(pool.depths[0, 0], values.astype(np.float16))
    assert pool.boxes.tolist() == [[3, 4, 19, 24]]  # rounded inwards
    assert pool.intrinsics[0] == pytest.approx([15.0, 15.5, 7.25, 5.25])


def test_broken_frames_and_frames_without_depth_are_left_out_and_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    empty = sample_of(key="empty", values=np.zeros((24, 32)))

    with caplog.at_level(logging.WARNING):
        pool = load_pool([Source(name="s", frames=Frames(sample_of(), None, empty))])

    assert pool.keys == ("a",)
    assert "frame 1: cannot read it" in caplog.text
    assert "empty: left out: it has no depth" in caplog.text


def test_a_source_without_a_frame_is_refused() -> None:
    with pytest.raises(InputError, match="s: no frame with depth among 1"):
        load_pool([Source(name="s", frames=Frames(None))])


def test_relative_depth_gets_a_median_of_one() -> None:
    values = np.linspace(1e5, 3e5, 24 * 32).reshape(24, 32)  # beyond what float16 holds
    sample = sample_of(kind=DepthKind.SCALE_INVARIANT, values=values)

    pool = load_pool([Source(name="s", frames=Frames(sample))])

    assert np.allclose(pool.depths[0, 0], values / 2e5, rtol=1e-3)
    assert not pool.ranking_only[0]


def test_relative_disparity_becomes_an_order_of_depths() -> None:
    values = np.linspace(-1, 4, 24 * 32).reshape(24, 32)
    sample = sample_of(kind=DepthKind.AFFINE_INVARIANT_DISPARITY, values=values)

    pool = load_pool([Source(name="s", frames=Frames(sample))])

    depth = pool.depths[0, 0].numpy().astype(np.float64)
    assert pool.ranking_only[0]
    assert ((depth > 0) == (values > 0)).all()
    near, far = depth[20, 5], depth[10, 5]
    assert far / near == pytest.approx(values[20, 5] / values[10, 5], rel=2e-3)


def test_what_is_unknown_in_renderings_lies_as_far_as_the_farthest_thing() -> None:
    values = np.full((24, 32), 3.0)
    values[:8], values[8] = 0, 40
    sky = Source(name="s", frames=Frames(sample_of(values=values)), unknown_is_far=True)

    depth = load_pool([sky]).depths[0, 0].numpy()

    assert (depth[:9] == 40).all()
    assert (depth[9:] == 3).all()


def test_shares_follow_the_weights_and_members_the_sources() -> None:
    first = Source(name="a", frames=Frames(sample_of(), sample_of(key="b")), weight=3.0)
    second = Source(name="b", frames=Frames(sample_of(key="c")), weight=1.0, ranking_only=True)

    pool = load_pool([first, second])

    assert pool.shares.tolist() == [0.75, 0.25]
    assert [m.tolist() for m in pool.members] == [[0, 1], [2]]
    assert pool.ranking_only.tolist() == [False, False, True]


def test_the_digest_changes_with_a_single_pixel() -> None:
    sample = sample_of()
    other = sample_of()
    other.image.pixels[3, 4, 1] ^= 1  # not handed out before

    digests = [
        load_pool([Source(name="s", frames=Frames(s))]).sha256 for s in (sample, sample, other)
    ]

    assert digests[0] == digests[1] != digests[2]


def test_progress_is_told_frame_by_frame() -> None:
    told: list[tuple[int, int]] = []

    load_pool(
        [Source(name="s", frames=Frames(sample_of(), None))],
        progress=lambda done, total: told.append((done, total)),
    )

    assert told == [(1, 2), (2, 2)]
