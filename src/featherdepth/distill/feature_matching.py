"""An encoder learns to see what another one sees, without a label.

    target_c = (teacher_c - mean_c) / spread_c      loss = sum over levels of
               mean over pixels and channels of smooth_l1(projection(student), target)

on the maps at 1/4, 1/8, 1/16 and 1/32. Mean and spread of each of the teacher's channels are
measured once: without them the channels that happen to be large would be all there is to learn.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float32
from torch import Tensor, nn

from featherdepth.distill.views import DistillBatch
from featherdepth.errors import RunError, UsageError
from featherdepth.losses.wide import widen
from featherdepth.networks.build import build_network
from featherdepth.networks.depthnet import LITE_MEAN, LITE_STD, DepthNet, Normalize
from featherdepth.networks.efficientnet_lite import EfficientNetLite
from featherdepth.networks.fresh import fresh_weights
from featherdepth.networks.imagenet import load_imagenet
from featherdepth.training.objective import Losses

LEVELS = ("enc4", "enc8", "enc16", "enc32")
LEAST_SPREAD = 1e-3
"""Of a channel that says nothing; it is not blown up."""

Maps = dict[str, Float32[Tensor, "b _ _ _"]]


class EncoderTeacher:
    """A frozen ImageNet encoder whose channels are brought to zero mean and unit spread.

    Not a torch module on purpose: put into an objective, it is neither trained nor stored.

    Args:
        bf16: let its convolutions run in bfloat16.

    Raises:
        UsageError: not a bare encoder of EfficientNet-lite.
        WeightsError: its weights are missing or of another network.
    """

    def __init__(
        self, network: str, weights: str, *, device: torch.device | str = "cpu", bf16: bool = False
    ) -> None:
        encoder = build_network(network)
        if not isinstance(encoder, EfficientNetLite):
            raise UsageError(
                f"teacher {network!r}: expected a bare encoder with ImageNet weights:"
                " efficientnet-lite0 or efficientnet-lite2"
            )
        load_imagenet(encoder, weights)
        self.channels = dict(zip(LEVELS, encoder.channels, strict=True))
        self.digest = _digest(encoder)
        self._device, self._bf16 = torch.device(device), bf16
        module = nn.Sequential(Normalize(LITE_MEAN, LITE_STD), encoder).eval()
        self._module = module.requires_grad_(False).to(self._device)
        self._module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._moments: dict[str, tuple[Tensor, Tensor]] = {}

    def measure(self, views: Iterable[Float32[Tensor, "b 3 h w"]]) -> None:
        """Take each channel's mean and spread from these views."""
        sums = {level: torch.zeros(2, n, dtype=torch.float64) for level, n in self.channels.items()}
        counts = dict.fromkeys(LEVELS, 0)
        for images in views:
            for level, maps in self._raw(images).items():
                wide = maps.double()
                sums[level] += torch.stack(
                    [wide.sum(dim=(0, 2, 3)), wide.square().sum(dim=(0, 2, 3))]
                ).cpu()
                counts[level] += maps.numel() // maps.shape[1]
        for level, (total, square) in sums.items():
            mean = total / counts[level]
            spread = (square / counts[level] - mean.square()).clamp(min=0).sqrt()
            if not bool(spread.isfinite().all()):
                raise RunError(f"teacher: {level} is not finite on these photos")
            self._moments[level] = tuple(
                m.float().to(self._device)[:, None, None]
                for m in (mean, spread.clamp(min=LEAST_SPREAD))
            )

    def __call__(self, images: Float32[Tensor, "b 3 h w"]) -> Maps:
        """Standardized maps by level, without gradient."""
        if not self._moments:
            raise ValueError("the teacher's channels are not measured yet")
        return {
            level: (maps - self._moments[level][0]) / self._moments[level][1]
            for level, maps in self._raw(images).items()
        }

    def _raw(self, images: Float32[Tensor, "b 3 h w"]) -> Maps:
        images = images.to(self._device).contiguous(memory_format=torch.channels_last)
        half = torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16)
        with torch.no_grad(), half:
            maps = self._module(images)
        return {level: found.float() for level, found in zip(LEVELS, maps, strict=True)}


class FeatureMatching(nn.Module):
    """The losses of a student's encoder against its teacher's, one value a view and level.

    Its 1x1 projections, student's width to teacher's, are trained and stored beside the student.

    Args:
        seed: of the projections' first weights.
    """

    def __init__(self, student: DepthNet, teacher: EncoderTeacher, *, seed: int) -> None:
        super().__init__()
        self._teacher = (teacher,)
        widths: Any = student.encoder.channels
        with fresh_weights(seed, "projections"):
            self.projections = nn.ModuleDict(
                {
                    level: nn.Conv2d(width, teacher.channels[level], 1)
                    for level, width in zip(LEVELS, widths, strict=True)
                }
            )

    def forward(self, model: Any, batch: DistillBatch) -> Losses:
        """The losses by level."""
        (teacher,) = self._teacher
        if batch.clean is None:
            raise ValueError("a batch has clean views for the teacher")
        targets = teacher(batch.clean)
        own: Mapping[str, Tensor] = model.encode(batch.images)
        return {level: self._compare(level, own[level], targets[level]) for level in LEVELS}

    def _compare(
        self, level: str, own: Float32[Tensor, "b c h w"], target: Float32[Tensor, "b d h w"]
    ) -> Float32[Tensor, " b"]:
        found, target = widen(self.projections[level](own), target)
        return F.smooth_l1_loss(found, target, reduction="none").flatten(1).mean(dim=1)


def _digest(module: nn.Module) -> str:
    found = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
