"""Photos are prepared as the library's own image processors do it, without torchvision."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from featherdepth.distill.teachers.hub.preprocessing import read_preprocessing
from featherdepth.errors import UsageError, WeightsError

DPT = {
    "do_resize": True,
    "do_rescale": True,
    "do_normalize": True,
    "size": {"height": 70, "width": 70},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": 14,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
DINOV2_DPT = {  # pixels from 0 to 255, of the photo's own size, filled up with the mean color
    "do_resize": False,
    "do_rescale": False,
    "do_pad": True,
    "size_divisor": 14,
    "image_mean": [123.675, 116.28, 103.53],
    "image_std": [58.395, 57.12, 57.375],
}
ZOE = {
    "do_pad": True,
    "size": {"height": 96, "width": 128},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": 32,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
SIZES = [(96, 128), (128, 96), (60, 60), (301, 47), (50, 211), (480, 640)]


def network_input(table, habit, pixels):
    """What our steps hand to the network."""
    steps = read_preprocessing(table, habit, "t")
    ready = steps.prepare(pixels, steps.input_size(*pixels.shape[:2], None))
    return steps.pad(torch.from_numpy(ready)[None])[0].numpy()


def processor(name, **table):
    import transformers

    return getattr(transformers, name)(**table)


def assert_equal_to(reference, found):
    """To 1e-6 of the range of pixel values."""
    expected = np.asarray(reference)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-6 * max(1.0, np.ptp(expected))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resample", [0, 1, 2, 3])
def test_dpt_and_depth_anything(size, resample, photo):
    table = DPT | {"resample": resample}
    pixels = photo(*size)

    reference = processor("DPTImageProcessorPil", **table)(pixels, return_tensors="np")

    assert_equal_to(reference["pixel_values"], network_input(table, "dpt", pixels))


@pytest.mark.parametrize("size", SIZES)
def test_dpt_that_stretches(size, photo):
    table = DPT | {"keep_aspect_ratio": False, "ensure_multiple_of": 1, "resample": 2}
    pixels = photo(*size)

    reference = processor("DPTImageProcessorPil", **table)(pixels, return_tensors="np")

    assert_equal_to(reference["pixel_values"], network_input(table, "dpt", pixels))


@pytest.mark.parametrize("size", [(28, 42), (29, 41), (30, 56), (15, 13)])
def test_dpt_that_fills_up_to_a_divisor_with_pixels_of_0_to_255(size, photo):
    pixels = photo(*size)

    reference = processor("DPTImageProcessorPil", **DINOV2_DPT)(pixels, return_tensors="np")

    found = network_input(DINOV2_DPT, "dpt", pixels)
    assert_equal_to(reference["pixel_values"], found)
    assert found.shape[2] % 14 == found.shape[3] % 14 == 0


@pytest.mark.parametrize("size", SIZES)
def test_glpn(size, photo):
    table = {"do_rescale": True, "do_resize": True, "size_divisor": 32, "resample": 2}
    pixels = photo(*size)

    reference = processor("GLPNImageProcessorPil", **table)(pixels, return_tensors="np")

    found = network_input(table, "glpn", pixels)
    assert_equal_to(reference["pixel_values"], found)
    assert found.min() >= 0 and found.max() <= 1  # it does not normalize


@pytest.mark.parametrize("size", [size for size in SIZES if size != (301, 47)])
@pytest.mark.parametrize("resample", [2, 3])
def test_zoedepth_without_borders(size, resample, photo):
    table = ZOE | {"do_pad": False, "resample": resample}
    pixels = photo(*size)

    reference = processor("ZoeDepthImageProcessorPil", **table)(pixels, return_tensors="np")

    assert_equal_to(reference["pixel_values"], network_input(table, "zoedepth", pixels))


@pytest.mark.parametrize("size", [(96, 128), (128, 128), (96, 160)])
def test_zoedepth_with_borders_where_the_photo_has_the_size_of_the_network(size, photo):
    pixels = photo(*size)

    reference = processor("ZoeDepthImageProcessorPil", **ZOE)(pixels, return_tensors="np")

    assert reference["pixel_values"].shape[2:] == size
    assert_equal_to(reference["pixel_values"], network_input(ZOE, "zoedepth", pixels))


@pytest.mark.parametrize("size", SIZES)
def test_zoedepth_sees_any_photo_at_the_size_of_the_library(size, photo):
    pixels = photo(*size)

    reference = processor("ZoeDepthImageProcessorPil", **ZOE)(pixels, return_tensors="np")

    assert network_input(ZOE, "zoedepth", pixels).shape == reference["pixel_values"].shape


def test_the_borders_of_a_resized_photo_are_nearly_those_of_a_photo_of_480x640():
    # The library adds them first, 8.0 % a side; here they are 8.8 %.
    table = ZOE | {"size": {"height": 384, "width": 512}}
    smooth = np.linspace(0, 1, 480)[:, None] * np.linspace(0, 1, 640)
    pixels = np.repeat((255 * smooth).astype(np.uint8)[..., None], 3, axis=2)

    reference = processor("ZoeDepthImageProcessorPil", **table)(pixels, return_tensors="np")

    found = network_input(table, "zoedepth", pixels)
    assert found.shape == reference["pixel_values"].shape == (1, 3, 384, 512)
    assert np.abs(found - reference["pixel_values"]).mean() < 0.02  # of a range of 2


@pytest.mark.parametrize("size", SIZES)
def test_depth_pro_normalizes_then_stretches_without_antialiasing(size, photo):
    # Its processor needs torchvision, whose resize of float tensors is this interpolation.
    table = {
        "size": {"height": 64, "width": 64},
        "resample": 2,
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.5, 0.25, 0.2],
    }
    pixels = photo(*size)

    values = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    mean, std = (torch.tensor(table[k]).reshape(1, 3, 1, 1) for k in ("image_mean", "image_std"))
    expected = F.interpolate((values - mean) / std, (64, 64), mode="bilinear", antialias=False)

    found = network_input(table, "depth_pro", pixels)
    assert np.abs(found - expected.numpy()).max() < 3e-6  # of a range of 5


def test_keys_that_are_absent_are_those_of_the_library(photo):
    pixels = photo(100, 150)
    for name, habit in (("DPTImageProcessorPil", "dpt"), ("GLPNImageProcessorPil", "glpn")):
        reference = processor(name)(pixels, return_tensors="np")

        assert_equal_to(reference["pixel_values"], network_input({}, habit, pixels))


def test_a_picture_of_its_size_is_left_as_it_is(photo):
    steps = read_preprocessing(DPT | {"resample": 3}, "dpt", "t")
    pixels = photo(70, 98)

    assert np.array_equal(steps.prepare(pixels, (70, 98)) * 255, pixels.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("table", "habit", "photo_size", "asked", "expected"),
    [
        (DPT, "dpt", (480, 640), None, (70, 98)),  # 93.3 is nearer to 98 than to 84
        (DPT, "dpt", (480, 640), 140, (126, 168)),
        (DPT, "dpt", (480, 640), (140, 140), (140, 140)),
        (DPT, "dpt", (10, 4000), None, (14, 70)),  # the library would ask for no rows
        (DPT | {"keep_aspect_ratio": False}, "dpt", (480, 640), 140, (140, 140)),
        (DPT | {"ensure_multiple_of": 1}, "dpt", (480, 640), 128, (96, 160)),
        (DINOV2_DPT, "dpt", (481, 640), None, (481, 640)),
        (DINOV2_DPT, "dpt", (480, 640), 140, (126, 168)),
        (ZOE, "zoedepth", (480, 640), None, (96, 128)),
        (ZOE, "zoedepth", (480, 640), 64, (64, 64)),
        (ZOE | {"do_pad": False}, "zoedepth", (301, 47), None, (96, 32)),  # the library: no columns
        ({}, "glpn", (481, 650), None, (480, 640)),
        ({}, "glpn", (20, 650), None, (32, 640)),
        ({}, "glpn", (481, 650), 64, (64, 64)),
        ({"do_resize": False}, "glpn", (481, 650), None, (481, 650)),
        ({}, "depth_pro", (481, 650), None, (1536, 1536)),
        ({}, "depth_pro", (481, 650), (1536, 1536), (1536, 1536)),
    ],
)
def test_the_size_is_that_of_the_config_or_the_one_asked_for(
    table, habit, photo_size, asked, expected
):
    assert read_preprocessing(table, habit, "t").input_size(*photo_size, asked) == expected


@pytest.mark.parametrize(
    ("table", "habit", "asked", "words"),
    [
        (DPT, "dpt", (100, 140), "expected multiples of 14, such as 98x140"),
        ({}, "depth_pro", 512, "DepthPro sees every photo at 1536x1536, not at 512"),
    ],
)
def test_a_size_that_the_network_cannot_take_is_refused(table, habit, asked, words):
    with pytest.raises(UsageError, match=words):
        read_preprocessing(table, habit, "t").input_size(480, 640, asked)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"size": {"shortest_edge": 384}}, "expected a height and a width"),
        ({"image_std": [0.5, 0.5]}, "not enough values"),
        ({"image_std": [0.5, 0.5, 0]}, "must be above 0"),
        ({"resample": 17}, "17 is not a valid Resampling"),
        ({"ensure_multiple_of": 0}, "must be above 0"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(table, words):
    with pytest.raises(WeightsError, match=words):
        read_preprocessing(table, "dpt", "t")


@pytest.mark.parametrize(("table", "habit"), [(ZOE, "zoedepth"), (DINOV2_DPT, "dpt")])
def test_what_was_added_is_cut_off_again_in_place(table, habit):
    # A map that is the picture itself comes back as the picture.
    steps = read_preprocessing(table, habit, "t")
    rows = torch.linspace(0, 1, 96)[:, None].expand(96, 128)
    columns = torch.linspace(0, 1, 128).expand(96, 128)
    picture = torch.stack([rows, columns, rows])[None]

    inputs, around = steps.pad(picture)
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (steps.mean, steps.std))
    seen = (inputs * std + mean) / steps.scale

    assert any(around)
    for channel in (0, 1):
        back = steps.unpad(seen[:, channel], (96, 128))
        assert back.shape == (1, 96, 128)
        inner = slice(8, -8)
        assert (back - picture[:, channel])[:, inner, inner].abs().max() < 0.01


def test_borders_of_a_map_at_another_resolution_are_cut_at_the_same_place():
    steps = read_preprocessing(DINOV2_DPT, "dpt", "t")
    whole = torch.zeros(1, 42, 56)
    whole[:, 1:41, 3:53] = 1  # a picture of 40 x 50 in 42 x 56

    half = F.interpolate(whole[:, None], scale_factor=2, mode="nearest")[:, 0]

    back = steps.unpad(half, (40, 50))
    assert back.shape == (1, 40, 50)
    assert back.mean() > 0.97
