"""EfficientNet-lite pads as TensorFlow does and keeps its own BatchNorm constants."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from featherdepth.networks.efficientnet_lite import (
    EfficientNetLite,
    InvertedResidual,
    SameConv2d,
    pad_same,
)


@pytest.mark.parametrize(
    ("size", "kernel", "before", "after"),
    [(4, 3, 0, 1), (5, 3, 1, 1), (4, 5, 1, 2), (5, 5, 2, 2)],
)
def test_an_even_size_is_padded_on_the_far_side(size, kernel, before, after):
    ones = torch.ones(1, 1, size, size)

    row = pad_same(ones, kernel)[0, 0, size // 2]

    assert row.tolist() == [0] * before + [1] * size + [0] * after


@pytest.mark.parametrize(
    ("size", "kernel", "seen"),
    [
        (6, 3, [1, 3, 5]),  # windows 0..2, 2..4, 4..6: their centres
        (6, 5, [1, 3, 5]),
        (5, 3, [0, 2, 4]),
        (5, 5, [0, 2, 4]),
    ],
)
def test_stride_2_looks_at_the_pixels_tensorflow_looks_at(size, kernel, seen):
    conv = SameConv2d(1, 1, kernel, 2, kernel // 2, bias=False)
    conv.weight.data.zero_()
    conv.weight.data[0, 0, kernel // 2, kernel // 2] = 1
    ramp = torch.arange(float(size)).expand(1, 1, size, size)

    assert conv(ramp)[0, 0, 0].tolist() == seen


@pytest.mark.parametrize("size", [(64, 96), (65, 97), (61, 90)])
def test_maps_are_a_quarter_to_a_32nd_rounded_up(size):
    maps = EfficientNetLite("lite0").eval()(torch.zeros(1, 3, *size))

    for i, features in enumerate(maps):
        stride = 4 << i
        assert features.shape[-2:] == tuple(-(-edge // stride) for edge in size)


@pytest.mark.parametrize(
    ("variant", "channels", "taps"),
    [("lite0", (24, 40, 112, 320), (2, 4, 10, 15)), ("lite2", (24, 48, 120, 352), (3, 6, 14, 20))],
)
def test_the_four_maps_are_those_of_the_stated_blocks(variant, channels, taps):
    encoder = EfficientNetLite(variant)

    assert (encoder.channels, encoder.taps) == (channels, taps)


def test_batchnorm_keeps_the_constants_of_the_pretraining():
    norms = [m for m in EfficientNetLite("lite2").modules() if isinstance(m, nn.BatchNorm2d)]

    assert {(m.eps, m.momentum) for m in norms} == {(1e-3, 0.01)}


@pytest.mark.parametrize(("outputs", "stride"), [(3, 1), (3, 2), (4, 1)])
def test_a_block_equals_its_formula(randomized, noise, outputs, stride):
    block = randomized(InvertedResidual(3, outputs, 5, stride, 2))
    x = noise(2, 3, 6, 8)
    weights = block.state_dict()

    def norm(name, x):
        mean, var, weight, bias = (
            weights[f"{name}.bn.{key}"][:, None, None]
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / torch.sqrt(var + 1e-3) * weight + bias

    y = norm("expand", F.conv2d(x, weights["expand.conv.weight"])).clamp(0, 6)
    y = F.pad(y, (2, 2, 2, 2) if stride == 1 else (1, 2, 1, 2))
    y = F.conv2d(y, weights["depthwise.conv.weight"], stride=stride, groups=6)
    y = norm("project", F.conv2d(norm("depthwise", y).clamp(0, 6), weights["project.conv.weight"]))

    torch.testing.assert_close(block(x), y + x if (outputs, stride) == (3, 1) else y)
