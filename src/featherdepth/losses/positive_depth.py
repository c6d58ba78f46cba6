"""From raw network output to positive depth, by one map an image that the teacher alone decides.

    q2, q98          = 2 % and 98 % quantiles of the teacher's valid values
    t(d)             = eps + (1 - eps) (d - q2) / max(q98 - q2, 1e-3)
    affine depth     z(d) = t(d)                      q2 at eps, q98 at 1: near to far as 1 to 10
    affine disparity z(d) = eps / t(d)                q98 (the nearest) at eps, q2 at 1
                            4 - 4 t(d) / eps          where t < eps / 2: the tangent of the above
    metric and scale-invariant depth: z(d) = d / q98

Raw outputs of a relative network have any scale and sign: unprojected as they are, points would
lie behind the camera. The same map serves teacher and student, so a student whose scale or shift
differs has another depth. z is defined, continuous and strictly monotone for every d: a student
far off keeps a gradient. A range of 1 to 10 is assumed, not known: shapes are approximate.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from featherdepth.losses.zscore import sort_rows
from featherdepth.types import DepthKind

SAMPLES = 1 << 16
"""Quantiles are taken over at most so many values an image."""
LOW, HIGH = 0.02, 0.98
SMALLEST_RANGE = 1e-3
"""Of an affine map, so that a constant one stays finite."""
SMALLEST_DEPTH = 1e-6
"""Of the 98 % quantile where depth has a true zero."""
FARTHEST = 1.5
"""Of what counts; sky that a teacher puts far behind everything is left out."""
MIN_PIXELS = 16
"""An image with fewer usable pixels has no shape to compare."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PositiveDepth:
    """The map of each image of a batch; without gradient."""

    zero: Float[Tensor, " b"]
    """The raw value that goes to t = eps (affine) or z = 0."""
    span: Float[Tensor, " b"]
    """Raw values between there and t = 1, or z = 1."""
    kind: DepthKind
    epsilon: float

    def __call__(self, values: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
        """Z of raw values, the teacher's or the student's."""
        unit = (values - self.zero[:, None]) / self.span[:, None]
        if not self.kind.affine:
            return unit
        eps = self.epsilon
        t = eps + (1 - eps) * unit
        if self.kind is DepthKind.AFFINE_INVARIANT:
            return t
        # Clamped, so that no gradient of the branch that is not taken becomes infinite.
        return torch.where(t > eps / 2, eps / t.clamp(min=eps / 2), 4 - 4 * t / eps)

    def usable(
        self, teacher: Float[Tensor, "b 1 h w"], valid: Bool[Tensor, "b 1 h w"]
    ) -> Bool[Tensor, "b h*w"]:
        """Where the teacher's depth is known and sensible; nothing in an image with too few.

        Valid, finite, above eps / 2 (affine) or 0, and below 1.5. The student is not looked at: a
        mask that it could influence would be gamed.
        """
        depth = self(teacher.detach().flatten(1))
        lowest = self.epsilon / 2 if self.kind.affine else 0.0
        # NaN is neither above nor below.
        usable = valid.flatten(1) & (depth > lowest) & (depth < FARTHEST)
        return usable & (usable.sum(dim=1, keepdim=True) >= MIN_PIXELS)


def fit_positive(
    teacher: Float[Tensor, "b 1 h w"],
    valid: Bool[Tensor, "b 1 h w"],
    *,
    kind: DepthKind,
    epsilon: float,
) -> PositiveDepth:
    """Find the maps of a batch from the teacher's valid, finite values."""
    low, high = _quantiles(teacher.detach(), valid & teacher.isfinite()).unbind(dim=1)
    if kind.affine:
        zero, span = low, (high - low).clamp(min=SMALLEST_RANGE)
    else:
        zero, span = torch.zeros_like(high), high.clamp(min=SMALLEST_DEPTH)
    return PositiveDepth(zero=zero, span=span, kind=kind, epsilon=epsilon)


def _quantiles(
    values: Float[Tensor, "b 1 h w"], known: Bool[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 2"]:
    """2 % and 98 % of the known values of a fixed sub-sample; zeros where none is known."""
    flat = values.masked_fill(~known, torch.inf).flatten(1)
    # An odd stride does not walk down one column of an even-sized map.
    stride = (flat.shape[1] - 1) // SAMPLES + 1 | 1
    ordered = sort_rows(flat[:, ::stride].contiguous())
    last = (ordered.isfinite().sum(dim=1, keepdim=True) - 1).clamp(min=0)
    rank = last * torch.tensor([LOW, HIGH], dtype=values.dtype, device=values.device)
    below = rank.floor().long()
    found = ordered.gather(1, below).lerp(
        ordered.gather(1, (below + 1).minimum(last)), rank - below
    )
    return torch.where(known.flatten(1).any(dim=1, keepdim=True), found, 0.0).nan_to_num(
        nan=0.0, posinf=0.0
    )
