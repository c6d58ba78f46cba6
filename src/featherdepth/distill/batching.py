"""Which photos a teacher sees together: fixed by their order and input sizes alone."""

from collections.abc import Sequence

from featherdepth.geometry.resize import Size
from featherdepth.runtime.work import Item

WAITING = 8
"""At most so many batches of photos wait for others of their input size."""


def batches(items: Sequence[Item], batch: int) -> list[list[Item]]:
    """Photos of one input size together, in their order; those left over at the end."""
    waiting: dict[Size, list[Item]] = {}
    full = []
    for item in items:
        group = waiting.setdefault(item.content.size, [])
        group.append(item)
        if len(group) == batch:
            full.append(waiting.pop(item.content.size))
    return full + list(waiting.values())
