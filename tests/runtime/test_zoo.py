"""Published completion systems get what they were trained with, from photos of any size."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from featherdepth.errors import InputError, UsageError
from featherdepth.networks.build import build_network
from featherdepth.networks.foreign import Loaded
from featherdepth.runtime.zoo import PUBLISHED_CAMERA, ZooCompleter
from featherdepth.types import Intrinsics


class Echo(nn.Module):
    """Gives the sparse map back, 1 m farther, and keeps what it was asked."""

    def forward(self, rgb, sparse, *others):
        self.rgb, self.sparse, self.others = rgb, sparse, others
        return sparse + 1


def scene(height, width):
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    sparse = generator.uniform(1, 9, (height, width)) * (generator.random((height, width)) < 0.3)
    return pixels, sparse.astype(np.float32)


def completer(name, network=None):
    return ZooCompleter(name, Echo() if network is None else network, Loaded(loaded=0))


@pytest.mark.parametrize("name", ["enet", "penet-c2", "nlspn"])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 7), (33, 64), (64, 32), (100, 130)])
def test_every_size_comes_back_as_it_was(name, size):
    pixels, sparse = scene(*size)

    depth = completer(name).complete(pixels, sparse)

    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, sparse + 1)


def test_enet_sees_the_photo_as_bytes_reflected_and_the_sparse_map_with_zeros():
    pixels, sparse = scene(30, 40)
    echo = Echo()

    completer("enet", echo).complete(pixels, sparse)

    assert echo.rgb.shape == (1, 3, 32, 64)
    seen = echo.rgb[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(seen[:30, :40], pixels)
    np.testing.assert_array_equal(seen[30:32, :40], pixels[28:26:-1])
    np.testing.assert_array_equal(seen[:30, 40:63], pixels[:, 38:15:-1])
    np.testing.assert_array_equal(echo.sparse[0, 0, :30, :40], sparse)
    assert echo.sparse.count_nonzero() == np.count_nonzero(sparse)


def test_position_spans_the_photo_and_goes_on_over_the_padding():
    pixels, sparse = scene(30, 40)
    echo = Echo()

    completer("penet-c2", echo).complete(pixels, sparse)

    position, _, frame = echo.others
    columns, rows = position[0, 0], position[0, 1]
    np.testing.assert_allclose(columns[5, :40], np.linspace(-1, 1, 40), atol=1e-6)
    np.testing.assert_allclose(rows[:30, 5], np.linspace(-1, 1, 30), atol=1e-6)
    assert columns[0, 40].item() == pytest.approx(1 + 2 / 39)
    assert rows[31, 0].item() == pytest.approx(1 + 4 / 29)
    assert frame == (30, 40)


def camera_of(size, intrinsics=None):
    echo = Echo()
    completer("enet", echo).complete(*scene(*size), intrinsics)
    return echo.others[1][0].tolist()


def test_the_camera_is_the_one_given_at_the_size_of_the_photo():
    given = Intrinsics(fx=100.0, fy=120.0, cx=39.5, cy=29.5, height=60, width=80, source="given")

    assert camera_of((60, 80), given) == [[100, 0, 39.5], [0, 120, 29.5], [0, 0, 1]]
    assert camera_of((30, 40), given) == [[50, 0, 19.5], [0, 60, 14.5], [0, 0, 1]]


def test_without_a_camera_kitti_crops_get_the_published_one_and_others_60_degrees():
    kitti = camera_of((352, 1216))
    focal = 20 / math.tan(math.radians(30))

    assert kitti[0] == pytest.approx([721.5377, 0, 596.5593])
    assert kitti[1] == pytest.approx([0, 721.5377, 172.854 - 11.5])
    assert PUBLISHED_CAMERA.cx == pytest.approx(609.5593 - 13)
    assert camera_of((40, 50))[1] == pytest.approx([0, focal, 19.5])


def test_nlspn_sees_the_photo_normalized_for_imagenet_and_unpadded():
    pixels, sparse = scene(30, 41)
    echo = Echo()

    completer("nlspn", echo).complete(pixels, sparse)

    assert echo.rgb.shape == (1, 3, 30, 41)
    red, green, blue = pixels[4, 9] / 255
    expected = [(red - 0.485) / 0.229, (green - 0.456) / 0.224, (blue - 0.406) / 0.225]
    assert echo.rgb[0, :, 4, 9].tolist() == pytest.approx(expected, abs=1e-6)
    assert torch.equal(echo.sparse[0, 0], torch.from_numpy(sparse))
    assert echo.others == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 601.0])
def test_what_is_no_depth_is_refused_with_its_place(value):
    pixels, sparse = scene(8, 9)
    sparse[2, 3] = value

    with pytest.raises(InputError, match="at row 2, column 3; expected meters from 0") as caught:
        completer("enet").complete(pixels, sparse)

    assert "\n" not in str(caught.value)


def test_600_m_and_more_are_no_matter_where_nothing_is_pooled():
    pixels, sparse = scene(8, 9)
    sparse[2, 3] = 601

    assert completer("nlspn").complete(pixels, sparse)[2, 3] == 602


def test_a_sparse_map_of_another_size_is_refused():
    pixels, sparse = scene(8, 9)

    with pytest.raises(InputError, match="sparse depth is 9x8, the photo 8x9"):
        completer("enet").complete(pixels, np.ascontiguousarray(sparse.T))


def test_a_file_is_opened_by_its_reference(tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        source = build_network("nlspn").eval()
        nn.init.normal_(source.prop_layer.conv_offset_aff.weight, std=0.1)
    path = tmp_path / "n.pt"
    torch.save({"net": source.state_dict()}, path)
    pixels, sparse = scene(21, 34)

    opened = ZooCompleter.open(f"nlspn@{path}")
    other = ZooCompleter.open(f"nlspn@{path}", {"variant": "consistent"})

    assert (opened.name, opened.loaded.loaded) == ("nlspn", 274)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    rgb = torch.from_numpy((pixels / 255 - mean) / std).float().permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = source(rgb, torch.from_numpy(sparse)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(opened.complete(pixels, sparse), expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(other.complete(pixels, sparse), expected, rtol=1e-3)


def test_only_published_systems_are_opened(tmp_path):
    path = tmp_path / "res50.pth"
    path.write_bytes(b"")

    with pytest.raises(UsageError, match="expected enet@FILE, nlspn@FILE, penet-c2@FILE"):
        ZooCompleter.open(f"leres-resnet50@{path}")
