"""The fusion decoder computes what the reference computes, its rectified skip included."""

import pytest
import torch
import torch.nn.functional as F

from featherdepth.networks.ffm_decoder import (
    FFMDecoder,
    FusionModule,
    OutputHead,
    TransferBlock,
)


def conv(weights, name, x):
    return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)


def norm(weights, name, x):
    w = {k: weights[f"{name}.{k}"][:, None, None] for k in ("weight", "bias")}
    mean = weights[f"{name}.running_mean"][:, None, None]
    var = weights[f"{name}.running_var"][:, None, None]
    return (x - mean) / torch.sqrt(var + 1e-5) * w["weight"] + w["bias"]


def transfer(weights, x, prefix=""):
    x = conv(weights, prefix + "conv1", x).clamp(min=0)
    y = conv(weights, prefix + "conv_branch.1", x)
    y = norm(weights, prefix + "conv_branch.2", y).clamp(min=0)
    y = conv(weights, prefix + "conv_branch.4", y)
    return (x + y).clamp(min=0)


def doubled(x):
    """Bilinear to twice the size, corners on corners, by two matrices of weights."""

    def matrix(n):
        at = torch.arange(2 * n, dtype=torch.float64) * (n - 1) / (2 * n - 1)
        return (1 - (at[:, None] - torch.arange(n)).abs()).clamp(min=0)

    return matrix(x.shape[-2]) @ x @ matrix(x.shape[-1]).T


def test_the_skip_is_rectified_before_it_is_added():
    # One pixel, one channel: conv1 gives -2, so x = 0; the branch gives its last bias, 3.
    block = TransferBlock(1, 1).eval()
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    block.conv1.bias.data.fill_(-2.0)
    block.conv_branch[4].bias.data.fill_(3.0)

    value = block(torch.zeros(1, 1, 1, 1))

    assert value.item() == 3.0  # relu(-2 + 3) = 1 with a skip that is not rectified


def test_a_transfer_block_equals_its_formula(randomized, noise):
    block = randomized(TransferBlock(3, 4))
    x = noise(2, 3, 5, 6)

    torch.testing.assert_close(block(x), transfer(block.state_dict(), x))


def test_fusion_adds_the_higher_map_and_doubles_the_size(randomized, noise):
    module = randomized(FusionModule(3, 4, 2))
    low = noise(1, 3, 4, 6)
    high = noise(1, 4, 4, 6)
    weights = module.state_dict()

    expected = doubled(transfer(weights, transfer(weights, low, "ftb1.") + high, "ftb2."))

    torch.testing.assert_close(module(low, high), expected)


def test_upsampling_keeps_corners_on_corners():
    up = FusionModule(1, 1, 1).upsample

    row = up(torch.tensor([[[[0.0, 3.0], [0.0, 3.0]]]]))[0, 0, 0]

    torch.testing.assert_close(row, torch.tensor([0.0, 1.0, 2.0, 3.0]))


def test_the_head_equals_its_formula_and_is_unbounded(randomized, noise):
    head = randomized(OutputHead(4))
    x = 10 * noise(1, 4, 3, 5)
    weights = head.state_dict()

    y = norm(weights, "adapt_conv.1", conv(weights, "adapt_conv.0", x)).clamp(min=0)
    expected = doubled(conv(weights, "adapt_conv.3", y))

    torch.testing.assert_close(head(x), expected)
    assert head(x).min() < 0 < head(x).max()


def test_the_decoder_joins_its_levels_from_the_coarsest_up(randomized, noise):
    decoder = randomized(FFMDecoder((3, 4, 5, 6), (4, 5, 6, 7)))
    maps = [noise(1, 3 + i, 16 >> i, 24 >> i) for i in range(4)]
    weights = decoder.state_dict()

    x = doubled(conv(weights, "conv1", transfer(weights, maps[3], "conv.")))
    named = {"dec16": x}
    for level, name in ((2, "dec8"), (1, "dec4"), (0, "dec2")):
        x = transfer(weights, maps[level], f"ffm{level}.ftb1.") + x
        x = named[name] = doubled(transfer(weights, x, f"ffm{level}.ftb2."))
    x = norm(weights, "outconv.adapt_conv.1", conv(weights, "outconv.adapt_conv.0", x))
    expected = doubled(conv(weights, "outconv.adapt_conv.3", x.clamp(min=0)))

    depth, features = decoder(maps)

    torch.testing.assert_close(depth, expected)
    assert depth.shape == (1, 1, 64, 96)
    assert list(features) == list(named)
    for name, value in named.items():
        torch.testing.assert_close(features[name], value)


def test_fresh_convolutions_are_small_and_unbiased():
    decoder = FFMDecoder((8, 8, 8, 8), (64, 64, 64, 64))

    assert decoder.conv1.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert decoder.conv1.bias.abs().max() == 0


def test_a_wrong_number_of_widths_is_refused():
    with pytest.raises(ValueError, match="4 widths"):
        FFMDecoder((8, 8, 8, 8), (64, 64, 64))
