"""Photos in memory: what a window holds, and maps that stay on their photos."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from featherdepth.data.photos import Photos
from featherdepth.distill.photos import (
    PhotoPool,
    Windows,
    load_photos,
    photos_held,
)
from featherdepth.errors import InputError
from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.training.plan import ViewConfig, draw_plan
from featherdepth.training.pool import shrunk
from featherdepth.training.views import LUMA, cut_images, cut_maps
from featherdepth.types import Image

MapOf = Callable[[Image], np.ndarray | None]


class Labels:
    """Maps that a function of the photo gives."""

    def __init__(self, make: MapOf) -> None:
        self.read = make


def luma(image: Image) -> np.ndarray:
    return (image.pixels @ np.array(LUMA)).astype(np.float32)


def folder_of(root: Path, count: int, start: int = 0) -> Photos:
    root.mkdir(exist_ok=True)
    for i in range(start, start + count):
        PIL.Image.new("RGB", (4, 4)).save(root / f"{i:05d}.bmp")
    return Photos(Photos.Config(root=root))


def opened(folder: Path) -> Photos:
    return Photos(Photos.Config(root=folder))


def everything(photos: Photos) -> np.ndarray:
    return np.arange(len(photos))


# Loading


def test_photos_keep_their_pixels_their_size_and_their_camera(photo_folder: Path) -> None:
    photos = opened(photo_folder)

    pool = load_photos(photos, everything(photos), long_side=96)

    assert pool.maps is None and len(pool) == 14
    assert pool.images.shape == (14, 3, 96, 96)
    for i in (0, 1):
        pixels = photos[i].image.pixels
        h, w = pixels.shape[:2]
        assert pool.boxes[i].tolist() == [0, 0, h, w]
        stored = pool.images[i, :, :h, :w].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(stored, pixels)
        camera = assumed_intrinsics(h, w)
        assert pool.intrinsics[i].tolist() == [camera.fx, camera.fy, camera.cx, camera.cy]
    assert pool.keys == tuple(photos.keys)


def test_large_photos_are_shrunk_and_their_camera_with_them(photo_folder: Path) -> None:
    photos = opened(photo_folder)

    pool = load_photos(photos, everything(photos), long_side=48)

    assert shrunk((64, 96), 48) == (32, 48) and shrunk((1, 1000), 10) == (1, 10)
    assert shrunk((30, 40), 48) == (30, 40)  # never enlarged
    height, width = (int(n) for n in pool.boxes[0][2:])
    assert max(height, width) == 48
    camera = assumed_intrinsics(height, width)
    assert pool.intrinsics[0] == pytest.approx([camera.fx, camera.fy, camera.cx, camera.cy])


def test_broken_photos_are_left_out_with_a_line_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photos = folder_of(tmp_path / "p", 12)
    (tmp_path / "p" / "00003.bmp").write_bytes(b"BM" + bytes(30))
    (tmp_path / "p" / "00007.bmp").write_bytes(b"")
    seen: list[tuple[int, int]] = []

    pool = load_photos(
        photos, everything(photos), long_side=96, progress=lambda *done: seen.append(done)
    )

    assert pool.keys == tuple(k for i, k in enumerate(photos.keys) if i not in (3, 7))
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["left out"] * 2
    assert [skipped.key for skipped in photos.skipped] == ["00003.bmp", "00007.bmp"]
    assert seen == [(i, 12) for i in range(1, 13)]


def test_photos_without_a_map_are_left_out(photo_folder: Path) -> None:
    photos = opened(photo_folder)
    without = photos[4].image.pixels

    def some(image: Image) -> np.ndarray | None:
        return None if np.array_equal(image.pixels, without) else luma(image)

    pool = load_photos(photos, everything(photos), long_side=96, labels=Labels(some))

    assert len(pool) == 13 and photos.keys[4] not in pool.keys


def test_no_photo_at_all_is_one_line(tmp_path: Path, photo_folder: Path) -> None:
    broken = folder_of(tmp_path / "p", 10)
    for path in (tmp_path / "p").iterdir():
        path.write_bytes(b"BM")
    whole = opened(photo_folder)

    with pytest.raises(InputError, match=r"^p: not one of 10 photos can be used: 00000\.bmp"):
        load_photos(broken, everything(broken), long_side=96)
    with pytest.raises(InputError, match=r"used: the teacher gave no map for any$"):
        load_photos(whole, everything(whole), long_side=96, labels=Labels(lambda _: None))


# Maps


def test_maps_follow_their_photos_through_shrinking_crop_and_flip(photo_folder: Path) -> None:
    photos = opened(photo_folder)
    pool = load_photos(photos, everything(photos), long_side=80, labels=Labels(luma))
    plan = draw_plan(pool, ViewConfig(), seed=3, step=5, batch=8, size=(64, 96))
    assert pool.maps is not None and pool.scales is not None
    assert plan.flip.any() and not plan.flip.all()

    views = cut_images(pool.images, plan, (64, 96), clean=True)
    maps = cut_maps(pool.maps, plan, (64, 96)) * pool.scales[plan.index, None, None, None]

    # Pixels are rounded to whole gray levels when they are stored, maps to 11 bits.
    luma_of = torch.einsum("bchw,c->bhw", views, torch.tensor(LUMA)) * 255
    assert (luma_of - maps[:, 0]).abs().max() < 1.0
    assert maps.std() > 20


@pytest.mark.parametrize("factor", [1e7, 1e-7])
def test_maps_of_any_range_keep_their_digits(photo_folder: Path, factor: float) -> None:
    photos = opened(photo_folder)

    pool = load_photos(
        photos,
        everything(photos),
        long_side=96,
        labels=Labels(lambda i: luma(i) * np.float32(factor)),
    )

    assert pool.maps is not None and pool.scales is not None
    height, width = (int(n) for n in pool.boxes[2][2:])
    values = pool.maps[2, 0, :height, :width].float() * pool.scales[2]
    np.testing.assert_allclose(values / factor, luma(photos[2].image), rtol=2**-10, atol=1e-2)


def test_maps_of_another_size_than_the_photo_are_brought_to_it(photo_folder: Path) -> None:
    photos = opened(photo_folder)
    ramp = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (32, 1))  # a teacher that stretches

    pool = load_photos(photos, np.array([1]), long_side=96, labels=Labels(lambda _: ramp))

    height, width = (int(n) for n in pool.boxes[0][2:])
    assert pool.maps is not None and pool.scales is not None
    values = (pool.maps[0, 0, :height, :width].float() * pool.scales[0]).numpy()
    np.testing.assert_allclose(values[0, width // 2 - 1 : width // 2 + 1].mean(), 0.5, atol=1e-3)
    assert (np.diff(values, axis=1) >= 0).all() and (np.diff(values, axis=0) == 0).all()


# Windows


class Loads:
    """Stands for the decoder: pools that know their photos, and who asked for them when."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.asked: list[list[int]] = []
        self.gate = gate

    def __call__(self, indices: np.ndarray) -> PhotoPool:
        self.asked.append(indices.tolist())
        if self.gate is not None and len(self.asked) > 1:
            assert self.gate.wait(10)
        return PhotoPool(
            images=torch.zeros(len(indices), 3, 1, 1, dtype=torch.uint8),
            maps=None,
            boxes=np.zeros((len(indices), 4), np.int64),
            intrinsics=np.zeros((len(indices), 4)),
            keys=tuple(map(str, indices.tolist())),
        )


TRAINING = np.arange(5, 105)


def windows(load: Callable[[np.ndarray], PhotoPool], **changes: int) -> Windows:
    settings = {"photos_held": 40, "batch": 10, "visits": 3, "seed": 0} | changes
    return Windows(load, TRAINING, **settings)


def shown(pool: PhotoPool) -> list[int]:
    return [int(key) for key in pool.keys]


def test_what_fits_is_loaded_once() -> None:
    load = Loads()
    whole = windows(load, photos_held=100)

    assert [shown(whole.of(step)) for step in (0, 7, 10_000)] == [TRAINING.tolist()] * 3
    assert load.asked == [TRAINING.tolist()]
    assert not whole.several


def test_every_photo_is_in_one_window_of_each_epoch() -> None:
    # Two windows share the memory: 20 photos each, 20 * 3 / 10 = 6 steps.
    parts = windows(Loads())

    epochs = [[shown(parts.of(6 * w)) for w in range(5 * e, 5 * e + 5)] for e in range(3)]

    assert parts.several
    for epoch in epochs:
        assert [len(window) for window in epoch] == [20] * 5
        assert sorted(i for window in epoch for i in window) == TRAINING.tolist()
        assert all(window == sorted(window) for window in epoch)  # read from front to back
    assert epochs[0] != epochs[1] != epochs[2]
    assert shown(parts.of(5)) == epochs[0][0] and shown(parts.of(6)) == epochs[0][1]
    parts.close()


def test_windows_of_unequal_size_still_hold_every_photo_once() -> None:
    parts = windows(Loads(), photos_held=30)  # seven windows of 14 or 15
    sizes = [len(parts.members(n)) for n in range(7)]

    assert sum(sizes) == 100 and set(sizes) == {14, 15}
    assert sorted(np.concatenate([parts.members(n) for n in range(7)])) == TRAINING.tolist()


def test_a_steps_pool_is_a_function_of_the_step_alone() -> None:
    in_order = windows(Loads())
    expected = [shown(in_order.of(step)) for step in range(60)]
    backwards, restarted = windows(Loads()), windows(Loads())

    assert [shown(backwards.of(step)) for step in reversed(range(60))] == expected[::-1]
    assert shown(restarted.of(43)) == expected[43]
    assert shown(restarted.of(2)) == expected[2]
    assert shown(windows(Loads(), seed=1).of(0)) != expected[0]


def test_the_next_window_is_loaded_before_anybody_asks_for_it_and_no_more() -> None:
    load = Loads()
    parts = windows(load)

    parts.of(0)
    end = time.monotonic() + 10
    while len(load.asked) < 2 and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(0.05)
    ahead = [sorted(asked) for asked in load.asked]
    for step in range(6):
        parts.of(step)

    assert ahead == [parts.members(0).tolist(), parts.members(1).tolist()]
    assert len(load.asked) == 2
    parts.of(6)
    assert len(parts._pools) == 2


def test_loading_ahead_holds_up_no_step() -> None:
    gate = threading.Event()
    parts = windows(Loads(gate))

    pool = parts.of(0)  # the second window waits at the gate

    assert len(pool) == 20
    gate.set()
    parts.close()


def test_a_jump_over_windows_loads_none_between() -> None:
    gate = threading.Event()
    load = Loads(gate)
    parts = windows(load)
    parts.of(0)
    gate.set()

    parts.of(60)  # window 10, as after a restart

    between = [parts.members(n).tolist() for n in range(2, 10)]
    assert not any(asked in between for asked in load.asked)
    parts.close()


def test_a_window_that_cannot_be_loaded_is_told_when_it_is_needed() -> None:
    def fails(indices: np.ndarray) -> PhotoPool:
        raise InputError("p: not one of 20 photos can be used")

    with pytest.raises(InputError, match="not one of 20"):
        windows(fails).of(0)


def test_small_windows_still_hold_a_photo_and_last_a_step() -> None:
    parts = windows(Loads(), photos_held=1, batch=100, visits=1)

    assert [len(parts.of(step)) for step in range(3)] == [1, 1, 1]
    assert len({shown(parts.of(step))[0] for step in range(100)}) == 100


def test_memory_is_counted_with_canvases_and_maps() -> None:
    # 100 * 100 * 3 bytes of pixels, two more of a map.
    assert photos_held(100, 0.0003, labeled=False) == 10
    assert photos_held(100, 0.0005, labeled=True) == 10
    assert photos_held(4000, 1e-9, labeled=True) == 1
