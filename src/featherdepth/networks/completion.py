"""PoissonLite: an aligned depth map and measured points to dense metric depth.

Everything the layers see is a ratio of depths, so multiplying prior and points by a number
multiplies the result by that number. The metric scale enters through the linear solve alone:

    log D = log A + up(u) + delta       A: the aligned prior, u: the solved correction at 1/4

The layers say where to believe what (at each cell of 1/4 size, at three scales):

    g   the step that u should make to a neighbor: -(1 - a) grad log A + t; with a = 1 the relief of
        the prior is kept, with a = 0 depth is interpolated between the points
    w   how stiff that edge is, a factor on the weight that the prior's own relief gives it
    c   how far a point is believed

and `delta` is a small correction at full size. Each part can be switched off; without any, this is
the training-free solve.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.blocks import ConvBN
from featherdepth.networks.depthnet import IMAGENET_MEAN, IMAGENET_STD, STRIDE, Normalize
from featherdepth.networks.fill import pull_push
from featherdepth.networks.poisson import (
    Edges,
    System,
    cascade,
    coarser,
    relief_weights,
    steps_of,
)

CELL = 4
"""Pixels across a cell of the solve."""
SCALES = 3
PARTS = ("w", "c", "g", "delta")
"""In the order of ablation."""


class Widths(NamedTuple):
    """Channels and blocks of a size."""

    half: int
    """At 1/2."""
    levels: tuple[int, ...]
    """At 1/4 to 1/32."""
    blocks: tuple[int, ...]
    """Inverted residuals of each level."""
    decoder: int
    fine: int
    """Of the last maps before the result."""


SIZES = {
    "xs": Widths(16, (32, 48, 96, 128), (0, 1, 2, 2), decoder=32, fine=32),
    "s": Widths(32, (48, 80, 128, 192), (1, 2, 3, 3), decoder=64, fine=64),
}
RELIEF = 0.015
"""Log-depth step per pixel of the prior at which an edge has half its stiffness."""
PULL = 5.0
"""How much a believed point counts beside an edge of stiffness 1."""
ANCHOR = 1e-4
"""Pull of every cell toward the mean of the points: parts without a point keep a solution."""
TRUST_BIAS = 3.0
KEEP_BIAS = 2.2
"""sigmoid(2.2) = 0.9: the relief of the prior is nearly kept at first."""
MOST_STEP = 0.5
MOST_DELTA = 0.2
LEAST_DEPTH = 1e-6
SPREAD_BIAS = -3.0
CUES = 6
"""Channels about the points at 1/4."""


class Parts(NamedTuple):
    """What the network computes on the way; logs of meters."""

    log_depth: Float[Tensor, "b 1 h w"]
    log_spread: Float[Tensor, "b 1 h w"]
    """Log of the expected |error of log_depth|."""
    confidence: Float[Tensor, "b 1 h4 w4"]
    """How far the point of a cell is believed, as a logit; meaningless in cells without one."""
    relief: list[Edges]
    """Steps of log depth that the cells were asked for, at 1/4, 1/8 and 1/16."""
    solved: Float[Tensor, "b 1 h4 w4"]
    """log A + u, at 1/4."""


class InvertedResidual(nn.Sequential):
    """Widen three times, 5x5 depthwise, narrow; added to its input."""

    def __init__(self, width: int) -> None:
        wide = 3 * width
        super().__init__(
            ConvBN(width, wide, act=nn.ReLU6()),
            ConvBN(wide, wide, 5, groups=wide, act=nn.ReLU6()),
            ConvBN(wide, width),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The block."""
        y: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return x + y


class PoissonLite(nn.Module):
    """Photo, aligned prior and points to depth and its expected error.

    Args:
        size: a key of `SIZES`.
        parts: which of w, c, g and delta are learned.
        steps: of the solve at 1/16, 1/8 and 1/4.
        mean, std: of the photo, per channel of RGB 0..1.

    Raises:
        ValueError: an unknown size or part.
    """

    input_channels = 5
    """RGB in 0..1; the aligned prior in meters, above 0; points in meters, 0 = none."""
    unrolled = True
    """The solve is a chain of many small operations: see `featherdepth.export.onnx`."""

    def __init__(
        self,
        *,
        size: str = "xs",
        parts: Sequence[str] = PARTS,
        steps: Sequence[int] = (12, 8, 8),
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        if size not in SIZES or set(parts) - set(PARTS):
            raise ValueError(
                f"size {size!r} with parts {list(parts)}; sizes: {', '.join(SIZES)};"
                f" parts: {', '.join(PARTS)}"
            )
        if len(steps) != SCALES or min(steps) < 1:
            raise ValueError(f"steps {list(steps)}; expected {SCALES} numbers of 1 or more")
        self.parts = frozenset(parts)
        self.steps = tuple(steps)
        self.normalize = Normalize(mean, std)
        half, widths, blocks, width, fine = SIZES[size]
        self.stem = ConvBN(4, half, 3, 2, act=nn.ReLU6())
        self.quarter = ConvBN(half, widths[0], 3, 2, act=nn.ReLU6())
        self.join = ConvBN(widths[0] + CUES, widths[0], act=nn.ReLU6())
        self.stages = nn.ModuleList()
        for i, count in enumerate(blocks):
            first: list[nn.Module] = []
            if i:
                first = [ConvBN(widths[i - 1], widths[i], 3, 2, act=nn.ReLU6())]
            rest = [InvertedResidual(widths[i]) for _ in range(count)]
            self.stages.append(nn.Sequential(*first, *rest))
        self.laterals = nn.ModuleList(ConvBN(w, width) for w in widths)
        self.smooth = nn.ModuleList(InvertedResidual(width) for _ in widths[1:-1])
        self.last = ConvBN(width, width, 3, act=nn.ReLU6())
        if "w" in self.parts:
            self.stiffness = _zero(nn.Conv2d(width, 2 * SCALES, 1))
        if "c" in self.parts:
            self.belief = _zero(nn.Conv2d(width, 1, 1), TRUST_BIAS)
        if "g" in self.parts:
            self.keep = _zero(nn.Conv2d(width, SCALES, 1), KEEP_BIAS)
            self.step = _zero(nn.Conv2d(width, 2 * SCALES, 1))
        self.outcome = ConvBN(3, width)
        self.fine = ConvBN(width, fine, 3, act=nn.ReLU6())
        self.head = _zero(nn.Conv2d(fine, 2 * CELL * CELL, 1))
        with torch.no_grad():
            assert self.head.bias is not None  # noqa: S101 - for types
            self.head.bias[CELL * CELL :] = SPREAD_BIAS  # of the second map

    def forward(self, inputs: Float[Tensor, "b 5 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Depth in meters and its expected relative error.

        Raises:
            ValueError: height or width is not a multiple of 32.
        """
        found = self.look(inputs)
        return torch.cat([found.log_depth.exp(), found.log_spread.exp()], dim=1)

    def look(self, inputs: Float[Tensor, "b 5 h w"]) -> Parts:
        """`forward` with what lies on the way.

        Raises:
            ValueError: height or width is not a multiple of 32.
        """
        height, width = inputs.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"inputs are {height}x{width}; height and width must be multiples of {STRIDE}"
            )
        # 1. Logs, and the mean log depth of the points as the zero of all of them.
        photo, prior, points = inputs[:, :3], inputs[:, 3:4], inputs[:, 4:5]
        known = points > 0
        mask = known.to(inputs.dtype)
        log_prior = prior.clamp(min=LEAST_DEPTH).log()
        log_points = torch.where(known, points, 1.0).log()
        middle = _mean(log_points, mask)
        log_prior = log_prior - middle
        log_points = (log_points - middle) * mask

        # 2. What the points say, in cells of 4x4.
        coarse = F.avg_pool2d(log_prior, CELL)
        share = F.avg_pool2d(mask, CELL)
        sampled = share > 0
        count = torch.where(sampled, share, 1.0)
        ratio = F.avg_pool2d((log_points - log_prior) * mask, CELL) / count
        level = F.avg_pool2d(log_points, CELL) / count
        cells = sampled.to(inputs.dtype)
        filled = pull_push(torch.cat([ratio, level], dim=1), cells)
        start, interpolated = filled.values[:, :1], filled.values[:, 1:]
        misfit = _mean(ratio.abs(), cells)
        cues = [
            start.clamp(-1, 1),
            (interpolated - coarse).clamp(-1, 1),
            ratio.clamp(-1, 1),
            cells,
            filled.distance,
            misfit.clamp(0, 1).expand_as(cells),
        ]

        # 3. Encoder and decoder, to 1/4.
        half = self.stem(torch.cat([self.normalize(photo), log_prior.clamp(-3, 3)], dim=1))
        features = self._decode(self.join(torch.cat([self.quarter(half), *cues], dim=1)))

        # 4. The solve.
        priors = _pyramid(coarse)
        slopes = [steps_of(p) for p in priors]
        weights = [relief_weights(p, RELIEF * CELL * 2**i) for i, p in enumerate(priors)]
        wanted = [Edges(torch.zeros_like(p), torch.zeros_like(p)) for p in priors]
        confidence = torch.full_like(cells, TRUST_BIAS)
        if "w" in self.parts:
            weights = _stiffened(weights, self.stiffness(features))
        if "c" in self.parts:
            confidence = self.belief(features)
        if "g" in self.parts:
            wanted = _wanted(slopes, self.keep(features), self.step(features))
        pull = PULL * cells * (confidence.sigmoid() if "c" in self.parts else 1)
        pulls = [(pull, ratio)]
        for _ in range(SCALES - 1):
            pulls.append(coarser(*pulls[-1]))
        mean = _mean(ratio, cells)
        systems = [
            System(w, g, k + ANCHOR, (k * target + ANCHOR * mean) / (k + ANCHOR))
            for w, g, (k, target) in zip(weights, wanted, pulls, strict=True)
        ]
        first = F.avg_pool2d(start, 2 ** (SCALES - 1))
        u = cascade(systems[::-1], first, self.steps)
        solved = coarse + u

        # 5. Back to full size.
        outcome = torch.cat([u, solved.clamp(-3, 3), cells * (ratio - u)], dim=1)
        near = self.fine(features + self.outcome(outcome))
        maps = F.pixel_shuffle(self.head(near), CELL)
        log_depth = log_prior + _up(u, CELL) + middle
        if "delta" in self.parts:
            log_depth = log_depth + MOST_DELTA * maps[:, :1].tanh()
        return Parts(
            log_depth=log_depth,
            log_spread=maps[:, 1:].clamp(-7, 1),
            confidence=confidence,
            relief=[
                Edges(s.right + g.right, s.down + g.down)
                for s, g in zip(slopes, wanted, strict=True)
            ],
            solved=solved + middle,
        )

    def _decode(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        maps = []
        for stage, lateral in zip(self.stages, self.laterals, strict=True):
            x = stage(x)
            maps.append(lateral(x))
        y: Tensor = maps[-1]
        for i in reversed(range(len(maps) - 1)):
            y = maps[i] + _up(y, 2)
            y = self.smooth[i - 1](y) if i else self.last(y)
        return y


def _stiffened(weights: list[Edges], logs: Float[Tensor, "b 6 h w"]) -> list[Edges]:
    factors = _levels(logs)
    return [
        Edges(w.right * f[:, :1].clamp(-6, 2).exp(), w.down * f[:, 1:].clamp(-6, 2).exp())
        for w, f in zip(weights, factors, strict=True)
    ]


def _wanted(
    slopes: list[Edges], keep: Float[Tensor, "b 3 h w"], moves: Float[Tensor, "b 6 h w"]
) -> list[Edges]:
    kept = _pyramid(keep.sigmoid())
    result = []
    for i, (slope, move) in enumerate(zip(slopes, _levels(MOST_STEP * moves.tanh()), strict=True)):
        lost = 1 - kept[i][:, i : i + 1]
        result.append(Edges(move[:, :1] - lost * slope.right, move[:, 1:] - lost * slope.down))
    return result


def _pyramid(maps: Float[Tensor, "b c h w"]) -> list[Float[Tensor, "b c _ _"]]:
    """Means over 1x1, 2x2 and 4x4 cells."""
    levels = [maps]
    for _ in range(SCALES - 1):
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def _levels(maps: Float[Tensor, "b 6 h w"]) -> list[Float[Tensor, "b 2 _ _"]]:
    """Two channels for each scale, at that scale."""
    return [level[:, 2 * i : 2 * i + 2] for i, level in enumerate(_pyramid(maps))]


def _mean(values: Float[Tensor, "b 1 h w"], mask: Float[Tensor, "b 1 h w"]) -> Tensor:
    total = (values * mask).sum(dim=(2, 3), keepdim=True)
    return total / mask.sum(dim=(2, 3), keepdim=True).clamp(min=1.0)


def _up(x: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b c h2 w2"]:
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


def _zero(conv: nn.Conv2d, bias: float = 0.0) -> nn.Conv2d:
    """The layer that says `bias` whatever it sees, until it learns."""
    nn.init.zeros_(conv.weight)
    assert conv.bias is not None  # noqa: S101 - for types
    nn.init.constant_(conv.bias, bias)
    return conv
