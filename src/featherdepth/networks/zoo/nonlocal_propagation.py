"""Propagation from learned places: every pixel is a weighted sum of itself and eight others.

Neighbor n lies at b_n + offset_n, b_n being the raster of 3x3 without its middle. Weights are
tanh(raw) / gamma, times the confidence read at the neighbor, and scaled down where their absolute
sum is above 1; the pixel itself gets what is missing to 1. Maps are read bilinearly, 0 outside.

Where a neighbor is read is a matter of history:

    variant       confidence at        depth at
    legacy        b_n + offset_n       2 b_n + offset_n
    published     offset_n             b_n + offset_n
    consistent    b_n + offset_n       b_n + offset_n

The released weights of 2020 were trained with the first, in which a correction of the offsets was
written into memory that the depth read as well. `consistent` is what was meant.

Source: Park et al., Non-Local Spatial Propagation Network for Depth Completion (ECCV 2020).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

BASE_STEPS = {"legacy": (1, 2), "published": (0, 1), "consistent": (1, 1)}
"""How many times b_n is added where confidence and depth are read."""
NEIGHBORS = 8
STEPS = 18
GAMMA = 0.5
EPSILON = 1e-4


class NonLocalPropagation(nn.Module):
    """18 steps from an initial depth map.

    The buffers `w`, `b` and `w_conf` are constants of the released files, and nothing reads them:
    weights of 1 and a bias of 0.

    Args:
        variant: where neighbors are read; see above.
        preserve_input: put the measurements into the map before every step.

    Raises:
        ValueError: an unknown variant.
    """

    def __init__(self, variant: str = "legacy", *, preserve_input: bool = True) -> None:
        super().__init__()
        if variant not in BASE_STEPS:
            raise ValueError(f"variant {variant!r}; known: {', '.join(BASE_STEPS)}")
        self.steps_of_confidence, self.steps_of_depth = BASE_STEPS[variant]
        self.preserve_input = preserve_input
        self.conv_offset_aff = nn.Conv2d(NEIGHBORS, 3 * NEIGHBORS, 3, padding=1)
        nn.init.zeros_(self.conv_offset_aff.weight)
        nn.init.zeros_(self.conv_offset_aff.get_parameter("bias"))
        self.aff_scale_const = nn.Parameter(GAMMA * NEIGHBORS * torch.ones(1))
        self.register_buffer("w", torch.ones(1, 1, 3, 3))
        self.register_buffer("b", torch.zeros(1))
        self.register_buffer("w_conf", torch.ones(1, 1, 1, 1))

    def forward(
        self,
        initial: Float[Tensor, "b 1 h w"],
        guidance: Float[Tensor, "b 8 h w"],
        confidence: Float[Tensor, "b 1 h w"],
        sparse: Float[Tensor, "b 1 h w"],
    ) -> Float[Tensor, "b 1 h w"]:
        """The propagated depth, which may be negative."""
        offsets, raw = self.conv_offset_aff(guidance).split((2 * NEIGHBORS, NEIGHBORS), 1)
        offsets = offsets.unflatten(1, (NEIGHBORS, 2))
        trusted = read_at(confidence, self._places(offsets.detach(), self.steps_of_confidence))
        weights = torch.tanh(raw) / (self.aff_scale_const + 1e-8) * trusted
        weights = weights / (weights.abs().sum(1, keepdim=True) + EPSILON).clamp(min=1)
        own = 1 - weights.sum(1, keepdim=True)
        places = self._places(offsets, self.steps_of_depth)
        known = (sparse > 0).to(sparse.dtype)
        depth = initial
        for _ in range(STEPS):
            if self.preserve_input:
                depth = (1 - known) * depth + known * sparse
            depth = own * depth + (weights * read_at(depth, places)).sum(1, keepdim=True)
        return depth

    def _places(
        self, offsets: Float[Tensor, "b n 2 h w"], base_steps: int
    ) -> Float[Tensor, "b n h w 2"]:
        """Where each neighbor of each pixel lies, as `read_at` takes it."""
        height, width = offsets.shape[-2:]
        row = torch.arange(height, device=offsets.device).reshape(-1, 1)
        column = torch.arange(width, device=offsets.device)
        tap = torch.tensor([0, 1, 2, 3, 5, 6, 7, 8], device=offsets.device)
        down = (tap // 3 - 1) * base_steps
        right = (tap % 3 - 1) * base_steps
        y = offsets[:, :, 0] + row + down.reshape(-1, 1, 1)
        x = offsets[:, :, 1] + column + right.reshape(-1, 1, 1)
        return torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), -1)


def read_at(
    values: Float[Tensor, "b 1 h w"], places: Float[Tensor, "b n h2 w2 2"]
) -> Float[Tensor, "b n h2 w2"]:
    """A map at `places`, bilinear; corners outside count 0, as in deformable convolution.

    `places` are (x, y); -1 and 1 are the outer edges of the map.
    """
    height, width = places.shape[2:4]
    stacked = F.grid_sample(values, places.flatten(1, 2), align_corners=False)
    return stacked.reshape(-1, places.shape[1], height, width)
