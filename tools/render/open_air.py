"""What outdoor scenes share: weather, sorts of ground, cameras, things strewn about."""

import math

import numpy as np
from tools.render import clutter
from tools.render.materials import Palette, hsv
from tools.render.scene import Air, Builder, Light, Material, View


def weather(s: Builder, p: Palette) -> None:
    """Sun or clouds, the color of the sky, haze."""
    r = s.rng
    sunny, low = r.random() < 0.6, r.random() < 0.2
    up = float(r.uniform(0.12, 0.35) if low else r.uniform(0.35, 0.95))
    angle, flat = float(r.uniform(0, 6.28)), math.sqrt(1 - up * up)
    sun = (flat * math.cos(angle), flat * math.sin(angle), up)
    if sunny:
        zenith = hsv(
            float(r.normal(0.6, 0.02)), float(r.uniform(0.45, 0.85)), float(r.uniform(0.5, 0.85))
        )
        pale = hsv(0.08 if low else 0.58, float(r.uniform(0.02, 0.3)), float(r.uniform(0.85, 1)))
    else:
        grey = float(r.uniform(0.6, 0.95))
        zenith, pale = hsv(0.6, float(r.uniform(0, 0.15)), grey * 0.9), hsv(0.6, 0.03, grey)
    bright = float(r.uniform(0.3, 0.5)) if sunny else float(r.uniform(0.6, 0.9))
    dark = bright * float(r.uniform(0.25, 0.5))
    s.air = Air(
        ambient_up=(bright * (0.5 + 0.5 * zenith[0]), bright * (0.5 + 0.5 * zenith[1]), bright),
        ambient_down=(dark, dark * 0.97, dark * 0.9),
        zenith=zenith,
        horizon=pale,
        clouds=float(r.uniform(0, 1.2)) if r.random() < 0.7 else 0.0,
        cloud_texture=p.bank.pick(r, "clouds"),
        haze=float(np.exp(r.normal(6.6, 0.9))),
        reach=float(r.uniform(1.2, 3.0)),
        sun=sun if sunny else (0, 0, -1),
    )
    if sunny:
        power = float(r.uniform(0.6, 1.3)) * 1e6
        warm = 0.75 if low else 0.93
        size = float(r.uniform(4, 12))
        center = (1000 * sun[0], 1000 * sun[1], 1000 * sun[2])
        s.lights.append(
            Light(
                center=center,
                axes=((size, 0, 0), (0, size, 0)),
                normal=(0, 0, 0),
                color=(power, power * warm, power * warm**2),
            )
        )


def ground(p: Palette, *names: str) -> Material:
    r = p.rng
    sort = names[int(r.integers(len(names)))]
    if sort == "grass":
        colors = p.near(
            float(r.uniform(0.15, 0.32)),
            float(r.uniform(0.25, 0.65)),
            float(r.uniform(0.3, 0.65)),
            0.4,
        )
        return p.make(colors, "grass", "carpet", "foliage", scale=float(r.uniform(0.8, 3)))
    if sort == "asphalt":
        return p.make(
            p.near(0.6, 0.04, float(r.uniform(0.25, 0.55)), 0.2),
            "speckle",
            "concrete",
            "carpet",
            scale=2.5,
        )
    if sort == "paving":
        return p.make(
            p.near(0.08, float(r.uniform(0.02, 0.25)), float(r.uniform(0.4, 0.8)), 0.2),
            "tiles",
            "brick",
            scale=2,
        )
    return p.make(
        p.near(0.09, float(r.uniform(0.2, 0.5)), float(r.uniform(0.35, 0.75)), 0.3),
        "concrete",
        "plaster",
        "carpet",
        scale=3,
    )


def views(
    s: Builder,
    xs: tuple[float, float],
    ys: tuple[float, float],
    spread: float,
    facing: float | None,
    ground: float = 0.0,
) -> None:
    """Hand-held or car-mounted cameras; `facing` None looks anywhere."""
    r = s.rng
    for _ in range(10):
        yaw = float(r.uniform(0, 6.28)) if facing is None else facing + float(r.normal(0, spread))
        s.views.append(
            View(
                position=(
                    float(r.uniform(*xs)),
                    float(r.uniform(*ys)),
                    ground + float(r.uniform(1.2, 2.0)),
                ),
                yaw=yaw,
                pitch=float(np.radians(np.clip(r.normal(-2, 6), -25, 18))),
                roll=float(np.radians(r.normal(0, 1.5))),
            )
        )


def drop(
    s: Builder,
    p: Palette,
    count: int,
    x: tuple[float, float],
    y: tuple[float, float],
    *sorts: clutter.Thing,
) -> None:
    for _ in range(count):
        thing = sorts[int(s.rng.integers(len(sorts)))]
        with s.at(
            float(s.rng.uniform(*x)), float(s.rng.uniform(*y)), 0, float(s.rng.uniform(0, 6.28))
        ):
            thing(s, p)
