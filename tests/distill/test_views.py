"""Teacher and student see one crop: the student's jittered, the teacher's clean."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d

from featherdepth.data.photos import Photos
from featherdepth.distill.photos import PhotoPool, Windows, load_photos
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.distill.views import DistillBatch, DistillBatches
from featherdepth.training.plan import ViewConfig
from featherdepth.types import Image

PLAIN = {
    "brightness": 0.0,
    "contrast": 0.0,
    "saturation": 0.0,
    "tint": 0.0,
    "gamma": 0.0,
    "gray": 0.0,
    "blur": 0.0,
    "noise": 0.0,
}
UNTOUCHED = PLAIN | {"crop": (1.0, 1.0), "aspect": 1.0, "flip": 0.0}
SIZE = (64, 96)

Make = Callable[..., DistillBatches]


@pytest.fixture(scope="module")
def photos(photo_folder: Path) -> Photos:
    return Photos(Photos.Config(root=photo_folder))


def lying(photos: Photos) -> np.ndarray:
    """Photos of 64x96, the size of the views."""
    return np.array([i for i in range(len(photos)) if photos[i].image.size == SIZE])


def batches_of(pool: PhotoPool, views: dict[str, Any], **changes: Any) -> DistillBatches:
    windows = Windows(
        lambda _: pool, np.arange(len(pool)), photos_held=99, batch=4, visits=1, seed=0
    )
    settings = {"size": SIZE, "batch": 4, "seed": 0, "teacher_size": None, "half": False}
    return DistillBatches(windows, ViewConfig(**views), **(settings | changes))


@pytest.fixture(scope="module")
def pool(photos: Photos) -> PhotoPool:
    return load_photos(photos, lying(photos), long_side=96)


def same(size: tuple[int, int]) -> Callable[[int, int], tuple[int, int]]:
    return lambda height, width: size


def test_without_jitter_both_see_the_same_pixels_under_crop_and_flip(pool: PhotoPool) -> None:
    batches = batches_of(pool, PLAIN, teacher_size=same(SIZE))

    batch = batches(0, 0, 1)

    assert batch.clean is not None and batch.maps is None
    # The student's are kept off black by 1e-4, for the power of gamma.
    torch.testing.assert_close(batch.clean, batch.images, rtol=0, atol=2e-4)


def test_the_student_alone_sees_jitter(pool: PhotoPool) -> None:
    plain = batches_of(pool, PLAIN, teacher_size=same(SIZE))
    jittered = batches_of(pool, {}, teacher_size=same(SIZE))

    for step in range(3):
        before, after = plain(step, 0, 1), jittered(step, 0, 1)
        assert before.clean is not None and after.clean is not None
        assert torch.equal(after.clean, before.clean)
        difference = (after.images - after.clean).abs().mean(dim=(1, 2, 3))
        assert difference.min() > 0.01


def test_each_sees_the_crop_at_its_own_size(pool: PhotoPool) -> None:
    batch = batches_of(pool, PLAIN, size=(32, 48), teacher_size=same((64, 96)))(1, 0, 1)

    assert batch.clean is not None
    assert batch.images.shape[2:] == (32, 48) and batch.clean.shape[2:] == (64, 96)
    # The filters differ, so only what is smooth agrees: means of patches.
    ours, theirs = avg_pool2d(batch.images, 8), avg_pool2d(batch.clean, 16)
    assert (ours - theirs).abs().mean() < 0.01
    assert (ours.flip(3) - theirs).abs().mean() > 0.05
    assert (ours.roll(1, 0) - theirs).abs().mean() > 0.05


def test_the_teacher_is_asked_for_its_size_once_with_the_shape_of_the_students_views(
    pool: PhotoPool,
) -> None:
    asked = []

    def teacher_size(height: int, width: int) -> tuple[int, int]:
        asked.append((height, width))
        return (96, 128)

    batches = batches_of(pool, PLAIN, size=(32, 64), teacher_size=teacher_size)

    assert [batches(step, 0, 1).clean.shape[2:] for step in (0, 1)] == [(96, 128)] * 2
    assert asked == [(32, 64)]


class Asked:
    """Labels straight from a teacher, as a cache keeps them."""

    def __init__(self, teacher: Teacher, factor: float = 1.0) -> None:
        self.teacher, self.factor = teacher, factor

    def read(self, image: Image) -> np.ndarray:
        pixels = torch.from_numpy(self.teacher.prepare(image.pixels, SIZE))
        return self.teacher(pixels[None])[0, 0].numpy() * np.float32(self.factor)


@pytest.mark.parametrize("factor", [1.0, 1e6])
def test_cached_and_online_maps_agree_on_an_untouched_crop(
    photos: Photos, own_teacher: Teacher, pool: PhotoPool, factor: float
) -> None:
    labeled = load_photos(photos, lying(photos), long_side=96, labels=Asked(own_teacher, factor))

    cached = batches_of(labeled, UNTOUCHED)(2, 0, 1)
    online = batches_of(pool, UNTOUCHED, teacher_size=same(SIZE))(2, 0, 1)

    assert cached.maps is not None and cached.clean is None and online.clean is not None
    assert torch.equal(cached.images, online.images)
    direct = own_teacher(online.clean) * factor
    assert direct.std() > 0
    # Half precision: 11 bits, of the largest value for the small ones.
    torch.testing.assert_close(
        cached.maps, direct, rtol=2**-10, atol=float(direct.abs().max()) * 2**-12
    )


def test_a_cached_map_is_cut_like_its_photo(photos: Photos) -> None:
    class Green:
        def read(self, image: Image) -> np.ndarray:
            return image.pixels[:, :, 1].astype(np.float32)

    labeled = load_photos(photos, lying(photos), long_side=96, labels=Green())

    for step in range(3):
        batch = batches_of(labeled, PLAIN, size=(64, 64))(step, 0, 1)
        assert batch.maps is not None
        assert (batch.maps[:, 0] / 255 - batch.images[:, 1]).abs().max() < 0.005


def test_intrinsics_are_those_of_the_view(pool: PhotoPool) -> None:
    camera = np.array([50.0, 60.0, 40.0, 20.0])
    pool = replace(pool, intrinsics=np.tile(camera, (len(pool), 1)))

    whole = batches_of(pool, UNTOUCHED)(0, 0, 1).intrinsics
    half = batches_of(pool, UNTOUCHED, size=(32, 48))(0, 0, 1).intrinsics
    mirrored = batches_of(pool, UNTOUCHED | {"flip": 1.0})(0, 0, 1).intrinsics

    np.testing.assert_allclose(whole, np.tile(camera, (4, 1)))
    np.testing.assert_allclose(half, np.tile([25, 30, 40.5 / 2 - 0.5, 20.5 / 2 - 0.5], (4, 1)))
    np.testing.assert_allclose(mirrored, np.tile([50, 60, 95 - 40, 20], (4, 1)))


def test_the_shares_of_two_processes_are_the_batch_of_one(pool: PhotoPool) -> None:
    batches = batches_of(pool, {}, teacher_size=same((32, 32)))

    whole, first, second = batches(5, 0, 1), batches(5, 0, 2), batches(5, 1, 2)

    for name in ("images", "clean"):
        one, other = getattr(first, name), getattr(second, name)
        together = torch.stack([one, other], dim=1).flatten(0, 1)
        torch.testing.assert_close(together, getattr(whole, name), rtol=0, atol=1e-6)
    assert whole.seeds[0::2].tolist() == first.seeds.tolist()
    assert whole.seeds[1::2].tolist() == second.seeds.tolist()
    assert batches.size == 4


def test_a_batch_is_a_function_of_its_step(pool: PhotoPool) -> None:
    batches, again = (batches_of(pool, {}, teacher_size=same(SIZE)) for _ in range(2))
    again(3, 0, 1)

    def parts(batch: DistillBatch) -> list[bytes]:
        assert batch.clean is not None
        return [batch.images.numpy().tobytes(), batch.clean.numpy().tobytes(), bytes(batch.seeds)]

    assert parts(again(7, 0, 1)) == parts(batches(7, 0, 1))
    assert parts(again(8, 0, 1)) != parts(batches(7, 0, 1))
    assert batches(7, 0, 1).step == 7
