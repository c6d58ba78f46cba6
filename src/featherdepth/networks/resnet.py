"""ResNet-50 as an encoder: He et al., Deep Residual Learning (CVPR 2016), stride on the 3x3."""

from jaxtyping import Float
from torch import Tensor, nn

EXPANSION = 4
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Inner width, blocks, stride of each stage."""


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 with BatchNorm; the input, projected if it must be, is added before ReLU."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        inner = self.relu(self.bn1(self.conv1(features)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        outputs: Tensor = self.relu(self.bn3(self.conv3(inner)) + self.downsample(features))
        return outputs


class ResNet50(nn.Module):
    """Image to four maps of 256, 512, 1024, 2048 channels at 1/4, 1/8, 1/16, 1/32."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        width = 64
        for i, (inner, count, stride) in enumerate(STAGES, start=1):
            blocks = [Bottleneck(width, inner, stride)]
            width = inner * EXPANSION
            blocks += [Bottleneck(width, inner, 1) for _ in range(count - 1)]
            self.add_module(f"layer{i}", nn.Sequential(*blocks))
        self.channels = tuple(inner * EXPANSION for inner, _, _ in STAGES)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        features = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = []
        for i in range(1, len(STAGES) + 1):
            features = self.get_submodule(f"layer{i}")(features)
            maps.append(features)
        return maps
