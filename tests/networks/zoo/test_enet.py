"""ENet computes what its authors' code computes."""

import pytest
import torch

from featherdepth.networks.build import build_network
from featherdepth.networks.zoo.layers import draw_normal


@pytest.fixture(scope="module")
def maps(large, fill_by_rule, scene):
    enet = fill_by_rule(large.backbone)  # the rule sees names: here without `backbone.`
    with torch.no_grad():
        return enet.maps(*scene)


@pytest.mark.parametrize(
    ("name", "mean", "deviation", "largest", "at"),
    [
        ("rgb_depth", 0.370229192, 4.182782404, 66.769326639, (1, 83)),
        ("sparse_depth", 1.395005670, 5.486755616, 89.700154524, (3, 85)),
        ("depth", 0.216572262, 2.332194953, 37.254103036, (1, 7)),
    ],
)
def test_weights_by_rule_give_the_known_maps(
    maps, statistics, nine_digits, name, mean, deviation, largest, at
):
    *numbers, place = statistics(getattr(maps, name))

    assert numbers == nine_digits(mean, deviation, largest)
    assert place == at


def test_names_and_shapes_are_those_of_the_released_file(released_shapes):
    with torch.device("meta"):
        network = build_network("enet")

    assert {k: list(v.shape) for k, v in network.state_dict().items()} == released_shapes["enet"]


def test_forward_gives_the_fused_depth_and_the_frame_defaults_to_the_input(large, scene, maps):
    with torch.no_grad():
        whole = large.backbone(*scene, (64, 96))
        other = large.backbone(*scene, (128, 192))

    assert torch.equal(whole, maps.depth)
    assert not torch.allclose(other, maps.depth)


def test_features_are_the_decoders_last_two_scales(maps):
    assert maps.full.shape == (1, 64, 64, 96)
    assert maps.half.shape == (1, 128, 32, 48)


@pytest.mark.parametrize("size", [(48, 96), (64, 90)])
def test_a_size_that_is_no_multiple_of_32_is_refused(large, size):
    with pytest.raises(ValueError, match=rf"{size[0]}x{size[1]}.*multiples of 32"):
        large.backbone(*(t.double() for t in large.backbone.example_inputs(*size)))


def test_fresh_convolutions_have_the_published_spread():
    with torch.device("meta"):
        network = build_network("enet")
    up = network.decoder_layer4[0].to_empty(device="cpu")  # transposed, 128 to 64, 5x5
    down = network.depth_layer3.conv1.to_empty(device="cpu")  # 131 to 128, 3x3

    with torch.random.fork_rng():
        torch.manual_seed(0)
        draw_normal(torch.nn.ModuleList([up, down]))

    assert up.weight.std().item() == pytest.approx((2 / (25 * 128)) ** 0.5, rel=0.01)
    assert down.weight.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.01)
