"""Photos enter the network at a bounded size, and come out where they were."""

import numpy as np
import pytest

from featherdepth.runtime.fit import fit
from featherdepth.runtime.model import DepthModel
from featherdepth.types import DepthKind, Image, Preset

PRESET = Preset(
    name="red",
    network="small",
    kind=DepthKind.AFFINE_INVARIANT,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    params=0,
    macs=0,
    license="",
)


def slope(height: int, width: int) -> np.ndarray:
    """Red grows to the right and downwards, the same everywhere."""
    rows, columns = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)[None]
    red = np.rint(100 * rows + 100 * columns + 20)
    return np.repeat(red[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    "size", [(300, 400), (400, 300), (100, 400), (90, 900), (900, 90), (40, 2000), (500, 61)]
)
def test_a_network_that_returns_red_gives_the_red_of_the_photo(size: tuple[int, int]) -> None:
    model = DepthModel(PRESET, lambda x: x[:, :1].copy(), backend="onnx", precision="fp32")
    photo = slope(*size)
    photo[..., 1:] = 7

    depth = model.infer(photo)

    red = photo[..., 0] / np.float32(255)
    # Grey levels are rounded twice; a window that is off by one row would cost 1 level or more.
    assert np.abs(depth.values - red).mean() < 0.75 / 255


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        ((480, 640), (384, 512)),  # design: 640x480 gives 512x384
        ((100, 400), (256, 896)),  # 4:1 still fills the input
        ((100, 401), (320, 640)),  # beyond, 2:1
        ((401, 100), (640, 320)),
        ((1, 9000), (320, 640)),
    ],
)
def test_the_input_is_bounded_for_any_aspect(
    photo: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = Image(pixels=np.zeros((*photo, 3), dtype=np.uint8))

    pixels, window = fit(image, size=448, multiple=64, rule="keep")

    assert pixels.shape == (3, *expected) and pixels.dtype == np.float32
    inner = pixels[0][window].shape
    if max(photo) > 4 * min(photo):
        ratio = min(photo) / max(photo)
        assert min(inner) == max(1, round(ratio * max(inner)))


def test_a_pair_and_stretching_fill_the_input() -> None:
    image = Image(pixels=np.zeros((50, 900, 3), dtype=np.uint8))

    pair, window = fit(image, size=(64, 128), multiple=64, rule="keep")
    square, other = fit(image, size=448, multiple=64, rule="stretch")

    assert pair.shape == (3, 64, 128) and square.shape == (3, 448, 448)
    assert window == other == (slice(None), slice(None))


def test_around_a_strip_lie_its_own_borders() -> None:
    pixels = np.zeros((100, 1000, 3), dtype=np.uint8)
    pixels[50:] = 255

    laid, (rows, _) = fit(Image(pixels=pixels), size=448, multiple=64, rule="keep")

    assert (laid[:, : rows.start] == 0).all() and (laid[:, rows.stop :] == 1).all()
