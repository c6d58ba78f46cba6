"""The light decoder computes its formula, with half-pixel centres."""

import pytest
import torch
import torch.nn.functional as F

from featherdepth.networks.lite_decoder import LiteDecoder


def layer(weights, name, x):
    """relu(bn(conv(x)))"""
    kernel = weights[f"{name}.conv.weight"]
    x = F.conv2d(x, kernel, padding=kernel.shape[-1] // 2)
    mean, var, weight, bias = (
        weights[f"{name}.bn.{key}"][:, None, None]
        for key in ("running_mean", "running_var", "weight", "bias")
    )
    return ((x - mean) / torch.sqrt(var + 1e-5) * weight + bias).clamp(min=0)


def enlarged(x, factor):
    """Bilinear with half-pixel centres, edges repeated, by two matrices of weights."""

    def matrix(n):
        at = ((torch.arange(factor * n, dtype=torch.float64) + 0.5) / factor - 0.5).clamp(0, n - 1)
        return (1 - (at[:, None] - torch.arange(n)).abs()).clamp(min=0)

    return matrix(x.shape[-2]) @ x @ matrix(x.shape[-1]).T


def test_the_decoder_equals_its_formula(randomized, noise):
    decoder = randomized(LiteDecoder((3, 4, 5, 6), (8, 6, 5)))
    maps = [noise(2, 3 + i, 16 >> i, 24 >> i) for i in range(4)]
    weights = decoder.state_dict()

    dec16 = enlarged(layer(weights, "top", maps[3]), 2)
    dec8 = enlarged(layer(weights, "fuse.2", layer(weights, "lateral.2", maps[2]) + dec16), 2)
    dec4 = enlarged(layer(weights, "fuse.1", layer(weights, "lateral.1", maps[1]) + dec8), 2)
    fused = layer(weights, "fuse.0", layer(weights, "lateral.0", maps[0]) + dec4)
    head = layer(weights, "head.0", fused)
    head = F.conv2d(head, weights["head.1.weight"], weights["head.1.bias"], padding=1)

    depth, features = decoder(maps)

    torch.testing.assert_close(depth, enlarged(head, 4))
    assert depth.shape == (2, 1, 64, 96)
    for name, expected in (("dec16", dec16), ("dec8", dec8), ("dec4", dec4)):
        torch.testing.assert_close(features[name], expected)


def test_upsampling_has_half_pixel_centres():
    up = LiteDecoder((1, 1, 1, 1), (2, 2, 2)).up

    row = up(torch.tensor([[[[0.0, 4.0], [0.0, 4.0]]]]))[0, 0, 0]

    torch.testing.assert_close(row, torch.tensor([0.0, 1.0, 3.0, 4.0]))


def test_a_wrong_number_of_widths_is_refused():
    with pytest.raises(ValueError, match="3 widths"):
        LiteDecoder((8, 8, 8, 8), (64, 64, 64, 64))
