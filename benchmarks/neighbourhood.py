"""Networks around `small`: what decoder widths, encoder, head and input size cost.

    python -m benchmarks.neighbourhood -o docs/results/neighbourhood.json --threads 2

One interleaved run with random weights, OpenVINO in float32; what is not changed is as in `small`
with its own input of 256x320.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from benchmarks.contestants import openvino_call
from torch import nn

from featherdepth.evaluation.speed.measure import Contestant, measure
from featherdepth.images.atomic import write_atomic
from featherdepth.networks.blocks import ConvBN
from featherdepth.networks.build import build_network
from featherdepth.networks.counting import count_macs, count_params

SIZE = (256, 320)


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbor:
    """A network that differs from `small` in one thing."""

    network: str = "small"
    settings: dict[str, Any] = field(default_factory=dict)
    change: Callable[[nn.Module], None] | None = None
    size: tuple[int, int] = SIZE


def late_head(network: nn.Module) -> None:
    """The head's last convolution at half of the size, where `small` has it at a quarter."""
    head: Any = network.decoder.head  # type: ignore[union-attr]
    first, last, _ = head
    width = last.in_channels
    network.decoder.head = nn.Sequential(  # type: ignore[union-attr]
        first,
        nn.Upsample(scale_factor=2, mode="bilinear"),
        ConvBN(width, width, 3, act=nn.ReLU()),
        last,
        nn.Upsample(scale_factor=2, mode="bilinear"),
    )


NEIGHBORS = {
    "small": Neighbor(),
    "widths 48, 64, 96": Neighbor(settings={"widths": [48, 64, 96]}),
    "widths 64, 96, 128": Neighbor(settings={"widths": [64, 96, 128]}),
    "widths 128, 160, 224": Neighbor(settings={"widths": [128, 160, 224]}),
    "head at half of the size": Neighbor(change=late_head),
    "encoder EfficientNet-lite2": Neighbor(settings={"encoder": "efficientnet-lite2"}),
    "encoder of base": Neighbor(network="topformer-lite"),
    "input 192x256": Neighbor(size=(192, 256)),
    "input 320x448": Neighbor(size=(320, 448)),
    "input 384x512": Neighbor(size=(384, 512)),
    "input 448x576": Neighbor(size=(448, 576)),
}
"""By what is changed."""


def contestant(name: str, neighbor: Neighbor, threads: int) -> Contestant:
    """A neighbor, to be timed."""
    network = build_network(neighbor.network, neighbor.settings).eval()
    if neighbor.change is not None:
        neighbor.change(network)
        network.eval()
    batch = torch.rand(1, 3, *neighbor.size)
    return Contestant(
        name=name,
        call=openvino_call(network, batch, threads),
        precision="fp32",
        macs=float(count_macs(network, neighbor.size)),
        facts={"params": count_params(network), "input": list(neighbor.size)},
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    field = [contestant(name, one, options.threads) for name, one in NEIGHBORS.items()]
    document = measure(field, rounds=options.rounds, warmup=options.warmup, threads=options.threads)
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    write_atomic(options.output, text.encode())
    for row in document["rows"]:
        print(f"{row['name']}: {row['median_ms']:.1f} ms, share {row.get('share') or 0:.2f}")


if __name__ == "__main__":
    main()
