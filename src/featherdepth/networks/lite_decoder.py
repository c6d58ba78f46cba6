"""The light decoder: one 3x3 convolution a level, the head at a quarter of the size."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.blocks import ConvBN


class LiteDecoder(nn.Module):
    """Four feature maps to a raw depth map of the image's size.

        x_2 = up(top(f_3));   y_i = fuse_i(lateral_i(f_i) + x_i);   x_{i-1} = up(y_i)
        depth = up4(head(y_0))

    Up-sampling is bilinear with half-pixel centres (align_corners=False), unlike `FFMDecoder`.

    Args:
        inputs: channels of the maps at 1/4, 1/8, 1/16, 1/32.
        widths: m_0, m_1, m_2, the widths at 1/4, 1/8, 1/16.
    """

    def __init__(self, inputs: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        if len(widths) != 3:
            raise ValueError(f"the lite decoder takes 3 widths, got {list(widths)}")
        self.top = ConvBN(inputs[3], widths[2], act=nn.ReLU())
        self.lateral = nn.ModuleList(ConvBN(inputs[i], widths[i], act=nn.ReLU()) for i in range(3))
        self.fuse = nn.ModuleList(
            ConvBN(widths[i], widths[max(i - 1, 0)], 3, act=nn.ReLU()) for i in range(3)
        )
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.head = nn.Sequential(
            ConvBN(widths[0], widths[0] // 2, 3, act=nn.ReLU()),
            nn.Conv2d(widths[0] // 2, 1, 3, padding=1),
            nn.Upsample(scale_factor=4, mode="bilinear", align_corners=False),
        )

    def forward(
        self, features: list[Float[Tensor, "b _ _ _"]]
    ) -> tuple[Float[Tensor, "b 1 h w"], dict[str, Float[Tensor, "b _ _ _"]]]:
        """The depth map, and the maps `dec16`, `dec8`, `dec4` that distillation may compare."""
        x = self.up(self.top(features[3]))
        named = {"dec16": x}
        for level, name in ((2, "dec8"), (1, "dec4"), (0, "")):
            x = self.fuse[level](self.lateral[level](features[level]) + x)
            if level:
                x = named[name] = self.up(x)
        return self.head(x), named
