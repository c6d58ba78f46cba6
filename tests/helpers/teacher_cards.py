"""The card of a teacher that is none: what a cache of maps asks of it."""

from dataclasses import dataclass
from typing import Any

from featherdepth.types import DepthKind


@dataclass(frozen=True, kw_only=True)
class Card:
    name: str = "tiny"
    kind: DepthKind = DepthKind.AFFINE_INVARIANT
    digest: str = "d" * 64
    license: str = "Apache-2.0"
    materials: tuple[dict[str, Any], ...] = (
        {"name": "renders", "class": "A", "terms": "own renders (class A)", "use": "training"},
    )
    params: int | None = 7


CARD = Card()
