"""NLSPN computes what its authors' code computes, at any size."""

import pytest
import torch

from featherdepth.errors import UsageError
from featherdepth.networks.build import build_network
from featherdepth.networks.counting import count_params


@pytest.fixture(scope="module")
def inputs(scene):
    rgb, sparse, _, _ = scene
    return (rgb / 127.5 - 1)[..., :40, :56], sparse[..., :40, :56]


@pytest.fixture(scope="module")
def network(fill_by_rule):
    return fill_by_rule(build_network("nlspn").double())


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [
        ("initial", -0.215060242, 0.095156364),
        ("guidance", -0.075136319, 1.408294804),
        ("confidence", 0.193549269, 0.101355652),
    ],
)
def test_weights_by_rule_give_the_known_estimate(
    network, inputs, statistics, nine_digits, name, mean, deviation
):
    with torch.no_grad():
        found = getattr(network.estimate(*inputs), name)

    assert statistics(found)[:2] == nine_digits(mean, deviation)


@pytest.mark.parametrize(
    ("variant", "numbers", "place"),
    [
        ("published", (0.824871171, 1.685332112, 7.100339757), (3, 29)),
        ("legacy", (1.178153093, 2.027721514, 7.198460021), (36, 48)),
    ],
)
def test_weights_by_rule_give_the_known_depth(
    fill_by_rule, inputs, statistics, nine_digits, variant, numbers, place
):
    network = fill_by_rule(build_network("nlspn", {"variant": variant}).double())

    with torch.no_grad():
        *found, at = statistics(network(*inputs))

    assert found == nine_digits(*numbers)
    assert at == place


def test_the_default_is_what_the_released_weights_need():
    layer = build_network("nlspn", {"blocks": (1, 1, 1, 1)}).prop_layer

    assert (layer.steps_of_confidence, layer.steps_of_depth) == (1, 2)
    assert layer.preserve_input


def test_names_and_shapes_are_those_of_the_released_file(released_shapes):
    with torch.device("meta"):
        network = build_network("nlspn")

    assert {k: list(v.shape) for k, v in network.state_dict().items()} == released_shapes["nlspn"]


def test_the_smaller_version_has_its_stated_parameters():
    with torch.device("meta"):
        network = build_network("nlspn", {"blocks": [2, 2, 2, 2]})

    constants = sum(network.prop_layer.get_buffer(name).numel() for name in ("w", "b", "w_conf"))
    assert count_params(network) + constants == 16_123_630


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 23), (33, 32)])
def test_every_size_is_kept(network, noise, size):
    with torch.no_grad():
        depth = network(noise(2, 3, *size), noise(2, 1, *size).clamp(min=0))

    assert depth.shape == (2, 1, *size)
    assert torch.isfinite(depth).all()
    assert depth.min() >= 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "old"}, "known: legacy, published, consistent"),
        ({"blocks": (3, 4, 6)}, "4 counts from 1"),
        ({"blocks": (3, 4, 6, 0)}, "4 counts from 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        build_network("nlspn", settings)
