"""Convolutions whose backward pass on a CPU stays on oneDNN's fast path.

With bfloat16 inputs, depthwise kernels of 5x5 and depthwise strides of 2 have slow gradients there:
one weight gradient of 1152 channels at 6x8 took 48 ms, in float32 12 ms. Those layers keep their
bfloat16 forward and compute the gradients in float32, which is also more exact. Forward plus
backward of EfficientNet-lite0, 16 images of 192x256 on one thread: 1.42 s before, 0.85 s after.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def conv2d(
    conv: nn.Conv2d, images: Float[Tensor, "b c h w"], padding: tuple[int, int]
) -> Float[Tensor, "b d h2 w2"]:
    """Apply `conv` with another padding; the result and its gradient are those of `F.conv2d`."""
    stride = (conv.stride[0], conv.stride[1])
    slow_in_bfloat16 = conv.groups > 1 and (conv.kernel_size[0] > 3 or stride[0] > 1)
    if (
        slow_in_bfloat16
        and images.dtype == torch.bfloat16
        and images.device.type == "cpu"
        and torch.is_grad_enabled()
        and conv.bias is None
    ):
        geometry = (stride, padding, conv.groups)
        result: Tensor = _Float32Backward.apply(images, conv.weight, geometry)  # type: ignore[no-untyped-call]
        return result
    return F.conv2d(images, conv.weight, conv.bias, stride, padding, groups=conv.groups)


class DepthwiseConv2d(nn.Conv2d):
    """`nn.Conv2d` by way of `conv2d`; for symmetric padding and no dilation."""

    def forward(self, input: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:  # noqa: A002 - torch's name
        return conv2d(self, input, (self.kernel_size[0] // 2, self.kernel_size[1] // 2))


Geometry = tuple[tuple[int, int], tuple[int, int], int]
"""stride, padding, groups"""


class _Float32Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        stride, padding, groups = ctx.geometry = geometry
        ctx.save_for_backward(images, weight)
        return F.conv2d(images, weight.to(images.dtype), None, stride, padding, groups=groups)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        images, weight = ctx.saved_tensors
        stride, padding, groups = ctx.geometry
        wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], False]
        to_images, to_weight, _ = torch.ops.aten.convolution_backward(
            gradient.float(),
            images.float(),
            weight.to(images.dtype).float(),  # rounded, as the forward pass used it
            None,
            stride,
            padding,
            (1, 1),
            False,
            (0, 0),
            groups,
            wanted,
        )
        return (
            to_images.to(images.dtype) if wanted[0] else None,
            to_weight.to(weight.dtype) if wanted[1] else None,
            None,
        )
