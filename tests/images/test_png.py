"""PNG files written by ourselves are what every decoder reads."""

import io
import zlib

import cv2
import numpy as np
import PIL.Image
import pytest

from featherdepth.images.png import SMALL, png_bytes

RANDOM = np.random.default_rng(0)


def opened(content: bytes) -> PIL.Image.Image:
    picture = PIL.Image.open(io.BytesIO(content))
    picture.load()  # checks the sums of all chunks
    return picture


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (33, 64), (513, 512)])
def test_grays_and_colors_of_any_size_are_read_back(size: tuple[int, int]) -> None:
    grays = RANDOM.integers(0, 1 << 16, size, dtype=np.uint16)
    colors = RANDOM.integers(0, 256, (*size, 3), dtype=np.uint8)

    for pixels in (grays, colors):
        content = png_bytes(pixels, {})
        assert np.array_equal(np.asarray(opened(content)), pixels)
        other = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(other if other.ndim == 2 else other[:, :, ::-1], pixels)


def test_pixels_may_lie_in_memory_in_any_way() -> None:
    grays = RANDOM.integers(0, 1 << 16, (40, 60), dtype=np.uint16)
    colors = RANDOM.integers(0, 256, (40, 60, 3), dtype=np.uint8)

    for pixels in (grays[::2, ::-1], grays.T, grays.astype(">u2"), colors[:, ::3]):
        assert np.array_equal(np.asarray(opened(png_bytes(pixels, {}))), pixels)


def test_texts_are_read_back() -> None:
    texts = {"featherdepth": '{"unit": "m"}', "Comment": "Überlänge 深度"}

    picture = opened(png_bytes(np.zeros((2, 2), np.uint16), texts))

    assert picture.text == texts


@pytest.mark.parametrize("size", [(256, 320), (1200, 1600)])
def test_a_smooth_map_takes_no_more_room_than_pillow_gives_it(size: tuple[int, int]) -> None:
    down, across = np.mgrid[: size[0], : size[1]] / 100
    noise = RANDOM.normal(0, 8 if size[0] * size[1] <= SMALL else 0.5, size)
    pixels = (30000 + 9000 * np.sin(down) * np.cos(across) + noise).astype(np.uint16)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(
        buffer, "png", compress_level=1, compress_type=zlib.Z_DEFAULT_STRATEGY
    )

    assert len(png_bytes(pixels, {})) < 1.06 * len(buffer.getvalue())
