"""Labeling as work on units: what `label` does where photos come in files of many, or on a cluster.

The maps are those that `label_photos` gives. Batches are formed among the photos of one block.
What writes them needs no torch: it is imported where photos are prepared and computed.
"""

from dataclasses import dataclass
from pathlib import Path

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.data.teacher_maps import PACKS, SUFFIX, MapCache
from featherdepth.data.units import Unit
from featherdepth.distill.batching import WAITING
from featherdepth.geometry.resize import Size
from featherdepth.runtime.work import Answer, Compute, Decoder


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LabelWork:
    """A teacher's maps, into the packs of a cache; a `Work`."""

    teacher: str | Path
    card: TeacherCard
    """Of that teacher, so that the cache can be written where it is not opened."""
    cache: Path
    size: int | Size | None = None
    device: str = "cpu"
    threads: int | None = None
    batch: int = 4

    @property
    def folder(self) -> Path:
        return self.cache / PACKS

    @property
    def block(self) -> int:
        return WAITING * self.batch

    @property
    def identity(self) -> str:
        """A cache is of one teacher and size."""
        return ""

    def decoder(self) -> Decoder:
        from featherdepth.distill.label_network import Preparing
        from featherdepth.distill.teachers.base import TorchTeacher
        from featherdepth.distill.teachers.open import open_teacher

        teacher = open_teacher(self.teacher, size=self.size, threads=self.threads)
        if isinstance(teacher, TorchTeacher):
            teacher.to("meta")  # it only prepares photos: the memory of its weights is given back
        return Preparing(teacher, self._store(), self.batch)

    def network(self) -> Compute:
        from featherdepth.distill.label_network import Network
        from featherdepth.distill.teachers.open import open_teacher

        teacher = open_teacher(
            self.teacher, size=self.size, device=self.device, threads=self.threads
        )
        MapCache.open(self.cache, teacher.card, self.size)  # the same teacher as elsewhere?
        return Network(teacher, self.device, self.batch)

    def packs(self, unit: Unit) -> bool:  # noqa: ARG002 - a `Work` may decide by the unit
        return True

    def files(self, answer: Answer) -> list[tuple[str, bytes]]:
        key, made = answer.content
        if made is None:
            return []
        store = self._store()
        content = (
            store.encode_refusal(key, made) if isinstance(made, str) else store.encode(key, made)
        )
        return [(key + SUFFIX, content)]

    def store(self, answer: Answer) -> None:
        raise NotImplementedError("maps of units go into packs")

    def _store(self) -> MapCache:
        return MapCache(self.cache, self.card, self.size)
