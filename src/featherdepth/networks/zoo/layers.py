"""Convolutions with BatchNorm in plain sequences: the released files number the children."""

from math import sqrt

from torch import nn


def conv_bn(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, act: nn.Module | None = None
) -> nn.Sequential:
    """Convolution without bias, BatchNorm, and the activation if there is one."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), *([] if act is None else [act]))


def deconv_bn(inputs: int, outputs: int, kernel: int, stride: int, act: nn.Module) -> nn.Sequential:
    """Transposed convolution without bias, BatchNorm, activation; stride 2 doubles exactly."""
    conv = nn.ConvTranspose2d(
        inputs, outputs, kernel, stride, kernel // 2, output_padding=stride - 1, bias=False
    )
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), act)


def draw_normal(module: nn.Module) -> None:
    """Draw every convolution from a normal distribution of variance 2 / (k^2 * c).

    c is the number of outputs, of a transposed convolution that of inputs.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            plain = isinstance(layer, nn.Conv2d)
            channels = layer.out_channels if plain else layer.in_channels
            fan = layer.kernel_size[0] * layer.kernel_size[1] * channels
            nn.init.normal_(layer.weight, 0.0, sqrt(2 / fan))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
