"""python -m tools.pointnet.balance PHOTOS -o FILE.json: which weight makes the features count.

Norms of the gradient on the weights of the embedded `small`, whose teacher is its own output with a
smooth error added, for each term of the label-free loss. `lambda_feat` is the weight at which
features pull as hard as the channel-wise loss. A norm on the map itself would not do: the pooled
features pull at the few points that win a channel, which the network then averages.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32
from torch import Tensor, nn

from featherdepth.geometry.resize import resize_pixels
from featherdepth.images.atomic import write_atomic
from featherdepth.images.find import find_images
from featherdepth.images.read import read_image
from featherdepth.losses.channel_kl import ChannelKL
from featherdepth.losses.geometric import Geometric
from featherdepth.networks.weights import load_model
from featherdepth.runtime.presets import EMBEDDED
from featherdepth.types import DepthKind

SIZE = (192, 256)
ERRORS = (0.1, 0.3)
"""Standard deviation of what is added, in that of the map."""
Trunk = Literal["trained", "random"]


def balance(photos: list[Path]) -> dict[str, Any]:
    """Gradient norms by error and term; terms are unweighted."""
    network = load_model(EMBEDDED / "small")[1]  # in eval mode: statistics stay
    pixels = [resize_pixels(read_image(path).pixels, SIZE) for path in photos]
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255
    student = network(images)
    valid = torch.ones_like(student, dtype=torch.bool)
    rows = {}
    for error in ERRORS:
        teacher = _worsened(student.detach(), error)
        row = {"channel_kl": _norm(ChannelKL(ChannelKL.Config())(student, teacher, valid), network)}
        for trunk in get_args(Trunk):
            terms = _geometric(student, teacher, trunk)
            row["points"] = _norm(terms["geometric_points"], network)
            row[f"features_{trunk}"] = _norm(terms["geometric_features"], network)
            row[f"lambda_feat_{trunk}_equal"] = row["channel_kl"] / row[f"features_{trunk}"]
        row["lambda_in_equal"] = row["channel_kl"] / row["points"]
        rows[f"error {error}"] = row
    return {"photos": len(photos), "size": list(SIZE), "gradient_norms": rows}


def _worsened(maps: Float32[Tensor, "b 1 h w"], error: float) -> Float32[Tensor, "b 1 h w"]:
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(len(maps), 1, 8, 8, generator=generator)
    noise = F.interpolate(noise, maps.shape[2:], mode="bicubic", align_corners=False)
    spread = maps.std(dim=(2, 3), keepdim=True) / noise.std(dim=(2, 3), keepdim=True)
    return maps + error * spread * noise


def _geometric(
    student: Float32[Tensor, "b 1 h w"], teacher: Float32[Tensor, "b 1 h w"], trunk: Trunk
) -> dict[str, Tensor]:
    config = Geometric.Config(lambda_in=1.0, lambda_feat=1.0, trunk=trunk)
    loss = Geometric(config, kind=DepthKind.AFFINE_INVARIANT)
    valid = torch.ones_like(teacher, dtype=torch.bool)
    generators = [torch.Generator().manual_seed(k) for k in range(len(teacher))]
    pixels = loss.draw_pixels(teacher, valid, generators)
    rays = loss.rays_at(np.full((len(teacher), 4), np.nan), SIZE, pixels)
    terms: dict[str, Tensor] = loss(student, teacher, valid, rays, pixels)
    return terms


def _norm(values: Float32[Tensor, " b"], network: nn.Module) -> float:
    weights = [p for p in network.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(values.mean(), weights, retain_graph=True)
    return float(torch.stack([g.square().sum() for g in gradients]).sum().sqrt())


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    figures = balance([found.path for found in find_images([options.photos])])
    write_atomic(options.output, (json.dumps(figures, indent=1, sort_keys=True) + "\n").encode())
    print(json.dumps(figures["gradient_norms"], indent=1))


if __name__ == "__main__":
    main()
