"""Plausible looks: paints, woods, fabrics, floors; colors are linear light."""

import colorsys
from dataclasses import replace
from functools import cached_property

import numpy as np
from tools.render.scene import Color, Material
from tools.render.textures import Bank

Three = tuple[Color, Color, Color]


def hsv(h: float, s: float, v: float) -> Color:
    """Linear color from display hue, saturation, value."""
    r, g, b = colorsys.hsv_to_rgb(h % 1, min(max(s, 0), 1), min(max(v, 0), 1))
    return (r**2.2, g**2.2, b**2.2)


class Palette:
    """Draws materials; what a scene uses again and again (its wood, its cloth) is drawn once."""

    def __init__(self, rng: np.random.Generator, bank: Bank) -> None:
        self.rng, self.bank = rng, bank

    def near(self, h: float, s: float, v: float, spread: float = 0.15) -> Three:
        """Three shades around one color."""
        r = self.rng
        return (
            hsv(h, s, v),
            hsv(h + r.normal(0, 0.02), s * r.uniform(0.7, 1.3), v * (1 - r.uniform(0, spread))),
            hsv(h + r.normal(0, 0.03), s * r.uniform(0.6, 1.2), v * (1 - r.uniform(0, 2 * spread))),
        )

    def vivid(self) -> Three:
        """Three colors that may differ much."""
        r = self.rng
        base = r.random()
        values = r.uniform(0.1, 0.95, 3)
        hues = base + r.choice([0, 0, 0.08, 0.5, 0.33], 3)
        sats = r.beta(1.3, 2.2, 3)
        return (
            hsv(hues[0], sats[0], values[0]),
            hsv(hues[1], sats[1], values[1]),
            hsv(hues[2], sats[2] * 0.6, values[2]),
        )

    def make(
        self,
        colors: Three,
        *textures: str,
        scale: float = 1.0,
        fit: bool = False,
        gloss: float = 0.0,
        turn: bool = False,
    ) -> Material:
        return Material(
            texture=self.bank.pick(self.rng, *textures),
            colors=colors,
            scale=scale,
            fit=fit,
            gloss=gloss,
            turn=turn,
        )

    # -- big surfaces ---------------------------------------------------------------------------
    def paint(self) -> Material:
        """Wall paint, mostly pale and warm, sometimes strong or papered."""
        r = self.rng
        style = r.random()
        if style < 0.7:
            colors = self.near(
                r.uniform(0.05, 0.15), r.beta(1.3, 5) * 0.6, r.uniform(0.68, 0.97), 0.05
            )
        elif style < 0.92:
            colors = self.near(r.random(), r.beta(1.5, 4) * 0.5, r.uniform(0.5, 0.92), 0.06)
        else:
            colors = self.near(r.random(), r.uniform(0.15, 0.5), r.uniform(0.3, 0.7), 0.1)
        if r.random() < 0.12:
            return self.make(colors, "stripes", "blobs", "rug", "plaid", scale=r.uniform(0.5, 1.6))
        if r.random() < 0.04:
            bricks = self.near(r.uniform(0.0, 0.08), r.uniform(0.2, 0.6), r.uniform(0.4, 0.8), 0.3)
            return self.make(bricks, "brick", scale=r.uniform(0.6, 1.0))
        return self.make(colors, "plain", "plaster", "plain", scale=r.uniform(0.8, 2.5))

    def ceiling(self) -> Material:
        white = self.near(0.1, self.rng.uniform(0, 0.08), self.rng.uniform(0.8, 0.97), 0.05)
        if self.rng.random() < 0.2:
            return self.make(white, "tiles", scale=2.4)
        return self.make(white, "plain", "plaster", scale=2)

    def floor(self, wet: bool = False) -> Material:
        r = self.rng
        style = r.random()
        if wet or style < 0.2:
            pale = self.near(r.uniform(0.03, 0.16), r.beta(1.3, 4), r.uniform(0.4, 0.9), 0.2)
            return self.make(
                pale, "tiles", "marble", "tiles", scale=r.uniform(0.8, 2.4), gloss=0.25
            )
        if style < 0.55:
            return replace(
                self.any_wood("planks"), scale=r.uniform(0.7, 1.6), turn=r.random() < 0.5
            )
        if style < 0.88:
            soft = self.near(
                r.choice([0.08, 0.1, r.random()]), r.beta(1.5, 4), r.uniform(0.3, 0.85), 0.2
            )
            return self.make(soft, "carpet", "speckle", "carpet", scale=r.uniform(0.4, 1.5))
        grey = self.near(0.1, 0.08, r.uniform(0.3, 0.8), 0.2)
        return self.make(grey, "concrete", "plaid", "plaster", scale=r.uniform(0.8, 2), gloss=0.15)

    # -- furniture ------------------------------------------------------------------------------
    def any_wood(self, texture: str = "wood") -> Material:
        r = self.rng
        tone = r.uniform(0.15, 0.85)
        colors = self.near(r.uniform(0.03, 0.1), r.uniform(0.3, 0.75), tone, 0.28)
        return self.make(
            colors, texture, scale=r.uniform(0.5, 1.2), gloss=r.choice([0, 0.08, 0.25])
        )

    @cached_property
    def wood(self) -> Material:
        """The wood of this scene; a fifth of the scenes have white or colored furniture instead."""
        if self.rng.random() < 0.2:
            return self.lacquer
        return self.any_wood()

    @cached_property
    def lacquer(self) -> Material:
        r = self.rng
        pale = r.random() < 0.75
        s, v = (
            (0.05, r.uniform(0.75, 0.97)) if pale else (r.uniform(0.2, 0.8), r.uniform(0.15, 0.7))
        )
        return self.make(self.near(r.random(), s, v, 0.05), "plain", scale=1, gloss=0.2)

    def some_wood(self) -> Material:
        return self.wood if self.rng.random() < 0.6 else self.any_wood()

    def face(self, base: Material, *textures: str) -> Material:
        """A front with grooves in the colors of `base`, stretched over the face."""
        first, second, _ = base.colors
        handle = hsv(0.1, 0.1, self.rng.choice([0.1, 0.5, 0.8]))
        texture = self.bank.pick(self.rng, *textures)
        return replace(base, texture=texture, fit=True, scale=1.0, colors=(first, second, handle))

    def cloth(self) -> Material:
        """Bedding, upholstery, clothes."""
        r = self.rng
        style = r.random()
        if style < 0.4:
            colors = self.near(r.random(), r.beta(1.2, 2), r.uniform(0.1, 0.95), 0.2)
            return self.make(colors, "fabric", "carpet", "plaster", scale=r.uniform(0.3, 1))
        if style < 0.85:
            names = ("stripes", "plaid", "blobs", "rug", "fabric", "foliage")
            return self.make(self.vivid(), *names, scale=r.uniform(0.3, 1.3), turn=r.random() < 0.5)
        return self.photo(r.uniform(0.5, 1.5))

    def plastic(self) -> Material:
        r = self.rng
        return self.make(
            self.near(r.random(), r.beta(1, 2.0), r.beta(1.4, 1.2), 0.1), "plain", gloss=0.3
        )

    def metal(self) -> Material:
        grey = self.near(0.1, 0.05, self.rng.choice([0.15, 0.45, 0.6, 0.75]), 0.15)
        return self.make(grey, "plain", "plaster", scale=0.7, gloss=0.5)

    def black(self) -> Material:
        return self.make(self.near(0.6, 0.1, self.rng.uniform(0.06, 0.2)), "plain", gloss=0.35)

    def white(self) -> Material:
        return self.make(
            self.near(0.12, self.rng.uniform(0, 0.06), self.rng.uniform(0.82, 0.97), 0.04),
            "plain",
            gloss=0.3,
        )

    def stone(self) -> Material:
        r = self.rng
        colors = self.near(r.random(), r.uniform(0, 0.25), r.uniform(0.12, 0.9), 0.35)
        return self.make(colors, "speckle", "marble", scale=r.uniform(0.4, 1), gloss=0.4)

    def photo(self, scale: float = 1.0, fit: bool = False) -> Material:
        """A crop of a real photo; red, green and blue may change places."""
        r = self.rng
        order = r.permutation(3) if r.random() < 0.3 else np.arange(3)
        tint = r.uniform(0.5, 1.3)
        rows = np.eye(3)[order] * tint
        colors = tuple((float(a), float(b), float(c)) for a, b, c in rows)
        return self.make((colors[0], colors[1], colors[2]), "photo", scale=scale, fit=fit)

    def picture(self) -> Material:
        """What hangs in a frame or lies as a cover or label."""
        if self.rng.random() < 0.55:
            return self.photo(fit=True)
        return self.make(self.vivid(), "painting", "rug", "screen", "writing", "blobs", fit=True)

    def label(self) -> Material:
        """Boxes, tins, packages."""
        r = self.rng
        if r.random() < 0.35:
            return self.make(self.near(0.08, r.uniform(0.2, 0.5), r.uniform(0.4, 0.75)), "plaster")
        if r.random() < 0.5:
            return self.plastic()
        return self.picture()

    def books(self) -> Material:
        return self.make(self.vivid(), "books", fit=True)

    def leaves(self) -> Material:
        r = self.rng
        colors = self.near(r.uniform(0.2, 0.38), r.uniform(0.3, 0.8), r.uniform(0.25, 0.65), 0.35)
        return self.make(colors, "foliage", "grass", scale=r.uniform(0.3, 1.0))

    def glowing(self, strength: float, *textures: str) -> Material:
        """A lamp or a bright pane; it hides no light."""
        r = self.rng
        colors = self.near(r.uniform(0.08, 0.14), r.uniform(0, 0.15), 1.0, 0.15)
        made = self.make(colors, *(textures or ("plain",)), fit=True)
        return replace(made, glow=strength, shadow=False)
