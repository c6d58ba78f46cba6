"""The one layer that every network here repeats: convolution, BatchNorm, activation."""

from torch import nn

from featherdepth.networks.depthwise import DepthwiseConv2d


class ConvBN(nn.Sequential):
    """A convolution without bias, BatchNorm, and an activation if one is given.

    Children are called `conv`, `bn`, `act`; `conv_name` renames the first where a released
    checkpoint calls it otherwise. Padding is half the kernel: stride 1 keeps the size.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        act: nn.Module | None = None,
        eps: float = 1e-5,
        momentum: float = 0.1,
        conv_type: type[nn.Conv2d] | None = None,
        conv_name: str = "conv",
    ) -> None:
        super().__init__()
        conv_type = conv_type or (DepthwiseConv2d if groups > 1 else nn.Conv2d)
        conv = conv_type(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.add_module(conv_name, conv)
        self.add_module("bn", nn.BatchNorm2d(outputs, eps=eps, momentum=momentum))
        if act is not None:
            self.add_module("act", act)
