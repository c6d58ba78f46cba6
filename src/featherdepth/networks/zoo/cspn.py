"""Convolutional spatial propagation as PENet runs it: every pixel is a weighted sum of neighbors.

A guide holds k*k weights a pixel in raster order, the middle one for the pixel itself. They are
stored where the value comes from, so that before use map j is read from map k*k-1-j, one pixel
further along o_j, the offset of tap j:

    taps_j(p) = guide_(k*k-1-j)(p + o_j)
    h_new(p)  = sum over j but the middle of taps_j(p) h(p + dilation o_j) + taps_middle(p) h_0(p)

with 0 outside. The middle tap always reads the initial map h_0. Published as a convolution with a
fixed one-hot kernel and an unfolded map of k*k channels; here both are shifted reads.

Source: Hu et al., PENet: Towards Precise and Efficient Image Guided Depth Completion (ICRA 2021).
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.zoo.layers import conv_bn

EPSILON = 1e-8
"""Least sum that a guide is divided by; the published code divides by 0."""


class Guide(nn.Module):
    """Features to the weights of one kernel; those off the middle have absolute sum 1."""

    def __init__(self, inputs: int, kernel: int) -> None:
        super().__init__()
        self.generate = conv_bn(inputs, kernel**2 - 1)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        weights = self.generate(features)
        weights = weights / weights.abs().sum(1, keepdim=True).clamp(min=EPSILON)
        first, second = weights.chunk(2, dim=1)
        return torch.cat((first, 1 - weights.sum(1, keepdim=True), second), 1)


def one_hot_kernel(kernel: int) -> Float[Tensor, "k k kernel kernel"]:
    """The fixed convolution of the released files: with it `F.conv2d` gives what `read_taps` does.

    Output j takes input k*k-1-j at the place of tap j.
    """
    count = kernel**2
    weights = torch.zeros(count, count, kernel, kernel)
    for j in range(count):
        weights[j, count - 1 - j, j // kernel, j % kernel] = 1
    return weights


def read_taps(guide: Float[Tensor, "b k h w"]) -> list[Float[Tensor, "b 1 h w"]]:
    """The weight of each tap at the pixel that uses it."""
    count, height, width = guide.shape[1:]
    kernel = math.isqrt(count)
    taps = []
    for j in range(count):
        padded = F.pad(guide[:, count - 1 - j, None], [kernel // 2] * 4)
        taps.append(_window(padded, j // kernel, j % kernel, height, width))
    return taps


def propagate(
    taps: list[Float[Tensor, "b 1 h w"]],
    current: Float[Tensor, "b 1 h w"],
    initial: Float[Tensor, "b 1 h w"],
    dilation: int = 1,
) -> Float[Tensor, "b 1 h w"]:
    """One step. Beside the result it holds one padded map, whatever the kernel."""
    kernel, middle = math.isqrt(len(taps)), len(taps) // 2
    height, width = current.shape[-2:]
    padded = F.pad(current, [dilation * (kernel // 2)] * 4)
    total = taps[middle] * initial
    for j, tap in enumerate(taps):
        if j != middle:
            top, left = dilation * (j // kernel), dilation * (j % kernel)
            total = torch.addcmul(total, tap, _window(padded, top, left, height, width))
    return total


def _window(padded: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    return padded[..., top : top + height, left : left + width]
