"""Procedural textures: each function paints one tile of mixing weights for a material's 3 colors.

A tile is SIDE x SIDE x 3 in 0..1; the color of a surface is the sum of weight
times color, so one tile serves many color schemes. Every tile repeats without a seam unless it is
made to be stretched over one face ("fit").
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

SIDE = 256
Tile = Float[np.ndarray, "256 256 3"]
Plane = Float[np.ndarray, "256 256"]
Rng = np.random.Generator

_FREQUENCY = np.hypot(
    np.fft.fftfreq(SIDE, 1 / SIDE)[:, None], np.fft.rfftfreq(SIDE, 1 / SIDE)[None]
)
_V, _U = np.meshgrid(np.arange(SIDE) / SIDE, np.arange(SIDE) / SIDE, indexing="ij")


def noise(rng: Rng, power: float = 1.5, stretch: float = 1.0, low: float = 1.0) -> Plane:
    """Seamless noise with spectrum 1/f^power, uniform in 0..1; `stretch` > 1 draws it along u."""
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    fy = np.fft.fftfreq(SIDE, 1 / SIDE)[:, None]
    fx = np.fft.rfftfreq(SIDE, 1 / SIDE)[None] * stretch
    f = np.maximum(np.hypot(fy, fx), low)
    field = np.fft.irfft2(spectrum / f**power * (_FREQUENCY > 0), (SIDE, SIDE))
    field = (field - field.mean()) / max(float(field.std()), 1e-9)
    result: Plane = 1 / (1 + np.exp(-1.7 * field))  # close to the normal distribution function
    return result


def mix(first: Plane, shade: Plane | float = 1.0, third: Plane | float = 0.0) -> Tile:
    """Weights: `third` over a blend of colors 0 (`first` = 1) and 1, all times `shade`."""
    rest = 1 - third
    layers = [first * rest * shade, (1 - first) * rest * shade, third * shade + 0 * first]
    return np.asarray(np.clip(np.stack(np.broadcast_arrays(*layers), -1), 0, 1))


def plain(rng: Rng) -> Tile:
    return mix(np.ones_like(_U), 1 - rng.uniform(0.02, 0.12) * noise(rng, 1.2))


def plaster(rng: Rng) -> Tile:
    return mix(noise(rng, rng.uniform(0.8, 2)), 1 - 0.15 * noise(rng, 0.4))


def wood(rng: Rng) -> Tile:
    warp = noise(rng, 2.2, stretch=6)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (rng.integers(3, 9) * _V + rng.uniform(0.5, 3) * warp))
    fine = noise(rng, 0.6, stretch=rng.uniform(10, 25))
    return mix(0.6 * rings + 0.4 * fine, 0.8 + 0.2 * fine)


def planks(rng: Rng) -> Tile:
    rows, grain = int(rng.integers(4, 10)), noise(rng, 0.9, stretch=18)
    row = np.floor(_V * rows).astype(int)
    shift, tone = rng.random(rows)[row], rng.random((rows, 3))
    boards = 2 if rng.random() < 0.7 else 3
    board = np.floor((_U + shift) * boards).astype(int) % boards
    shade = tone[row, board]
    edge = 0.6 / SIDE * rows
    gap = (np.abs(_V * rows % 1 - 0.5) > 0.5 - 2 * edge) | (((_U + shift) * boards) % 1 < 0.012)
    return mix(np.clip(0.5 * shade + 0.5 * grain, 0, 1), np.where(gap, 0.45, 0.85 + 0.15 * shade))


def brick(rng: Rng) -> Tile:
    rows, columns = int(rng.choice([6, 8, 10])), int(rng.choice([2, 3, 4]))
    row = np.floor(_V * rows).astype(int)
    u = _U * columns + 0.5 * (row % 2)
    joint = rng.uniform(0.04, 0.1)
    mortar = (_V * rows % 1 < joint * 1.6) | (u % 1 < joint)
    tone = rng.random((rows, columns))[row, np.floor(u).astype(int) % columns]
    rough = noise(rng, 0.7)
    return mix(np.clip(0.7 * tone + 0.3 * rough, 0, 1), 0.75 + 0.25 * rough, mortar * 1.0)


def tiles(rng: Rng) -> Tile:
    n = int(rng.choice([2, 3, 4, 6, 8]))
    wide = int(rng.choice([1, 1, 1, 2])) * n
    x, y = np.floor(_U * wide).astype(int), np.floor(_V * n).astype(int)
    joint = rng.uniform(0.015, 0.05)
    grout = (_U * wide % 1 < joint * wide / n) | (_V * n % 1 < joint)
    style = rng.random()
    if style < 0.3:
        tone = ((x + y) % 2).astype(float)
    elif style < 0.8:
        tone = 1 - 0.25 * rng.random((n, wide))[y, x]
    else:
        tone = rng.random((n, wide))[y, x]
    cloud = noise(rng, 1.6)
    return mix(np.clip(0.85 * tone + 0.15 * cloud, 0, 1), 0.88 + 0.12 * cloud, grout * 1.0)


def stripes(rng: Rng) -> Tile:
    cuts = np.sort(rng.random(int(rng.integers(4, 24))))
    weights = rng.dirichlet((0.4, 0.4, 0.4), size=len(cuts) + 1)
    weights[-1] = weights[0]
    band = weights[np.searchsorted(cuts, _U)]
    return np.clip(band * (0.85 + 0.15 * noise(rng, 0.3))[..., None], 0, 1)


def plaid(rng: Rng) -> Tile:
    across, down = stripes(rng), stripes(rng).transpose(1, 0, 2)
    return np.asarray(0.5 * (across + down))


def carpet(rng: Rng) -> Tile:
    fine, large = noise(rng, 0.25), noise(rng, 1.8)
    return mix(np.clip(0.6 * large + 0.4 * fine, 0, 1), 0.6 + 0.4 * fine)


def rug(rng: Rng) -> Tile:
    """Borders and a motif mirrored into four quarters; made to be stretched over a face."""
    edge = np.minimum(np.minimum(_U, 1 - _U), np.minimum(_V, 1 - _V))
    field = noise(rng, 1.1)
    field = (field + field[::-1] + field[:, ::-1] + field[::-1, ::-1]) / 4
    weights = np.stack([field > 0.53, (field <= 0.53) & (field > 0.45), field <= 0.45], -1) * 1.0
    for border in np.sort(rng.uniform(0.02, 0.2, int(rng.integers(1, 4))))[::-1]:
        weights[edge < border] = rng.dirichlet((0.4, 0.4, 0.4))
    return np.clip(weights * (0.75 + 0.25 * noise(rng, 0.3))[..., None], 0, 1)


def marble(rng: Rng) -> Tile:
    vein = np.abs(noise(rng, 1.5) - 0.5) * 2
    return mix(np.clip(vein ** rng.uniform(0.2, 0.6), 0, 1), 0.9 + 0.1 * noise(rng, 1))


def speckle(rng: Rng) -> Tile:
    grain = noise(rng, rng.uniform(0.2, 0.6))
    return mix((grain > rng.uniform(0.3, 0.7)) * 1.0, 0.85 + 0.15 * grain, (grain > 0.93) * 1.0)


def fabric(rng: Rng) -> Tile:
    n = int(rng.choice([16, 32, 48]))
    weave = 0.5 + 0.25 * (np.sin(2 * np.pi * n * _U) + np.sin(2 * np.pi * n * _V))
    folds = noise(rng, 2.4)
    return mix(np.clip(0.5 * weave + 0.5 * noise(rng, 0.6), 0, 1), 0.65 + 0.35 * folds)


def blobs(rng: Rng, count: int = 60, size: float = 0.09) -> Tile:
    """Ellipses of random blends on a ground, wrapped around the edges."""
    weights = np.zeros((SIDE, SIDE, 3)) + rng.dirichlet((1, 0.3, 0.3))
    reach = int(size * SIDE) + 1
    window = np.arange(-reach, reach + 1)
    for _ in range(count):
        cu, cv, angle = rng.random() * SIDE, rng.random() * SIDE, rng.uniform(0, np.pi)
        column, row = int(cu) + window, int(cv) + window
        du, dv = ((column - cu) / SIDE)[None], ((row - cv) / SIDE)[:, None]
        a, b = rng.uniform(0.3, 1, 2) * size
        x = (du * np.cos(angle) + dv * np.sin(angle)) / a
        y = (dv * np.cos(angle) - du * np.sin(angle)) / b
        down, across = np.nonzero(x * x + y * y < 1)
        blend = rng.dirichlet((0.4, 0.4, 0.4)) * rng.uniform(0.6, 1)
        weights[row[down] % SIDE, column[across] % SIDE] = blend
    return np.clip(weights, 0, 1)


def foliage(rng: Rng) -> Tile:
    leaves = blobs(rng, 220, rng.uniform(0.03, 0.06))
    return leaves * (0.45 + 0.55 * noise(rng, 1.2))[..., None]


def books(rng: Rng) -> Tile:
    """A row of spines for one shelf board; stretched over a face."""
    weights, left = np.zeros((SIDE, SIDE, 3)), 0
    while left < SIDE:
        width, tall = int(rng.integers(5, 18)), int(SIDE * rng.uniform(0.68, 1.0))
        spine = weights[SIDE - tall :, left : left + width]
        spine[:] = rng.dirichlet((0.5, 0.5, 0.5)) * rng.uniform(0.35, 1)
        spine[:, :1] *= 0.4
        if rng.random() < 0.6:
            at = int(rng.uniform(0.1, 0.7) * tall)
            spine[at : at + int(rng.integers(4, 50)), 1:-1] = rng.dirichlet((0.3, 0.3, 0.3))
        left += width
    return weights


def slats(rng: Rng) -> Tile:
    n = int(rng.choice([12, 20, 32]))
    phase = _V * n % 1
    return mix((phase > rng.uniform(0.1, 0.35)) * 1.0, 0.7 + 0.3 * phase)


def concrete(rng: Rng) -> Tile:
    stain = noise(rng, 1.8)
    dots = noise(rng, 0.2)
    return mix(stain, 0.85 + 0.15 * noise(rng, 0.9), (dots > 0.97) * 0.6)


def grass(rng: Rng) -> Tile:
    blades = noise(rng, 0.5)
    return mix(noise(rng, 1.5), 0.45 + 0.55 * blades, (blades > 0.9) * 0.5)


def facade(rng: Rng) -> Tile:
    """One window bay of a house front; repeats in meters."""
    weights = mix(np.ones_like(_U), 0.85 + 0.15 * noise(rng, 0.9))
    if rng.random() < 0.4:
        weights = brick(rng)
        weights[..., 2] *= 0.6
    w, h = rng.uniform(0.12, 0.32), rng.uniform(0.2, 0.36)
    x, y = np.abs(_U - 0.5), np.abs(_V - rng.uniform(0.45, 0.6))
    weights[(x < w + 0.03) & (y < h + 0.03)] = (0.0, 0.0, 0.95)
    pane = (x < w) & (y < h) & ~((x < 0.012) | (np.abs(y - h * 0.3) < 0.012))
    weights[pane] = (np.array([0.05, 0.85, 0.1]) * (0.4 + 0.6 * noise(rng, 2)[..., None]))[pane]
    return np.asarray(np.clip(weights, 0, 1))


def roof(rng: Rng) -> Tile:
    rows = int(rng.choice([8, 12, 16]))
    wave = np.abs(np.sin(np.pi * (_U * rows + 0.5 * (np.floor(_V * rows) % 2))))
    return mix(noise(rng, 1), (0.55 + 0.45 * (_V * rows % 1)) * (0.7 + 0.3 * wave))


def writing(rng: Rng) -> Tile:
    """Paper or a notice: rows of small dark marks."""
    rows = int(rng.integers(8, 26))
    word = noise(rng, 0.5, stretch=0.4) > 0.42
    line = (
        (_V * rows % 1 > 0.45)
        & (_U > 0.08)
        & (rng.random(rows)[(_V * rows).astype(int)] + 0.3 > _U)
    )
    return mix(np.ones_like(_U), 1.0, (word & line & (_U < 0.92)) * 1.0)


def screen(rng: Rng) -> Tile:
    weights = np.zeros((SIDE, SIDE, 3)) + rng.dirichlet((0.3, 0.3, 0.3)) * rng.uniform(0.1, 1)
    for _ in range(int(rng.integers(2, 14))):
        x, y = rng.integers(0, SIDE - 20, 2)
        w, h = rng.integers(8, 160, 2)
        weights[y : y + h, x : x + w] = rng.dirichlet((0.3, 0.3, 0.3)) * rng.uniform(0.2, 1)
    return weights


def panels(rng: Rng) -> Tile:
    """A door or cupboard front with raised fields; stretched over a face."""
    shade = 0.92 + 0.08 * noise(rng, 0.7, stretch=0.2)
    columns, rows = int(rng.choice([1, 1, 2])), int(rng.choice([1, 2, 2, 3]))
    x, y = np.abs(_U * columns % 1 - 0.5), np.abs(_V * rows % 1 - 0.5)
    edge = np.maximum(x * (1 + 0.2 * columns), y)
    ring, inner = (edge > 0.36) & (edge < 0.40), edge < 0.36
    upper = (_V * rows % 1 < 0.5) == (y > x)
    shade = np.where(ring, shade * np.where(upper, 0.55, 1.1), shade * np.where(inner, 0.95, 1))
    return mix(np.ones_like(_U), np.clip(shade, 0, 1))


def drawers(rng: Rng) -> Tile:
    rows, columns = int(rng.integers(1, 6)), int(rng.choice([1, 2, 2, 3]))
    y, x = _V * rows % 1, _U * columns % 1
    gap = (np.minimum(y, 1 - y) < 0.012 * rows) | (np.minimum(x, 1 - x) < 0.012 * columns)
    knob = (np.abs(y - 0.5) < 0.02 * rows) & (np.abs(x - 0.5) < rng.uniform(0.02, 0.12))
    grain = noise(rng, 0.9, stretch=12)
    return mix(grain, np.where(gap, 0.3, 0.9), knob * 1.0)


def painting(rng: Rng) -> Tile:
    weights = blobs(rng, int(rng.integers(5, 40)), rng.uniform(0.1, 0.4))
    edge = np.minimum(np.minimum(_U, 1 - _U), np.minimum(_V, 1 - _V))
    if rng.random() < 0.6:
        weights[edge < rng.uniform(0.04, 0.16)] = 0.95
    return weights


def clouds(rng: Rng) -> Tile:
    return mix(np.clip(noise(rng, rng.uniform(1.4, 2.2)) * 2 - 0.7, 0, 1))


PATTERNS: dict[str, tuple[Callable[[Rng], Tile], int]] = {
    "plain": (plain, 6), "plaster": (plaster, 6), "wood": (wood, 12), "planks": (planks, 10),
    "brick": (brick, 8), "tiles": (tiles, 14), "stripes": (stripes, 10), "plaid": (plaid, 8),
    "carpet": (carpet, 8), "rug": (rug, 10), "marble": (marble, 6), "speckle": (speckle, 6),
    "fabric": (fabric, 8), "blobs": (blobs, 8), "foliage": (foliage, 8), "books": (books, 14),
    "slats": (slats, 4), "concrete": (concrete, 6), "grass": (grass, 6), "facade": (facade, 14),
    "roof": (roof, 4), "writing": (writing, 6), "screen": (screen, 8), "panels": (panels, 8),
    "drawers": (drawers, 10), "painting": (painting, 12), "clouds": (clouds, 8),
}  # fmt: skip
