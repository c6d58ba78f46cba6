"""Kept predictions scored again under every protocol that fits, and with one choice changed."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.data.probe import open_data
from featherdepth.data.reader import Reader, stream
from featherdepth.errors import FeatherDepthError, InputError
from featherdepth.evaluation.kept import KeptPredictions
from featherdepth.evaluation.scoring import score_sample
from featherdepth.evaluation.summary import Row, figures, row_of, skipped_rows
from featherdepth.metrics.protocol_table import alignments
from featherdepth.metrics.protocols import EvalProtocol, protocols
from featherdepth.metrics.scores import PredictionError
from featherdepth.types import Depth, DepthKind, Sample

logger = logging.getLogger(__name__)

MEASURES = ("abs_rel", "rmse", "delta1")
"""What is shown; the first decides what moved the number."""
CROPS = ("usable", "none")
KITTI_CROPS = ("garg", "eigen", "kb-eigen")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Variant:
    """One way to score."""

    choice: str
    """What was changed from the base: crop, alignment, ...; `base`, or `protocol` for all of it."""
    name: str
    protocol: EvalProtocol
    truth: str | None = None
    """Split that the truth is taken from; None is that of the base."""


def explain(
    kept: KeptPredictions,
    reader: Reader,
    base: EvalProtocol,
    *,
    partners: dict[str, Reader] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score kept predictions under every fitting protocol and under changes of `base`.

    One choice is changed at a time: crop, range, alignment (with its space), clipping, pooling,
    and the truth, where the data has another one of the same images.

    Args:
        partners: split -> reader of the same photos with another truth.

    Returns:
        `model`, `data`, `base` (name), `kind`, `count`, `missing` (images without a prediction),
        `skipped` (key, reason), `rows` (choice, name, count, metrics, change: relative to the
        base in the first measure), `moved_most` (the row of one changed choice with the largest
        change; None without any).

    Raises:
        UsageError: predictions of a kind that the base cannot score.
        InputError: no image with a prediction could be scored.
    """
    table = _Table(base, reader, partners or {})
    skipped: dict[str, str] = {}
    missing = 0
    for done, (index, sample) in enumerate(stream(reader), start=1):
        try:
            prediction = kept.read(sample.key)
        except PredictionError as error:
            skipped[sample.key] = str(error)
        except InputError:
            missing += 1
        else:
            reason = table.add(prediction, sample, index)
            if reason is not None:
                skipped[sample.key] = reason
        if progress is not None:
            progress(done, len(reader))
    skipped |= {fault.key: fault.reason for fault in reader.skipped}
    lines = table.lines()
    if not lines:
        reason = next(iter(skipped.values()), f"{missing} images have no kept prediction")
        raise InputError(f"{kept.folder}: no prediction could be scored; {reason}")
    single = [line for line in lines if line["choice"] not in ("base", "protocol")]
    return {
        "model": kept.about.model,
        "data": {"name": reader.name, "split": reader.split},
        "kind": str(table.kind),
        "base": lines[0]["name"],
        "count": lines[0]["count"],
        "missing": missing,
        "skipped": skipped_rows(skipped),
        "rows": lines,
        "moved_most": max(single, key=lambda line: abs(line["change"]), default=None),
    }


def open_partners(
    root: Path, split: str | None, *, reader: str | None = None, truth: str | None = None
) -> dict[str, Reader]:
    """Other truths of the same photos: raw or filled, edges as they are or filtered.

    Args:
        reader: as `open_data` takes it.
        truth: the option of that name that the reader was opened with.

    Returns:
        Name -> reader, of those that this data has.
    """
    name = split or ""
    plain = name.removesuffix("-filled").removesuffix("-filtered")
    wanted: dict[str, dict[str, str]] = {
        other: {"split": other}
        for other in (plain, f"{plain}-filled", f"{plain}-filtered")
        if plain and other != name
    }
    other = "raw" if truth == "filled" else "filled"
    wanted[f"{other} truth"] = {"truth": other, **({"split": name} if name else {})}
    found = {}
    for title, options in wanted.items():
        try:
            found[title] = open_data(root, reader=reader, **options)
        except FeatherDepthError as error:  # this data has no such truth
            logger.debug("%s: %s", title, error)
    return found


class _Table:
    """Rows of every variant; the variants are those of the first prediction's kind."""

    def __init__(self, base: EvalProtocol, reader: Reader, partners: dict[str, Reader]) -> None:
        self._base, self._reader, self._partners = base, reader, partners
        self._places = {s: {key: i for i, key in enumerate(r.keys)} for s, r in partners.items()}
        self._variants: list[Variant] = []
        self._rows: list[list[Row]] = []
        self.kind: DepthKind | None = None

    def add(self, prediction: Depth, sample: Sample, index: int) -> str | None:
        """Score one image under all variants; why the base could not, or None."""
        if self.kind is None:
            self.kind = prediction.kind
            self._variants = [*_variants(self._base, self.kind, self._reader, self._partners)]
            self._rows = [[] for _ in self._variants]
        fault = None
        for variant, rows in zip(self._variants, self._rows, strict=True):
            protocol = variant.protocol
            try:
                reader, place, truth = self._truth(variant, sample, index)
                score = score_sample(prediction, truth, reader, place, protocol)
            except InputError as error:
                fault = str(error) if variant.choice == "base" else fault
            else:
                rows.append(row_of(sample.key, score, pooled=protocol.aggregate == "pixel"))
        return fault

    def lines(self) -> list[dict[str, Any]]:
        """A line for every variant that could score an image, the base first."""
        if not self._rows or not self._rows[0]:
            return []
        found: list[dict[str, Any]] = []
        for variant, rows in zip(self._variants, self._rows, strict=True):
            if rows:
                once = np.ones((1, len(rows)))
                values = figures(rows, variant.protocol.as_dict(), once)[0].tolist()
                start = found[0]["metrics"][MEASURES[0]] if found else values[0]
                found.append(
                    {
                        "choice": variant.choice,
                        "name": variant.name,
                        "count": len(rows),
                        "metrics": dict(zip(MEASURES, values, strict=True)),
                        "change": values[0] / start - 1 if start else 0.0,
                    }
                )
        return found

    def _truth(self, variant: Variant, sample: Sample, index: int) -> tuple[Reader, int, Sample]:
        if variant.truth is None:
            return self._reader, index, sample
        place = self._places[variant.truth].get(sample.key)
        if place is None:
            raise InputError(f"{variant.truth}: no {sample.key}")
        reader = self._partners[variant.truth]
        return reader, place, reader[place]


def _variants(
    base: EvalProtocol, kind: DepthKind, reader: Reader, partners: dict[str, Reader]
) -> Iterator[Variant]:
    base = _shown(base.resolved(kind))
    dataset = " ".join([reader.name, reader.part(0)[0]]).lower()
    yield Variant(choice="base", name=base.name, protocol=base)
    yield from _changes(base, kind, dataset)
    for split in partners:
        yield Variant(choice="truth", name=split, protocol=base, truth=split)
    yield from _named(base, kind, dataset)


def _shown(protocol: EvalProtocol) -> EvalProtocol:
    return replace(protocol, measures=MEASURES)


def _named(base: EvalProtocol, kind: DepthKind, dataset: str) -> Iterator[Variant]:
    """Every protocol for this data and kind but the base; with a kind's own alignment."""
    for protocol in protocols().values():
        fits = protocol.dataset == "any" or protocol.dataset in dataset
        if fits and kind in protocol.accepted() and protocol.alignment != "order":
            whole = protocol.resolved(kind)
            if whole.name != base.name:
                yield Variant(choice="protocol", name=whole.name, protocol=_shown(whole))


def _changes(base: EvalProtocol, kind: DepthKind, dataset: str) -> Iterator[Variant]:
    """The base with one choice changed."""
    crops = [*CROPS, *(KITTI_CROPS if "kitti" in dataset else ())]
    inverted = base.space == "disparity" or (
        base.space == "kind" and kind is DepthKind.AFFINE_INVARIANT_DISPARITY
    )
    clips = [*(["range"] if base.max_depth else []), *(["gtmax"] if inverted else []), "none"]
    if base.clip == "gtmax" and not inverted:
        clips.remove("none")  # nothing is clipped as it is
    changes: list[tuple[str, str, dict[str, Any]]] = [
        *(("crop", crop, {"crop": crop}) for crop in crops),
        ("range", "no limit", {"min_depth": 0.0, "max_depth": None}),
        *(("clip", clip, {"clip": clip}) for clip in clips),
        *(("pooling", pooling, {"aggregate": pooling}) for pooling in ("image", "pixel")),
    ]
    for choice, name, fields in changes:
        if any(getattr(base, key) != value for key, value in fields.items()):
            yield Variant(choice=choice, name=name, protocol=replace(base, **fields))
    space = ("disparity" if inverted else "depth") if base.space == "kind" else base.space
    own = (base.alignment, space, base.clip)
    for suffix in alignments():
        changed = base.aligned(suffix)
        if kind in changed.accepted() and (changed.alignment, changed.space, changed.clip) != own:
            yield Variant(choice="alignment", name=f"+{suffix}", protocol=changed)
