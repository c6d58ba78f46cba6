"""Pair-wise normals: the angle between the surfaces at two points, asked mostly across edges.

    aligned = scale * student + shift, the least-squares fit to the target
    c_S, c_T = |cosine| of the normals of `aligned` and of the target at the two points of a pair
    loss = mean |c_T - c_S| over the pairs across edges with c_T < 0.3
         + mean |c_T - c_S| over those with c_T > 0.95
         + mean |c_T - c_S| over random pairs

Pairs across edges come from the photo and from the target's normals: where walls meet, and where a
picture changes on one wall. Neither side of a depth edge has a normal of its own, so whatever is
near one (or near a pixel without depth) is left out. Scale and shift of the student change
nothing (LeReS, Yin et al. 2021, section 3.3; groups and alignment as its released code has them).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from featherdepth.losses.edge_pairs import NUMBERS, pairs_across, sobel
from featherdepth.losses.normals import erode, known_intrinsics, normals, reach
from featherdepth.losses.views import Views
from featherdepth.losses.wide import widen, without_autocast

ACROSS, ALIKE = 0.3, 0.95
"""Cosines below and above which an edge pair counts: a corner, or one plane."""
RIDGE = 1e-6
"""Added to the student's variance: a flat map has no fit of its own."""


class PairwiseNormal(nn.Module):
    """Angles between the surfaces at pairs of points; for targets in depth up to scale."""

    order_only: ClassVar[bool] = False
    """It may see where only the order of the target is known."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """Recipe keys."""

        anchors: int = 1000
        """Points on edges of the photo, and as many on edges of the normals. Each gives three
        pairs, and as many random pairs are added."""
        spacings: tuple[int, int] = (2, 4)
        """Pixels from a point to those its normal is taken from; both results are averaged."""
        depth_edge: float = 0.1
        """Depths two pixels apart that differ by more than this fraction lie across an edge."""
        min_valid: int = 101
        """An image with fewer pixels that have a normal counts 0."""

        def __post_init__(self) -> None:
            if self.anchors < 1:
                raise ValueError(f"anchors must be at least 1, got {self.anchors}")
            if min(self.spacings) < 1:
                raise ValueError(f"spacings must be at least 1, got {list(self.spacings)}")
            if not 0 < self.depth_edge < 2:
                raise ValueError(f"depth_edge must be in 0..2, got {self.depth_edge}")
            if self.min_valid < 1:
                raise ValueError(f"min_valid must be at least 1, got {self.min_valid}")

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def forward(
        self,
        student: Float[Tensor, "b 1 h w"],
        teacher: Float[Tensor, "b 1 h w"],
        valid: Bool[Tensor, "b 1 h w"],
        views: Views,
    ) -> Float[Tensor, " b"]:
        """One value per image; 0, with a gradient of 0, for an image with too few normals.

        Args:
            teacher: depth above 0 (larger is farther), up to scale.
            views: an unknown camera counts as one of 60 degrees upright.
        """
        with without_autocast(student):
            student, target = widen(student, teacher)
            target = torch.where(valid, target, 1.0)
            camera = known_intrinsics(views.intrinsics, *target.shape[-2:])
            truth = normals(target, camera, self.config.spacings)
            aligned = align(torch.where(valid, student, 0.0), target, valid)
            found = normals(aligned, camera, self.config.spacings)
            # NaN differs from nothing: what has no depth makes no edge of its own.
            jumps = depth_edges(target.masked_fill(~valid, torch.nan), self.config.depth_edge)
            smooth = valid & ~jumps
            known = erode(smooth, reach(self.config.spacings))
            across, random = self._draw_pairs(truth * known, views)
            edges, scattered = (cosines(truth, found, known, p) for p in (across, random))
            loss = (
                mean_gap(*edges, above=0.0, below=ACROSS)
                + mean_gap(*edges, above=ALIKE, below=torch.inf)
                + mean_gap(*scattered, above=0.0, below=torch.inf)
            )
            enough = known.flatten(1).sum(dim=1) >= self.config.min_valid
            return torch.where(enough, loss, 0.0 * loss)

    on_views = forward

    def _draw_pairs(
        self, truth: Float[Tensor, "b 3 h w"], views: Views
    ) -> tuple[Int64[Tensor, "b n 2"], Int64[Tensor, "b m 2"]]:
        """Pairs across edges of the red channel and of the normals, and random ones."""
        n = self.config.anchors
        drawn = [torch.rand(n, 2 * NUMBERS + 12, generator=g) for g in views.generators]
        numbers = torch.stack(drawn).to(truth)
        photo = pairs_across(*sobel(views.images[:, :1].to(truth)), numbers[..., :NUMBERS])
        surface = pairs_across(*normal_edges(truth), numbers[..., NUMBERS : 2 * NUMBERS])
        pixels = truth[0, 0].numel()
        random = (numbers[..., 2 * NUMBERS :] * pixels).long().clamp(max=pixels - 1)
        return torch.cat([photo, surface], dim=1), random.reshape(len(truth), -1, 2)


def depth_edges(target: Float[Tensor, "b 1 h w"], ratio: float) -> Bool[Tensor, "b 1 h w"]:
    """Where depth jumps: the pixel before and the one behind differ by `ratio` of their mean.

    The rim of the map, which has no pixel on one side, has no edge there.
    """
    edges = torch.zeros_like(target, dtype=torch.bool)
    for dim in (2, 3):
        length = max(target.shape[dim] - 2, 0)
        one, other = target.narrow(dim, 0, length), target.narrow(dim, -length, length)
        step = (one - other).abs() > ratio / 2 * (one + other)
        edges.narrow(dim, 1, length).logical_or_(step)
    return edges


def align(
    student: Float[Tensor, "b 1 h w"],
    target: Float[Tensor, "b 1 h w"],
    valid: Bool[Tensor, "b 1 h w"],
) -> Float[Tensor, "b 1 h w"]:
    """Scale and shift each map to its target: least squares over valid pixels, with gradient."""
    count = valid.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)

    def mean(values: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 1 1"]:
        return torch.where(valid, values, 0.0).sum(dim=(1, 2, 3), keepdim=True) / count

    level = mean(target)
    centered = student - mean(student)
    scale = mean(centered * (target - level)) / (mean(centered.square()) + RIDGE)
    return scale * centered + level


def normal_edges(
    truth: Float[Tensor, "b 3 h w"],
) -> tuple[Float[Tensor, "b 1 h w"], Float[Tensor, "b 1 h w"]]:
    """At each pixel the gradient of the component that changes most; 0 beside an unknown normal.

    Plain differences: the normals are smooth already.
    """
    here = truth.any(dim=1, keepdim=True)
    known = here[..., 1:-1, 2:] & here[..., 1:-1, :-2] & here[..., 2:, 1:-1] & here[..., :-2, 1:-1]
    along_x = (truth[..., 1:-1, 2:] - truth[..., 1:-1, :-2]) * known
    along_y = (truth[..., 2:, 1:-1] - truth[..., :-2, 1:-1]) * known
    strength = along_x.square() + along_y.square()
    x, y, most = (values[:, :1] for values in (along_x, along_y, strength))
    # Not argmax: over an axis of 3 it takes as long as all the rest.
    for c in (1, 2):
        more = strength[:, c : c + 1] > most
        x = torch.where(more, along_x[:, c : c + 1], x)
        y = torch.where(more, along_y[:, c : c + 1], y)
        most = torch.where(more, strength[:, c : c + 1], most)
    return F.pad(x, (1, 1, 1, 1)), F.pad(y, (1, 1, 1, 1))


def cosines(
    truth: Float[Tensor, "b 3 h w"],
    found: Float[Tensor, "b 3 h w"],
    known: Bool[Tensor, "b 1 h w"],
    pairs: Int64[Tensor, "b n 2"],
) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"], Bool[Tensor, "b n"]]:
    """|Cosine| of both maps at each pair, and which pairs are two points with known normals."""
    first, second = pairs.unbind(dim=2)

    def cosine(directions: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n"]:
        flat = directions.flatten(2)
        ends = (flat.gather(2, end[:, None].expand(-1, 3, -1)) for end in (first, second))
        one, other = ends
        return (one * other).sum(dim=1).abs()

    flat = known.flatten(1)
    use = flat.gather(1, first) & flat.gather(1, second) & (first != second)
    return cosine(truth), cosine(found), use


def mean_gap(
    truth: Float[Tensor, "b n"],
    found: Float[Tensor, "b n"],
    use: Bool[Tensor, "b n"],
    *,
    above: float,
    below: float,
) -> Float[Tensor, " b"]:
    """Mean difference over the pairs in use with `above` <= true cosine < `below`; 0 for none."""
    use = use & (truth >= above) & (truth < below)
    return torch.where(use, (truth - found).abs(), 0.0).sum(dim=1) / use.sum(dim=1).clamp(min=1)
