"""The ResNet-50 encoder computes its formula."""

import torch
import torch.nn.functional as F

from featherdepth.networks.resnet import Bottleneck, ResNet50


def norm(weights, name, x):
    mean, var, weight, bias = (
        weights[f"{name}.{key}"][:, None, None]
        for key in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias


def test_a_block_has_its_stride_on_the_3x3_and_projects_its_input(randomized, noise):
    block = randomized(Bottleneck(3, 2, 2))
    x, weights = noise(1, 3, 6, 8), block.state_dict()

    y = norm(weights, "bn1", F.conv2d(x, weights["conv1.weight"])).clamp(min=0)
    y = F.conv2d(y, weights["conv2.weight"], stride=2, padding=1)
    y = norm(weights, "bn2", y).clamp(min=0)
    y = norm(weights, "bn3", F.conv2d(y, weights["conv3.weight"]))
    skip = norm(weights, "downsample.1", F.conv2d(x, weights["downsample.0.weight"], stride=2))

    torch.testing.assert_close(block(x), (y + skip).clamp(min=0))


def test_a_block_of_equal_sizes_adds_its_input_as_it_is(randomized, noise):
    block = randomized(Bottleneck(8, 2, 1))
    x = noise(1, 8, 4, 4)
    for parameter in block.bn3.parameters():
        parameter.data.zero_()

    torch.testing.assert_close(block(x), x.clamp(min=0))


def test_the_stem_is_a_7x7_and_a_3x3_pool(randomized, noise):
    encoder = randomized(ResNet50())
    x, weights = noise(1, 3, 32, 64), encoder.state_dict()
    seen = []
    encoder.layer1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))

    maps = encoder(x)

    y = norm(weights, "bn1", F.conv2d(x, weights["conv1.weight"], stride=2, padding=3))
    y = F.max_pool2d(y.clamp(min=0), 3, 2, padding=1)
    torch.testing.assert_close(seen[0], y)
    assert [tuple(m.shape[1:]) for m in maps] == [
        (256, 8, 16),
        (512, 4, 8),
        (1024, 2, 4),
        (2048, 1, 2),
    ]
