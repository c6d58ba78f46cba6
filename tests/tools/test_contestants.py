"""What is timed beside our own networks is what people know by those names."""

import torch
from benchmarks.contestants import MidasSmall
from benchmarks.neighbourhood import late_head

from featherdepth.networks.build import build_network
from featherdepth.networks.counting import count_params


def test_midas_small_has_the_published_size() -> None:
    network = MidasSmall().eval()

    with torch.inference_mode():
        depth = network(torch.rand(1, 3, MidasSmall.size, MidasSmall.size))

    assert count_params(network) == 21_320_545  # published: 21 M, a file of 85.7 MB
    assert depth.shape == (1, 1, 256, 256)
    assert network.encoder.channels == (32, 48, 136, 384)


def test_a_late_head_looks_at_half_of_the_size() -> None:
    network = build_network("small").eval()
    late_head(network)
    seen = []
    network.decoder.head[3].register_forward_hook(
        lambda _, inputs, __: seen.append(inputs[0].shape)
    )

    with torch.inference_mode():
        depth = network.eval()(torch.rand(1, 3, 64, 96))

    assert depth.shape == (1, 1, 64, 96)
    assert seen == [(1, 48, 32, 48)]
