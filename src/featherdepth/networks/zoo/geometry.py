"""ENet's geometric blocks: convolutions that also see where their pixels lie in space.

Source: Hu et al., PENet: Towards Precise and Efficient Image Guided Depth Completion (ICRA 2021).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.zoo.layers import conv_bn

LEVELS = 6
"""Scales 1, 1/2, ... 1/32."""
BEYOND = 600.0
"""Meters; the pooling of sparse maps takes every measurement to be nearer than this."""


def closest_pool(
    sparse: Float[Tensor, "b 1 h w"], valid: Float[Tensor, "b 1 h w"]
) -> tuple[Float[Tensor, "b 1 h//2 w//2"], Float[Tensor, "b 1 h//2 w//2"]]:
    """Halve a sparse map: of four pixels the smallest valid depth, 0 where there is none.

    `valid` is 1 where `sparse` holds a measurement and 0 elsewhere. Depths beyond 600 m come out
    wrong: empty pixels are ranked as if they lay there.
    """
    pooled = -F.max_pool2d(-(1 - valid) * BEYOND - sparse, 2)
    any_valid = F.max_pool2d(valid, 2)
    return pooled - (1 - any_valid) * BEYOND, any_valid


def geometry_pyramid(
    sparse: Float[Tensor, "b 1 h w"],
    position: Float[Tensor, "b 2 h w"],
    camera: Float[Tensor, "b 3 3"],
    frame: tuple[int, int],
) -> list[Float[Tensor, "b 3 _ _"]]:
    """(X, Y, depth) of every measurement at six scales; X runs along the rows.

    X = d (h (v + 1) / 2 - cy) / fy and Y = d (w (u + 1) / 2 - cx) / fx. At every scale (u, v) are
    averaged, d is the closest of four, and h and w of the frame are halved, while the camera stays
    that of full size: below full size the coordinates are therefore off, as published.
    """
    u, v = position[:, :1], position[:, 1:]
    fx, fy, cx, cy = (camera[:, i, j].reshape(-1, 1, 1, 1) for i, j in _ENTRIES)
    valid = (sparse > 0).to(sparse.dtype)
    height, width = float(frame[0]), float(frame[1])
    pyramid = []
    for level in range(LEVELS):
        if level:
            u, v = F.avg_pool2d(u, 2), F.avg_pool2d(v, 2)
            sparse, valid = closest_pool(sparse, valid)
            height, width = height / 2, width / 2
        along_rows = sparse * (0.5 * height * (v + 1) - cy) / fy
        along_columns = sparse * (0.5 * width * (u + 1) - cx) / fx
        pyramid.append(torch.cat((along_rows, along_columns, sparse), 1))
    return pyramid


_ENTRIES = ((0, 0), (1, 1), (0, 2), (1, 2))


class GeoBlock(nn.Module):
    """A residual block whose convolutions get three geometry channels each.

    The first convolution and the shortcut see features, then geometry; the second convolution
    geometry, then features.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs + 3, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs + 3, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = conv_bn(inputs + 3, outputs, 1, stride)

    def forward(
        self,
        features: Float[Tensor, "b c h w"],
        geometry: Float[Tensor, "b 3 h w"],
        geometry_out: Float[Tensor, "b 3 h2 w2"],
    ) -> Float[Tensor, "b d h2 w2"]:
        """`geometry` is of the input's scale, `geometry_out` of the output's."""
        joined = torch.cat((features, geometry), 1)
        inner = self.relu(self.bn1(self.conv1(joined)))
        inner = self.bn2(self.conv2(torch.cat((geometry_out, inner), 1)))
        shortcut = features if self.downsample is None else self.downsample(joined)
        outputs: Tensor = self.relu(inner + shortcut)
        return outputs
