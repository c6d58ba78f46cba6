"""The depth models of transformers: what their numbers mean, and how their output becomes a map.

Depth Anything   disparity up to scale and shift; with `depth_estimation_type` "metric", metres
DPT              disparity up to scale and shift; those with a projection in front of the head
                 are the DINOv2 heads trained on NYU or KITTI, which give metres
ZoeDepth, GLPN   metres
DepthPro         1 / depth for a focal length of one picture width; with the field of view that
                 it predicts, metres: depth = 1 / (raw * 2 tan(fov / 2)). Without that head, up
                 to scale
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor

from featherdepth.distill.teachers.hub.preprocessing import Habit
from featherdepth.errors import UsageError
from featherdepth.types import DepthKind

NEAREST, FARTHEST = 1e-4, 1e4
"""Bounds of DepthPro's depth, in metres."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One model type."""

    habit: Habit
    kind: Callable[[Any], DepthKind]
    """Of its config."""
    depth: Callable[[Any], Tensor] = operator.attrgetter("predicted_depth")
    """Of its output: maps `b h w` of that kind."""
    square: Callable[[Any], bool] | None = None
    """By config, whether it takes square pictures only."""
    alone: Callable[[Any], bool] | None = None
    """By config, whether the map of a photo depends on its neighbors in a batch."""


def family_of(config: Mapping[str, Any], where: str) -> Family:
    """The family that a config.json belongs to.

    Raises:
        UsageError: not one of those whose numbers are known.
    """
    model_type = str(config.get("model_type", ""))
    if model_type in REFUSED:
        raise UsageError(f"{where}: {REFUSED[model_type]}")
    if model_type not in FAMILIES:
        near = get_close_matches(model_type, FAMILIES, n=1)
        hint = f"; nearest: {near[0]}" if near else ""
        raise UsageError(
            f"{where}: model type {model_type!r} is not a known depth model{hint}; expected one of"
            f" {', '.join(sorted(FAMILIES))}; others fit in as py:module:function"
        )
    return FAMILIES[model_type]


def _depth_anything_kind(config: Any) -> DepthKind:
    metric = config.depth_estimation_type == "metric"
    return DepthKind.METRIC if metric else DepthKind.AFFINE_INVARIANT_DISPARITY


def _dpt_kind(config: Any) -> DepthKind:
    return DepthKind.METRIC if config.add_projection else DepthKind.AFFINE_INVARIANT_DISPARITY


def _dpt_square(config: Any) -> bool:
    """The library's own ViT folds its tokens into a square; backbones know their shape."""
    return bool(config.is_hybrid or config.backbone_config is None)


def _metric(_: Any) -> DepthKind:
    return DepthKind.METRIC


def _depth_pro_kind(config: Any) -> DepthKind:
    return DepthKind.METRIC if config.use_fov_model else DepthKind.SCALE_INVARIANT


def _depth_pro(output: Any) -> Tensor:
    inverse: Tensor = output.predicted_depth
    if output.field_of_view is not None:
        # 2 tan(fov / 2) is picture width / focal length, whatever the width.
        half = torch.deg2rad(output.field_of_view).reshape(-1, 1, 1) / 2
        inverse = inverse * 2 * torch.tan(half)
    return 1 / inverse.clamp(1 / FARTHEST, 1 / NEAREST)


def _routes_by_vote(config: Any) -> bool:
    """With two heads (indoors, outdoors) the whole batch votes for one."""
    return len(config.bin_configurations or ()) > 1


FAMILIES: dict[str, Family] = {
    "depth_anything": Family(habit="dpt", kind=_depth_anything_kind),
    "depth_pro": Family(habit="depth_pro", kind=_depth_pro_kind, depth=_depth_pro),
    "dpt": Family(habit="dpt", kind=_dpt_kind, square=_dpt_square),
    "glpn": Family(habit="glpn", kind=_metric),
    "zoedepth": Family(habit="zoedepth", kind=_metric, alone=_routes_by_vote),
}

REFUSED = {
    "prompt_depth_anything": (
        "needs measured depth as a prompt beside each photo; a teacher sees photos only: take a"
        " Depth Anything model"
    ),
    "chmv2": "gives the height of trees seen from above, not depth",
}
