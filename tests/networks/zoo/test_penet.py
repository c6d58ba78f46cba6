"""PENet C2 computes what its authors' code computes, without the memory that it takes there."""

import torch

from featherdepth.networks.build import build_network
from featherdepth.networks.zoo.cspn import one_hot_kernel


def test_weights_by_rule_give_the_known_depth(large, fill_by_rule, scene, statistics, nine_digits):
    with torch.no_grad():
        depth = fill_by_rule(large)(*scene)

    *numbers, place = statistics(depth)
    assert numbers == nine_digits(1.806045919, 3.011159381, 24.505264729)
    assert place == (28, 0)


def test_names_and_shapes_are_those_of_the_released_file(released_shapes):
    with torch.device("meta"):
        network = build_network("penet-c2")

    shapes = {k: list(v.shape) for k, v in network.state_dict().items()}
    assert shapes == released_shapes["penet-c2"]


def test_the_fixed_kernels_are_no_parameters():
    with torch.device("meta"):
        network = build_network("penet-c2")

    fixed = {name for name, _ in network.named_buffers(recurse=False)}
    assert fixed == {"encoder3", "encoder5", "encoder7"}
    assert sum(network.get_buffer(name).numel() for name in fixed) == 134_003
    assert network.encoder5.shape == one_hot_kernel(5).shape
