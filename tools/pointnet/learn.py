"""The network that tells how a cloud was distorted, and how well it does."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from tools.pointnet.distort import FAULTS, Clouds
from torch import Tensor, nn

from featherdepth.losses.pointnet import PointNet

WEIGHTS = {"shift": 1.0, "focal": 1.0, "noise": 2.0, "bend": 1.0}
"""Of the absolute errors; noise is small in its unit."""


class FaultFinder(nn.Module):
    """The trunk and a head that reads the pooled vector."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = PointNet()
        self.head = nn.Sequential(
            nn.Linear(1024, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, len(FAULTS))
        )

    def forward(self, points: Float[Tensor, "b n 3"]) -> Float[Tensor, "b 4"]:
        faults: Float[Tensor, "b 4"] = self.head(self.trunk(points).pooled)
        return faults


def losses(model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Absolute error of each fault, weighted."""
    error = (model(batch["points"]) - batch["faults"]).abs()
    return {name: WEIGHTS[name] * error[:, k] for k, name in enumerate(FAULTS)}


@torch.no_grad()
def mean_errors(
    model: nn.Module, clouds: Clouds, batches: int, faults: Sequence[str] = FAULTS
) -> dict[str, float]:
    """Mean absolute error of each fault on held-out scenes, and that of the best constant."""
    drawn = [clouds(step, 0, 1) for step in range(batches)]
    truth = torch.cat([batch["faults"] for batch in drawn])
    found = torch.cat([model(batch["points"]).cpu() for batch in drawn])
    error = (found - truth).abs().mean(dim=0)
    constant = (truth - truth.median(dim=0).values).abs().mean(dim=0)
    found_of = {name: float(error[k]) for k, name in enumerate(FAULTS) if name in faults}
    return found_of | {f"{name}_constant": float(constant[FAULTS.index(name)]) for name in found_of}
