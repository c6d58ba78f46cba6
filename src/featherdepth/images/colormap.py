"""Depth for people: near is warm. Pictures only, never read back as data."""

import math

import numpy as np
from jaxtyping import Float32, UInt8

from featherdepth.errors import UsageError
from featherdepth.geometry.resize import resize_pixels
from featherdepth.geometry.span import span_of
from featherdepth.images.palettes import palette
from featherdepth.types import Depth, DepthKind, Image, MadeMetric, depth_of

INVALID_COLOR = np.array([128, 128, 128], dtype=np.uint8)
BAND = 64
"""Rows painted at a time: what they need stays in the cache."""
Limits = tuple[float | int, float | int]


def colorize(
    depth: Depth | MadeMetric,
    *,
    cmap: str = "Spectral_r",
    legend: bool = False,
    side_by_side: Image | None = None,
    limits: Limits | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
    """Paint a depth map: near is warm (or bright), pixels without a depth are mid gray.

    Colors follow nearness, the same whichever kind the map is of: disparity 1/Z for metric and
    scale-invariant depth, the values themselves for disparity, and reversed depth for
    affine-invariant depth, which is never inverted. The ends of the colors are the 2 % and 98 %
    quantiles of nearness.

    Args:
        cmap: Spectral_r, turbo, inferno, magma, viridis or gray.
        legend: add a bar at the right with the words near and far, and meters for metric depth.
        side_by_side: put this photo at the left, at the height of the map.
        limits: values (near, far) of the map to put at the ends of the colors instead, so that
            several pictures share one scale.

    Raises:
        UsageError: no depth map; an unknown color map; limits that are not finite, equal, in the
            wrong order (of disparity any will do), or not positive where 1/Z is painted.
    """
    depth = depth_of(depth)
    table = palette(cmap)
    far, near = _ends(depth, limits)
    colored = np.empty((*depth.size, 3), dtype=np.uint8)
    for at in range(0, depth.size[0], BAND):
        rows = slice(at, at + BAND)
        levels = _levels(depth.values[rows], depth.kind, far, near)
        # With a mode, `take` writes into `out` at once; no level lies outside.
        table.take(levels, axis=0, out=colored[rows], mode="clip")
    if not depth.valid.all():
        colored[~depth.valid] = INVALID_COLOR
    parts = [colored]
    if side_by_side is not None:
        height, width = side_by_side.size
        fitted = (depth.size[0], max(1, round(width * depth.size[0] / height)))
        parts.insert(0, resize_pixels(side_by_side.pixels, fitted))
    if legend:
        parts.append(_legend(table, depth.size[0], depth.kind, (far, near)))
    return np.concatenate(parts, axis=1) if len(parts) > 1 else colored


def legend_of(
    limits: Limits, height: int, *, cmap: str = "Spectral_r", font_px: int | None = None
) -> UInt8[np.ndarray, "h w 3"]:
    """The bar of metric maps that were painted with these `limits`, by itself.

    Args:
        limits: (near, far) in meters.
        height: of the picture in pixels.
        font_px: of the words; by default it grows with the height.

    Raises:
        UsageError: no depth map; an unknown color map; limits as for `colorize`.
    """
    _check_limits(limits, DepthKind.METRIC)
    near, far = 1 / min(limits), 1 / max(limits)
    return _legend(palette(cmap), height, DepthKind.METRIC, (far, near), font_px)


def _nearness(values: Float32[np.ndarray, "..."], kind: DepthKind) -> Float32[np.ndarray, "..."]:
    """Larger is nearer; linear in what the kind can be linear in."""
    if not kind.affine:
        # Zero stands for "no depth" and is painted gray; it must only not divide.
        return np.float32(1) / values.clip(min=np.float32(1e-6))
    return values if kind is DepthKind.AFFINE_INVARIANT_DISPARITY else -values


def _ends(depth: Depth, limits: Limits | None) -> tuple[float, float]:
    """Nearness of the farthest and the nearest color."""
    if limits is None:
        low, high = span_of(depth.known)
        ends = _nearness(np.array([low, high], dtype=np.float32), depth.kind)
    else:
        _check_limits(limits, depth.kind)
        ends = _nearness(np.array(limits, dtype=np.float32), depth.kind)
    return float(ends.min()), float(ends.max())


def _check_limits(limits: Limits, kind: DepthKind) -> None:
    near, far = limits
    if kind.larger_is == "nearer":
        fits, rule = near != far, "near and far that differ"
    elif kind.affine:
        fits, rule = near < far, "near < far"
    else:
        fits, rule = 0 < near < far, "0 < near < far"
    if not (fits and all(map(math.isfinite, limits))):
        raise UsageError(
            f"limits {limits} are no range of {kind} values to paint; expected finite {rule}"
        )


def _levels(
    values: Float32[np.ndarray, "h w"], kind: DepthKind, far: float, near: float
) -> UInt8[np.ndarray, "h w"]:
    if near > far:
        levels = (_nearness(values, kind) - np.float32(far)) / np.float32(near - far)
    else:  # A flat map has no near and far: it gets the middle color.
        levels = np.full(values.shape, 0.5, dtype=np.float32)
    levels *= np.float32(256)
    return levels.clip(0, 255, out=levels).astype(np.uint8)


def _legend(
    table: UInt8[np.ndarray, "256 3"],
    height: int,
    kind: DepthKind,
    ends: tuple[float, float],
    font_px: int | None = None,
) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the bar: near at the top, as warm as in the map."""
    # Fonts take a while to import, and most maps are saved without a bar.
    import PIL.ImageDraw
    import PIL.ImageFont

    far, near = ends
    font_px = font_px or max(9, min(height // 20, 64))
    margin = min(font_px, height // 4)
    length = height - 2 * margin
    labels = {0.0: "near", 1.0: "far"}
    if kind is DepthKind.METRIC and 0 < far < near:
        labels = {0.0: f"near {1 / near:.3g} m", 1.0: f"far {1 / far:.3g} m"}
        if length >= 6 * font_px:
            labels |= {f: f"{1 / (near + f * (far - near)):.3g} m" for f in (0.25, 0.5, 0.75)}
    font = PIL.ImageFont.load_default(font_px)
    gap, text_left = font_px // 2, 2 * font_px
    text_width = math.ceil(max(font.getlength(text) for text in labels.values()))
    canvas = PIL.Image.new("RGB", (text_left + text_width + gap, height), "white")
    strip = table[np.linspace(255, 0, length).round().astype(int)]
    bar = np.repeat(strip[:, None], font_px, axis=1)
    canvas.paste(PIL.Image.fromarray(bar), (gap, margin))
    draw = PIL.ImageDraw.Draw(canvas)
    frame = (gap, margin, gap + font_px - 1, margin + length - 1)
    draw.rectangle(frame, outline=tuple(INVALID_COLOR.tolist()))
    for fraction, text in labels.items():
        place = (text_left, margin + fraction * (length - 1))
        draw.text(place, text, fill="black", font=font, anchor="lm")
    return np.array(canvas)
