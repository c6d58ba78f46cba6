"""What is known about a teacher, without opening it and without torch."""

from dataclasses import dataclass
from typing import Any

from featherdepth.types import DepthKind


@dataclass(frozen=True, kw_only=True, slots=True)
class TeacherCard:
    """What is known about a teacher; the student's card and the cache of maps repeat it."""

    name: str
    """For people: a model's name, or the reference it was opened with."""
    kind: DepthKind
    """What its numbers mean; its student inherits it."""
    digest: str
    """Changes whenever the same photo could give another map: of weights and preprocessing."""
    license: str
    """Of the weights; empty if nobody states one."""
    materials: tuple[dict[str, Any], ...]
    """Bill of materials: one table an ingredient (name, class, terms, use); itself included."""
    params: int | None = None

    @property
    def commercial(self) -> bool:
        """Whether every ingredient's terms are known and allow commercial use (no class C)."""
        return bool(self.license) and all(m.get("class") != "C" for m in self.materials)
