"""Whole depth networks: sizes, features, gradients, normalization."""

import pytest
import torch

from featherdepth.networks.build import build_network
from featherdepth.networks.depthnet import DepthNet

STUDENTS = ["base", "fast", "small", "topformer-lite"]


@pytest.mark.parametrize("name", STUDENTS)
def test_every_parameter_gets_a_gradient(name):
    network = build_network(name).train()
    for key, tensor in network.state_dict().items():
        if key.endswith("proj.1.bn.weight"):
            tensor.fill_(1.0)  # zero at the start, which shuts the attention branch
    generator = torch.Generator().manual_seed(0)

    with torch.random.fork_rng():
        torch.manual_seed(0)  # drop path draws from the global generator
        network(torch.rand(4, 3, 128, 128, generator=generator)).square().mean().backward()

    idle = [k for k, p in network.named_parameters() if p.grad is None or not p.grad.abs().max()]
    assert not idle


@pytest.mark.parametrize("name", STUDENTS)
@pytest.mark.parametrize("size", [(64, 128), (32, 96)])
def test_the_map_has_the_size_of_the_image_at_every_multiple_of_32(name, size):
    network = build_network(name).eval()

    with torch.no_grad():
        depth, features = network.features(torch.rand(1, 3, *size))

    assert depth.shape == (1, 1, *size)
    for key, value in features.items():
        stride = int(key[3:])
        assert value.shape[-2:] == (size[0] // stride, size[1] // stride), key


def test_features_have_the_stated_names_and_channels():
    network = build_network("base").eval()

    with torch.no_grad():
        _, features = network.features(torch.rand(1, 3, 64, 64))

    assert {key: value.shape[1] for key, value in features.items()} == {
        "enc4": 64,
        "enc8": 128,
        "enc16": 256,
        "enc32": 256,
        "dec16": 224,
        "dec8": 160,
        "dec4": 128,
        "dec2": 128,
    }


@pytest.mark.parametrize("size", [(33, 64), (64, 48)])
def test_another_size_is_refused_and_not_cropped(size):
    with pytest.raises(ValueError, match="multiples of 32"):
        build_network("fast")(torch.rand(1, 3, *size))


def test_normalization_is_the_first_layer_and_travels_with_the_weights():
    network = build_network("small", mean=(0.1, 0.2, 0.3), std=(0.5, 0.5, 2.0))
    image = torch.tensor([0.6, 0.7, 2.3]).reshape(1, 3, 1, 1)

    normalized = network.normalize(image)

    torch.testing.assert_close(normalized.flatten(), torch.ones(3))
    state = network.state_dict()
    assert list(state)[:2] == ["normalize.mean", "normalize.std"]
    assert state["normalize.mean"].shape == (1, 3, 1, 1)


@pytest.mark.parametrize(
    ("name", "mean", "std"),
    [
        ("small", [127 / 255] * 3, [128 / 255] * 3),
        ("efficientnet-lite2-ffm", [127 / 255] * 3, [128 / 255] * 3),
        ("base", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ("leres-resnet50", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ],
)
def test_mean_and_std_default_to_those_of_the_encoders_pretraining(name, mean, std):
    normalize = build_network(name).normalize

    assert normalize.mean.flatten().tolist() == pytest.approx(mean)
    assert normalize.std.flatten().tolist() == pytest.approx(std)


def test_a_topformer_without_injection_is_refused():
    with pytest.raises(ValueError, match="inject is needed"):
        DepthNet(encoder="topformer-base", decoder="lite", widths=(96, 128, 160))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "multiple"), [("fast", 64), ("small", 32)])
def test_the_forward_pass_traces_with_free_height_and_width(name, multiple):
    network = build_network(name).eval()
    height, width = torch.export.Dim("height", max=64), torch.export.Dim("width", max=64)
    example, other = torch.rand(1, 3, 128, 192), torch.rand(1, 3, 192, 320)

    program = torch.export.export(
        network, (example,), dynamic_shapes=({2: multiple * height, 3: multiple * width},)
    )

    with torch.no_grad():
        torch.testing.assert_close(program.module()(other), network(other))
