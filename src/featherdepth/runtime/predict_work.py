"""Prediction as work on units: photos of tars and tables into packs, others into their files."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from featherdepth.data.packs import packed_names
from featherdepth.data.units import OpenUnit, Unit, Units
from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.images.read import FoundImage
from featherdepth.runtime.job import predict_with, read_for
from featherdepth.runtime.model import DepthModel
from featherdepth.runtime.outputs import OutputOptions, format_of
from featherdepth.runtime.results import is_done, source_facts, write_outputs
from featherdepth.runtime.work import Answer, Compute, Item
from featherdepth.types import Depth, Image, Intrinsics, Provenance


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundUnit(Unit):
    """Photos with files of their own."""

    photos: tuple[FoundImage, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PredictWork:
    """A model's maps; a `Work`."""

    model: str | Path | None
    made: Provenance
    """By which weights, on which backend, at which precision."""
    out: Path
    options: OutputOptions
    threads: int | None = None
    streams: int = 1
    """Photos of a block that are computed at once."""
    device: str | None = None
    block: int = 8

    @property
    def folder(self) -> Path:
        return self.out

    @property
    def identity(self) -> str:
        said = {
            "formats": self.options.formats,
            "options": self.options.to_json(),
            "sha256": self.made.sha256,
            "backend": self.made.backend,
            "precision": self.made.precision,
        }
        return json.dumps(said, sort_keys=True)

    def decoder(self) -> "Decoder":
        return Decoder(self._opened(), self.options)

    def network(self) -> Compute:
        answer = partial(_answer, self._opened(), self.options)
        pool = ThreadPoolExecutor(self.streams, thread_name_prefix="network")
        return lambda items: list(pool.map(answer, items))

    def packs(self, unit: Unit) -> bool:
        return not isinstance(unit, FoundUnit)

    def files(self, answer: Answer) -> list[tuple[str, bytes]]:
        if answer.error is not None:
            return []
        made: _Predicted = answer.content
        with TemporaryDirectory(prefix="featherdepth-") as folder:
            # Not by its name in the pack: that may be longer than a file's may be.
            stem = Path(folder, "photo")
            self._write(stem, made)
            return [
                (made.output.as_posix() + path.name.removeprefix(stem.name), path.read_bytes())
                for path in sorted(stem.parent.iterdir())
            ]

    def store(self, answer: Answer) -> None:
        self._write(self.out / answer.content.output, answer.content)

    def _write(self, stem: Path, made: "_Predicted") -> None:
        write_outputs(stem, made.depth, made.image, self.options, made.facts)

    def _opened(self) -> DepthModel:
        return DepthModel.from_pretrained(
            self.model,
            backend=self.made.backend,
            precision=self.made.precision,
            threads=self.threads,
            streams=self.streams,
            device=self.device,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Read:
    image: Image
    camera: Intrinsics | None
    output: PurePath
    facts: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Predicted:
    depth: Depth
    image: Image
    output: PurePath
    facts: dict[str, Any]


class OpenedFiles:
    """Photos with files of their own."""

    def __init__(self, unit: FoundUnit, read: Callable[..., Image], options: OutputOptions) -> None:
        self._photos, self._read, self._options = unit.photos, read, options
        self.faults: list[str] = []

    def __len__(self) -> int:
        return len(self._photos)

    def read(self, position: int) -> Item:
        photo = self._photos[position]
        image = self._read(photo.path)
        content = _Read(
            image=image,
            camera=self._options.camera(image),
            output=photo.output,
            facts=source_facts(photo),
        )
        return Item(index=position, photo=self.name(position), content=content)

    def name(self, position: int) -> str:
        return str(self._photos[position].path)


class OpenedPack(OpenUnit):
    """Photos of a tar or table."""

    def __init__(self, unit: Unit, read: Callable[..., Image], options: OutputOptions) -> None:
        super().__init__(unit)
        self._read, self._options = read, options

    def read(self, position: int) -> Item:
        inside, file = self.inside(position), self.encoded(position)
        image = self._read(file, name=inside)
        content = _Read(
            image=image,
            camera=self._options.camera(image) or self.camera(position, image),
            output=PurePath(inside),
            facts={"path": inside, "bytes": len(file)},
        )
        return Item(index=position, photo=self.name(position), content=content)


class Decoder:
    """Photos at no more detail than the network or the outputs look at."""

    def __init__(self, model: DepthModel, options: OutputOptions) -> None:
        self._read, self._options = partial(read_for, model, options), options

    def open(self, unit: Unit) -> OpenedFiles | OpenedPack:
        if isinstance(unit, FoundUnit):
            return OpenedFiles(unit, self._read, self._options)
        return OpenedPack(unit, self._read, self._options)

    def trim(self, items: list[Item]) -> list[Item]:
        return items


def _answer(model: DepthModel, options: OutputOptions, item: Item) -> Answer:
    content: _Read = item.content
    try:
        depth = predict_with(model, options, content.image, content.camera)
    except (InputError, RunError) as error:  # this photo's: NaN, too large for memory
        return Answer(index=item.index, photo=item.photo, error=str(error))
    made = _Predicted(depth=depth, image=content.image, output=content.output, facts=content.facts)
    return Answer(index=item.index, photo=item.photo, content=made)


def check_packs(units: Units, work: PredictWork) -> None:
    """Refuse to replace packs that hold maps in formats which nobody asks for now.

    A pack is written as a whole, so that what one run leaves out is gone, where files would stay.

    Raises:
        UsageError: there is such a pack.
    """
    asked = work.options.formats
    for unit in units.units:
        held = {format_of(name) for name in packed_names(work.folder, unit.name)} - {None}
        if lost := sorted(str(name) for name in held.difference(asked)):
            raise UsageError(
                f"{work.folder / unit.name}.tar: holds {','.join(lost)}, which {','.join(asked)}"
                " would take the place of; add them to --save, choose another place for results,"
                " or say --overwrite"
            )


def found_units(
    photos: Sequence[FoundImage], work: PredictWork, *, overwrite: bool = False
) -> tuple[Units, int]:
    """Cut photos with files of their own into units; how many are done already comes with them."""
    wanted = [
        photo
        for photo in photos
        if overwrite
        or not is_done(work.out / photo.output, work.made, work.options, source_facts(photo))
    ]
    units: list[Unit] = [
        FoundUnit(
            name=f"photos-{first:09d}",
            root=work.out,
            source="",
            photos=tuple(wanted[first : first + work.block]),
        )
        for first in range(0, len(wanted), work.block)
    ]
    return Units(units=units), len(photos) - len(wanted)
