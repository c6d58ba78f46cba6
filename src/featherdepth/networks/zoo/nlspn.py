"""NLSPN: a residual network at full resolution, then propagation from learned places.

Source: Park et al., Non-Local Spatial Propagation Network for Depth Completion (ECCV 2020).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.zoo.layers import conv_bn, deconv_bn
from featherdepth.networks.zoo.nonlocal_propagation import NEIGHBORS, NonLocalPropagation

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Width and stride of each stage of the encoder."""
SLOPE = 0.2
"""Of leaky ReLU outside the encoder."""


class Estimate(NamedTuple):
    """What stands before propagation."""

    initial: Float[Tensor, "b 1 h w"]
    """Depth in meters; the activation lets a fifth of what is negative pass."""
    guidance: Float[Tensor, "b 8 h w"]
    confidence: Float[Tensor, "b 1 h w"]
    """0..1"""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions; the input, projected if it must be, is added before the last ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = conv_bn(inputs, outputs, 1, stride)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        inner = self.relu(self.bn1(self.conv1(features)))
        outputs: Tensor = self.relu(self.bn2(self.conv2(inner)) + self.downsample(features))
        return outputs


class NLSPN(nn.Module):
    """Photo and sparse depth of any size to dense depth in meters, at least 0.

    Args:
        variant: where propagation reads; the released weights need `legacy`.
        preserve_input: put the measurements into the map before every step of propagation, as the
            released weights want it.
        blocks: in each stage of the encoder; (2, 2, 2, 2) is the ResNet-18 version.

    Raises:
        ValueError: an unknown variant, or not four counts of blocks.
    """

    def __init__(
        self,
        *,
        variant: str = "legacy",
        preserve_input: bool = True,
        blocks: Sequence[int] = (3, 4, 6, 3),
    ) -> None:
        super().__init__()
        if len(blocks) != len(STAGES) or min(blocks) < 1:
            raise ValueError(f"blocks takes {len(STAGES)} counts from 1, got {list(blocks)}")
        leaky = nn.LeakyReLU(SLOPE)
        self.conv1_rgb = nn.Sequential(nn.Conv2d(3, 48, 3, padding=1), leaky)
        self.conv1_dep = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), leaky)
        inputs = 64
        for i, ((width, stride), count) in enumerate(zip(STAGES, blocks, strict=True)):
            stage = [BasicBlock(inputs, width, stride)]
            stage += [BasicBlock(width, width, 1) for _ in range(count - 1)]
            self.add_module(f"conv{i + 2}", nn.Sequential(*stage))
            inputs = width
        self.conv6 = conv_bn(512, 512, 3, 2, leaky)
        self.dec5 = deconv_bn(512, 256, 3, 2, leaky)
        self.dec4 = deconv_bn(256 + 512, 128, 3, 2, leaky)
        self.dec3 = deconv_bn(128 + 256, 64, 3, 2, leaky)
        self.dec2 = deconv_bn(64 + 128, 64, 3, 2, leaky)
        self.id_dec1 = conv_bn(128, 64, act=leaky)
        self.id_dec0 = nn.Sequential(nn.Conv2d(128, 1, 3, padding=1), leaky)
        self.gd_dec1 = conv_bn(128, 64, act=leaky)
        self.gd_dec0 = nn.Sequential(nn.Conv2d(128, NEIGHBORS, 3, padding=1))
        self.cf_dec1 = conv_bn(128, 32, act=leaky)
        self.cf_dec0 = nn.Sequential(nn.Conv2d(96, 1, 3, padding=1), nn.Sigmoid())
        self.prop_layer = NonLocalPropagation(variant, preserve_input=preserve_input)

    def forward(
        self, rgb: Float[Tensor, "b 3 h w"], sparse: Float[Tensor, "b 1 h w"]
    ) -> Float[Tensor, "b 1 h w"]:
        """The dense depth.

        Args:
            rgb: 0..1, normalized with ImageNet's mean and deviation.
            sparse: meters, 0 where nothing was measured.
        """
        found = self.estimate(rgb, sparse)
        depth: Tensor = self.prop_layer(*found, sparse)
        return depth.clamp(min=0)

    def estimate(self, rgb: Float[Tensor, "b 3 h w"], sparse: Float[Tensor, "b 1 h w"]) -> Estimate:
        """What propagation starts from; arguments as of `forward`."""
        maps = [torch.cat((self.conv1_rgb(rgb), self.conv1_dep(sparse)), 1)]
        for i in range(len(STAGES)):
            maps.append(self.get_submodule(f"conv{i + 2}")(maps[-1]))
        stem, first, *deeper = maps
        features = self.dec5(self.conv6(deeper[-1]))
        for up, skip in zip((self.dec4, self.dec3, self.dec2), deeper[::-1], strict=True):
            features = up(_join(features, skip))
        features = _join(features, first)
        return Estimate(
            initial=self.id_dec0(_join(self.id_dec1(features), stem)),
            guidance=self.gd_dec0(_join(self.gd_dec1(features), stem)),
            confidence=self.cf_dec0(_join(self.cf_dec1(features), stem)),
        )

    def example_inputs(self, height: int, width: int) -> tuple[Tensor, ...]:
        """Empty inputs of one image."""
        return tuple(torch.empty(1, channels, height, width) for channels in (3, 1))


def _join(
    features: Float[Tensor, "b c h w"], skip: Float[Tensor, "b d h2 w2"]
) -> Float[Tensor, "b _ h2 w2"]:
    """Features, cut at the bottom and on the right to the size of `skip`, then `skip`."""
    height, width = skip.shape[-2:]
    return torch.cat((features[..., :height, :width], skip), 1)
