"""EfficientNet-lite encoders: inverted residual blocks without squeeze-and-excitation.

Source: Tan and Le, EfficientNet (ICML 2019), in its "lite" variant: ReLU6 everywhere and the
TensorFlow convention of "same" padding, which at stride 2 pads an even size on the far side only.
A symmetric pad would shift every feature by a pixel against the pretrained weights.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.blocks import ConvBN
from featherdepth.networks.depthwise import conv2d

EPS, MOMENTUM = 1e-3, 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """`repeats` blocks of one width; only the first has the stride."""

    kernel: int
    stride: int
    expansion: int
    width: int
    repeats: int
    tap: bool = False
    """The last block's output is one of the four feature maps."""


def _stages(widths: tuple[int, ...], repeats: tuple[int, ...]) -> tuple[Stage, ...]:
    kernels, strides = (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 2, 1, 2, 1)
    return tuple(
        Stage(
            kernel=k, stride=s, expansion=6 if i else 1, width=w, repeats=r, tap=i in (1, 2, 4, 6)
        )
        for i, (k, s, w, r) in enumerate(zip(kernels, strides, widths, repeats, strict=True))
    )


VARIANTS = {
    "lite0": _stages((16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1)),
    "lite2": _stages((16, 24, 48, 88, 120, 208, 352), (1, 3, 3, 4, 4, 5, 1)),
    "lite3": _stages((24, 32, 48, 96, 136, 232, 384), (1, 3, 3, 5, 5, 6, 1)),
}


def pad_same(images: Float[Tensor, "b c h w"], kernel: int) -> Float[Tensor, "b c h2 w2"]:
    """Zeros around a map as TensorFlow's "same" rule adds them before a stride of 2.

    The output of the convolution is ceil(size / 2). An even size needs kernel - 2 zeros, an odd
    one kernel - 1; half of them, rounded down, stand in front.
    """
    top, bottom = _pads(images.shape[-2], kernel)
    left, right = _pads(images.shape[-1], kernel)
    return F.pad(images, (left, right, top, bottom))


def _pads(size: int | torch.SymInt, kernel: int) -> tuple[int, int]:
    total = kernel - 2 if size % 2 == 0 else kernel - 1
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """A convolution of stride 2 whose padding is TensorFlow's "same"."""

    def forward(self, input: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:  # noqa: A002 - torch's name
        return conv2d(self, pad_same(input, self.kernel_size[0]), (0, 0))


def _layer(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    stride: int = 1,
    *,
    groups: int = 1,
    act: bool = True,
) -> ConvBN:
    return ConvBN(
        inputs,
        outputs,
        kernel,
        stride,
        groups=groups,
        act=nn.ReLU6() if act else None,
        eps=EPS,
        momentum=MOMENTUM,
        conv_type=SameConv2d if stride == 2 else None,
    )


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel, narrow by 1x1 without activation.

    The input is added where sizes and channels allow.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = _layer(inputs, hidden) if expansion != 1 else nn.Identity()
        self.depthwise = _layer(hidden, hidden, kernel, stride, groups=hidden)
        self.project = _layer(hidden, outputs, act=False)
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        outputs: Tensor = self.project(self.depthwise(self.expand(features)))
        return outputs + features if self.adds_input else outputs


class EfficientNetLite(nn.Module):
    """Image to four feature maps at 1/4, 1/8, 1/16 and 1/32 of its size (rounded up)."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.stem = _layer(3, 32, 3, 2)
        self.blocks = nn.ModuleList()
        taps, channels, width = [], [], 32
        for stage in VARIANTS[variant]:
            for i in range(stage.repeats):
                stride = stage.stride if i == 0 else 1
                block = InvertedResidual(width, stage.width, stage.kernel, stride, stage.expansion)
                self.blocks.append(block)
                width = stage.width
            if stage.tap:
                taps.append(len(self.blocks) - 1)
                channels.append(width)
        self.taps = tuple(taps)
        self.channels = tuple(channels)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        features, outputs = self.stem(images), []
        for i, block in enumerate(self.blocks):
            features = block(features)
            if i in self.taps:
                outputs.append(features)
        return outputs
