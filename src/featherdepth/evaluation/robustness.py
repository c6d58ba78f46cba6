"""How much of its accuracy a model keeps when photos get worse.

    err = (abs_rel - delta1 + 1) / 2
    RR of a corruption = mean over strengths of (1 - err) / (1 - err of the untouched photos)
    mRR = mean over corruptions of RR                          1 = nothing is lost

Both are of RoboDepth (NeurIPS 2023 data sets and benchmarks), which uses five strengths; the ones
that were taken stand in the document. Conditions (a mirrored photo, a strip) have rows of their own
and do not enter mRR.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float64

from featherdepth.data.conditions import CONDITIONS, Condition
from featherdepth.data.corrupt import CORRUPTIONS, STRENGTHS, corrupt
from featherdepth.data.reader import Reader, stream
from featherdepth.errors import InputError, RunError, UsageError, suggestion
from featherdepth.evaluation.accuracy import Predictor, predict
from featherdepth.evaluation.scoring import score_sample
from featherdepth.evaluation.summary import (
    Row,
    figures,
    nothing_scored,
    row_of,
    skipped_rows,
    spread_over,
)
from featherdepth.geometry.parts import only
from featherdepth.geometry.resize import resize_truth
from featherdepth.metrics.bootstrap import draw_counts, ends
from featherdepth.metrics.protocols import EvalProtocol
from featherdepth.types import Depth, Sample

logger = logging.getLogger(__name__)

NEEDED = ("abs_rel", "delta1")
QUICK = (1, 3, 5)
"""Strengths that are taken by default."""
InputSize = int | tuple[int, int] | None
Case = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to every photo."""

    corruptions: tuple[str, ...]
    conditions: tuple[str, ...]
    strengths: tuple[int, ...]

    @classmethod
    def of(cls, names: Sequence[str] = (), strengths: Sequence[int] = QUICK) -> "Plan":
        """A plan of named corruptions and conditions; all, if no name is given.

        Raises:
            UsageError: an unknown name, or strengths that are not of 1 to 5.
        """
        known = [*CORRUPTIONS, *CONDITIONS]
        for name in names:
            if name not in known:
                raise UsageError(f"unknown corruption {name!r}; {suggestion(name, known)}")
        if not strengths or not set(strengths) <= set(STRENGTHS):
            raise UsageError(f"strengths {list(strengths)}; expected some of 1 to 5")
        wanted = set(names or known)
        return cls(
            corruptions=tuple(name for name in CORRUPTIONS if name in wanted),
            conditions=tuple(name for name in CONDITIONS if name in wanted),
            strengths=tuple(sorted(set(strengths))),
        )

    @property
    def cases(self) -> list[Case]:
        """Every corruption at every strength."""
        return [(name, strength) for name in self.corruptions for strength in self.strengths]


def measure_robustness(
    model: Predictor,
    reader: Reader,
    protocol: EvalProtocol,
    plan: Plan,
    *,
    size: InputSize = None,
    images: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score `model` on photos made worse; the truth stays as it is.

    A photo for which one corruption could not be predicted or scored is listed in `skipped` and
    enters no figure; one for which a condition could not be is left out of that condition alone.

    Args:
        images: of the data set, an even selection; all by default.
        seed: of the corruptions and of the bootstrap over images.

    Returns:
        `err` (its formula), `seed`, `strengths`, `count` (images), `clean` (abs_rel, delta1, err),
        `mrr` (value, low, high: 95 % bootstrap interval over images; None without corruptions),
        `corruptions` (name, family, rr with interval, strengths: list of strength, abs_rel,
        delta1, err), `conditions` (name, what, count, abs_rel, delta1, err, clean_err on the same
        pixels, rr with interval), `skipped`.

    Raises:
        UsageError: a protocol without abs_rel and delta1.
        InputError: no image could be scored, or the error on untouched photos is 1 or more.
    """
    run = _Run(model, reader, narrowed(protocol), plan, size, seed)
    indices = spread_over(len(reader), len(reader) if images is None else images)
    for done, (place, sample) in enumerate(stream(reader, indices), start=1):
        try:
            run.take(sample, place)
        except (InputError, RunError) as error:
            run.skipped[sample.key] = str(error)
            logger.info("%s: skipped: %s", sample.key, error)
        if progress is not None:
            progress(done, len(indices))
    if not run.clean:
        raise nothing_scored(reader.describe(), run.skipped)
    return _document(run)


def narrowed(protocol: EvalProtocol) -> EvalProtocol:
    """The protocol with the two measures that the error is made of.

    Raises:
        UsageError: it cannot score them.
    """
    try:
        return replace(protocol, measures=NEEDED)
    except ValueError as error:
        raise UsageError(
            f"corruptions need {' and '.join(NEEDED)}, which protocol {protocol.name} cannot"
            " score; name another, such as aligned"
        ) from error


def resilience(
    errors: Float64[np.ndarray, "d n"], clean: Float64[np.ndarray, " d"]
) -> Float64[np.ndarray, " d"]:
    """RR of one corruption: mean over its n strengths of (1 - error) / (1 - clean), for each draw.

    The first draw is all images. Another one may hold only bad ones: NaN where its clean error is
    1 or more.

    Raises:
        InputError: a clean error of all images of 1 or more leaves nothing to keep.
    """
    if clean[0] >= 1:
        raise InputError(
            f"the error on untouched photos is {clean[0]:.3f}; expected below 1: with nothing"
            " right there is no resilience to measure"
        )
    right = np.where(clean < 1, 1 - clean, np.nan)
    kept: Float64[np.ndarray, " d"] = ((1 - errors) / right[:, None]).mean(axis=1)
    return kept


@dataclass(slots=True)
class _Run:
    """What is measured, and the rows so far: one an image."""

    model: Predictor
    reader: Reader
    rules: EvalProtocol
    plan: Plan
    size: InputSize
    seed: int
    clean: list[Row] = field(default_factory=list)
    cases: dict[Case, list[Row]] = field(default_factory=dict)
    conditions: dict[str, tuple[list[Row], list[Row]]] = field(default_factory=dict)
    """Condition -> rows with it, and without it on the same pixels."""
    skipped: dict[str, str] = field(default_factory=dict)

    def take(self, sample: Sample, place: int) -> None:
        """Add one image to the rows of the corruptions, to all of them or to none.

        Raises:
            InputError, RunError: one could not be predicted or scored.
        """
        image = sample.image
        untouched = predict(self.model, image, self.size)
        self.rules = self.rules.resolved(untouched.kind)
        clean = self._row(untouched, sample, place)
        cases: dict[Case, Row] = {}
        for name, strength in self.plan.cases:
            worse = corrupt(image.pixels, name, strength, key=sample.key, seed=self.seed)
            try:
                prediction = predict(self.model, replace(image, pixels=worse), self.size)
                cases[name, strength] = self._row(prediction, sample, place)
            except (InputError, RunError) as error:
                raise InputError(f"{name} {strength}: {error}") from error
        self.clean.append(clean)
        for case, row in cases.items():
            self.cases.setdefault(case, []).append(row)
        for name in self.plan.conditions:
            try:
                pair = self._pair(CONDITIONS[name], sample, untouched, place)
            except (InputError, RunError) as error:
                logger.info("%s: %s: left out: %s", sample.key, name, error)
                continue
            for rows, row in zip(self.conditions.setdefault(name, ([], [])), pair, strict=True):
                rows.append(row)

    def _pair(
        self, condition: Condition, sample: Sample, untouched: Depth, place: int
    ) -> tuple[Row, Row]:
        """Rows with the condition and without it, on the pixels that it shows."""
        seen = _masked(sample, condition)
        changed = predict(self.model, condition.change(sample.image), self.size)
        restored = condition.restored(changed, sample.image.size)
        return self._row(restored, seen, place), self._row(untouched, seen, place)

    def _row(self, prediction: Depth, sample: Sample, place: int) -> Row:
        score = score_sample(prediction, sample, self.reader, place, self.rules)
        return row_of(sample.key, score, pooled=self.rules.aggregate == "pixel")


def _masked(sample: Sample, condition: Condition) -> Sample:
    """The sample with truth only where the condition shows the scene."""
    truth = sample.depth
    if truth is None:
        return sample
    seen = condition.seen(sample.image.size)
    if truth.size != seen.shape:
        _, seen = resize_truth(seen.astype(np.float32), seen, truth.size)
    return replace(sample, depth=only(truth, seen))


def _document(rows: _Run) -> dict[str, Any]:
    protocol, plan, seed = rows.rules.as_dict(), rows.plan, rows.seed
    clean = _Errors(rows.clean, protocol, seed)
    cases = {case: _Errors(rows.cases[case], protocol, seed) for case in plan.cases}
    corruptions, kept = [], []
    for name in plan.corruptions:
        mine = [cases[name, strength] for strength in plan.strengths]
        rr = resilience(np.stack([e.err for e in mine], axis=1), clean.err)
        kept.append(rr)
        strengths = [
            {"strength": strength, **errors.means}
            for strength, errors in zip(plan.strengths, mine, strict=True)
        ]
        family = CORRUPTIONS[name].family
        corruptions.append(
            {"name": name, "family": family, "rr": _interval(rr), "strengths": strengths}
        )
    conditions = []
    for name, (changed, untouched) in rows.conditions.items():
        here, there = (_Errors(r, protocol, seed) for r in (changed, untouched))
        conditions.append(
            {
                "name": name,
                "what": CONDITIONS[name].what,
                "count": len(changed),
                **here.means,
                "clean_err": there.means["err"],
                "rr": _interval(resilience(here.err[:, None], there.err)),
            }
        )
    return {
        "err": "(abs_rel - delta1 + 1) / 2",
        "seed": seed,
        "strengths": list(plan.strengths),
        "count": len(rows.clean),
        "clean": clean.means,
        "mrr": _interval(np.mean(kept, axis=0)) if kept else None,
        "corruptions": corruptions,
        "conditions": conditions,
        "skipped": skipped_rows(rows.skipped),
    }


class _Errors:
    """The error over all images (first), and over each bootstrap draw of them."""

    def __init__(self, rows: Sequence[Row], protocol: dict[str, Any], seed: int) -> None:
        # One seed: draws take the same images for every corruption, so that ratios are paired.
        chunks = [np.ones((1, len(rows))), *draw_counts(len(rows), seed=seed)]
        values = np.concatenate([figures(rows, protocol, counts) for counts in chunks])
        self.err: Float64[np.ndarray, " d"] = (values[:, 0] - values[:, 1] + 1) / 2
        self.means = {
            **dict(zip(NEEDED, values[0].tolist(), strict=True)),
            "err": float(self.err[0]),
        }


def _interval(drawn: Float64[np.ndarray, " d"]) -> dict[str, float]:
    resampled = drawn[1:]
    low, high = ends(resampled[np.isfinite(resampled), None])
    return {"value": float(drawn[0]), "low": float(low[0]), "high": float(high[0])}
