"""A contact sheet: each frame's picture with its depth below, near is bright."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

CELL = (240, 180)


def depth_picture(depth: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Inverse depth as warm-to-cold colors; unknown is black."""
    known = depth > 0
    inverse = np.where(known, 1 / np.maximum(depth, 1e-3), 0)
    low, high = np.quantile(inverse[known], (0.02, 0.98)) if known.any() else (0.0, 1.0)
    x = np.clip((inverse - low) / max(high - low, 1e-9), 0, 1)
    stops = np.array(
        [[40, 30, 110], [50, 130, 190], [170, 220, 160], [250, 170, 80], [160, 20, 50]]
    )
    at = x * (len(stops) - 1)
    base = np.minimum(at.astype(int), len(stops) - 2)
    share = (at - base)[..., None]
    color = stops[base] * (1 - share) + stops[base + 1] * share
    return np.asarray(color * known[..., None], np.uint8)


def contact_sheet(
    pairs: Sequence[tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "h w"]]],
    path: Path,
    columns: int = 6,
) -> None:
    """Save a PNG of picture-above-depth cells."""
    rows = -(-len(pairs) // columns)
    sheet = Image.new("RGB", (columns * CELL[0], rows * 2 * CELL[1]))
    for k, (image, depth) in enumerate(pairs):
        x, y = k % columns * CELL[0], k // columns * 2 * CELL[1]
        sheet.paste(Image.fromarray(image).resize(CELL), (x, y))
        shown = Image.fromarray(depth_picture(depth))
        sheet.paste(shown.resize(CELL, Image.Resampling.NEAREST), (x, y + CELL[1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
