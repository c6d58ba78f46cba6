"""The feature fusion decoder of LeReS, at any widths.

Source: Xian et al., Monocular Relative Depth Perception with Web Stereo Data Supervision (CVPR
2018) for the blocks; Yin et al., Learning to Recover 3D Scene Shape (CVPR 2021) for these widths.
Parameter names are those of the released LeReS checkpoint.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn


def _conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _up() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)


class TransferBlock(nn.Module):
    """x = relu(conv1(f));  y = relu(x + conv(relu(bn(conv(x)))))

    The skip is rectified as well as the branch: the reference rectifies in place, and its weights
    were trained that way.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = _conv3x3(inputs, outputs)
        self.conv_branch = nn.Sequential(
            nn.Identity(),  # holds index 0, where the checkpoint's in-place ReLU stands
            _conv3x3(outputs, outputs),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            _conv3x3(outputs, outputs),
        )
        self.relu = nn.ReLU()

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        rectified = self.relu(self.conv1(features))
        outputs: Tensor = self.relu(rectified + self.conv_branch(rectified))
        return outputs


class FusionModule(nn.Module):
    """up(ftb2(ftb1(low) + high)): `high` has the middle width and the size of `low`."""

    def __init__(self, inputs: int, middle: int, outputs: int) -> None:
        super().__init__()
        self.ftb1 = TransferBlock(inputs, middle)
        self.ftb2 = TransferBlock(middle, outputs)
        self.upsample = _up()

    def forward(
        self, low: Float[Tensor, "b c h w"], high: Float[Tensor, "b m h w"]
    ) -> Float[Tensor, "b d h2 w2"]:
        outputs: Tensor = self.upsample(self.ftb2(self.ftb1(low) + high))
        return outputs


class OutputHead(nn.Module):
    """Half the width, one channel, twice the size; no activation: the map is unbounded."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.adapt_conv = nn.Sequential(
            _conv3x3(inputs, inputs // 2),
            nn.BatchNorm2d(inputs // 2),
            nn.ReLU(),
            _conv3x3(inputs // 2, 1),
            _up(),
        )

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h2 w2"]:
        outputs: Tensor = self.adapt_conv(features)
        return outputs


class FFMDecoder(nn.Module):
    """Four feature maps to a raw depth map of the image's size.

    Up-sampling keeps corners on corners (align_corners=True), unlike `LiteDecoder`.

    Args:
        inputs: channels of the maps at 1/4, 1/8, 1/16, 1/32.
        widths: m_0 ... m_3, the widths at 1/4 ... 1/32.
    """

    def __init__(self, inputs: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        if len(widths) != 4:
            raise ValueError(f"the ffm decoder takes 4 widths, got {list(widths)}")
        self.conv = TransferBlock(inputs[3], widths[3])
        self.conv1 = _conv3x3(widths[3], widths[2])
        self.upsample = _up()
        self.ffm2 = FusionModule(inputs[2], widths[2], widths[1])
        self.ffm1 = FusionModule(inputs[1], widths[1], widths[0])
        self.ffm0 = FusionModule(inputs[0], widths[0], widths[0])
        self.outconv = OutputHead(widths[0])
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(
        self, features: list[Float[Tensor, "b _ _ _"]]
    ) -> tuple[Float[Tensor, "b 1 h w"], dict[str, Float[Tensor, "b _ _ _"]]]:
        """The depth map, and the maps `dec16`, `dec8`, `dec4`, `dec2` of its up-sampled steps."""
        x = self.upsample(self.conv1(self.conv(features[3])))
        named = {"dec16": x}
        named["dec8"] = x = self.ffm2(features[2], x)
        named["dec4"] = x = self.ffm1(features[1], x)
        named["dec2"] = x = self.ffm0(features[0], x)
        return self.outconv(x), named
