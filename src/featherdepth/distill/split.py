"""Which photos of a collection train and which only measure."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from featherdepth.data.reader import Reader
from featherdepth.errors import InputError
from featherdepth.rng import derive

FEWEST = 10
"""Photos below this say nothing about a domain, and none could be held out."""
FEWEST_HELD_OUT, MOST_HELD_OUT = 2, 500
"""All that are held out stay in memory and are looked at in every validation; more than these make
the figures no surer: the mean of 500 is as sure as the photos differ, divided by 22."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Which photos train and which only measure."""

    training: Int64[np.ndarray, " n"]
    held_out: Int64[np.ndarray, " m"]


def split_photos(photos: Reader, part: float, seed: int) -> Split:
    """Hold out a part of the photos, chosen by their keys.

    Photos that are added move no other across, unless a bound decides: at least `FEWEST_HELD_OUT`
    and at most `MOST_HELD_OUT` are held out, and one is left to train on.

    Raises:
        InputError: fewer than `FEWEST` photos.
    """
    if len(photos) < FEWEST:
        raise InputError(
            f"{photos.name}: {len(photos)} photo{'s' if len(photos) > 1 else ''};"
            f" distillation needs {FEWEST} or more, a part of which is held out"
        )
    chances = np.array([derive(seed, "holdout", key) for key in photos.keys]) / 2**63
    order = np.argsort(chances, kind="stable")
    wanted = max(int((chances < part).sum()), FEWEST_HELD_OUT)
    count = min(wanted, MOST_HELD_OUT, len(photos) - 1)
    return Split(training=np.sort(order[count:]), held_out=np.sort(order[:count]))
