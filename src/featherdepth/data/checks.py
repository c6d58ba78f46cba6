"""What can be wrong with a data set, each told from a look at some of its samples."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from featherdepth.data.looks import looks_inverted
from featherdepth.data.reader import Reader
from featherdepth.data.usual import Usual
from featherdepth.types import DepthKind


@dataclass(kw_only=True, slots=True)
class Look:
    """What one sample showed."""

    key: str
    part: str
    usual: Usual | None
    kind: DepthKind | None = None
    photo_size: tuple[int, int] | None = None
    truth_size: tuple[int, int] | None = None
    median: float = math.nan
    valid: float = math.nan
    rise: float = math.nan
    curvature: float = math.nan
    turned: int = 1
    """EXIF orientation of the photo; 1 is upright."""
    fault: str = ""
    """Why it could not be read."""


@dataclass(kw_only=True, slots=True)
class Evidence:
    """All that the checks look at."""

    reader: Reader
    looks: list[Look] = field(default_factory=list)

    def parts(self) -> list[list[Look]]:
        """Readable samples with truth, those that must look alike together."""
        parts: dict[str, list[Look]] = {}
        for look in self.looks:
            if look.kind is not None:
                parts.setdefault(look.part, []).append(look)
        return list(parts.values())


def mean_of(values: list[float]) -> float | None:
    """None for no values."""
    return float(np.mean(values)) if values else None


def median_of(values: list[float]) -> float | None:
    """Of the finite values; None for none."""
    known = [v for v in values if math.isfinite(v)]
    return float(np.median(known)) if known else None


def _check_files(evidence: Evidence) -> list[str]:
    """Files that are missing or cannot be read, those apart that another check explains."""
    explained = {look.key for look in evidence.looks if _is_turned(look)}
    explained |= set(_unmasked(evidence.reader))
    faults = [s for s in evidence.reader.skipped if s.key not in explained]
    if not faults:
        return _check_count(evidence)
    keys = set(evidence.reader.keys)
    total = len(keys) + sum(s.key not in keys for s in faults)
    return [f"{len(faults)} of {total} cannot be used; the first: {faults[0].reason}"]


def _check_count(evidence: Evidence) -> list[str]:
    """A whole list whose truth is not whole."""
    reader = evidence.reader
    published = getattr(reader, "published", None)
    official = published.counts.get(reader.split or "all", 0) if published else 0
    if getattr(reader, "named", 0) < official or len(reader) >= 0.95 * official:
        return []
    return [f"truth for {len(reader)} of {official} pairs that the list officially has"]


def _check_scale(evidence: Evidence) -> list[str]:
    found = []
    for looks in evidence.parts():
        median = median_of([look.median for look in looks])
        if looks[0].usual is None or median is None or looks[0].kind is not DepthKind.METRIC:
            continue
        if (fault := looks[0].usual.scale_fault(median)) is not None:
            found.append(f"{looks[0].part}: {fault}")
    return found


def _check_kind(evidence: Evidence) -> list[str]:
    found = []
    for looks in evidence.parts():
        kind = looks[0].kind
        assert kind is not None  # noqa: S101 - parts() gives samples with truth
        rises, bends = [look.rise for look in looks], [look.curvature for look in looks]
        if looks_inverted(rises, bends, larger_is=kind.larger_is):
            said, looks_like = "depth", "disparity"
            if kind.larger_is == "nearer":
                said, looks_like = looks_like, said
            found.append(
                f"{looks[0].part}: stored as {said}, but it looks like {looks_like}: larger values"
                f" are {'lower' if said == 'depth' else 'higher'} in the picture (median ratio of"
                f" top to bottom {math.exp(median_of(rises) or 0):.2f})"
            )
    return found


def _check_split(evidence: Evidence) -> list[str]:
    strangers: list[tuple[str, str]] = getattr(evidence.reader, "strangers", list)()
    if not strangers:
        return []
    key, part = strangers[0]
    return [
        f"{len(strangers)} of {len(evidence.reader)} frames of split"
        f" {evidence.reader.split or 'all'!r} belong elsewhere; the first: {key} is of {part};"
        " the splits are swapped or mixed"
    ]


def _check_masks(evidence: Evidence) -> list[str]:
    found = []
    unmasked = _unmasked(evidence.reader)
    if unmasked:
        total = len(evidence.reader) + len(unmasked)
        found.append(f"{len(unmasked)} of {total} have no mask; the first: {unmasked[0]}")
    for looks in evidence.parts():
        empty = [look.key for look in looks if look.valid == 0]
        if empty:
            found.append(
                f"{len(empty)} of {len(looks)} of {looks[0].part} have no measured pixel; the"
                f" first: {empty[0]}"
            )
        if looks[0].usual is None:
            continue
        fault = looks[0].usual.valid_fault(mean_of([look.valid for look in looks]) or 0.0)
        if fault is not None:
            found.append(f"{looks[0].part}: {fault}; holes are filled, or a mask is not there")
    return found


def _check_turns(evidence: Evidence) -> list[str]:
    turned = [look for look in evidence.looks if _is_turned(look)]
    if not turned:
        return []
    return [
        f"{len(turned)} of {len(evidence.looks)} photos are turned by EXIF (orientation"
        f" {turned[0].turned}), their truth is not; the first: {turned[0].key}; store the photos"
        " upright and without the tag"
    ]


def _check_sizes(evidence: Evidence) -> list[str]:
    found = [look for look in evidence.looks if _aspects_differ(look)]
    if not found:
        return []
    (height, width), (truth_height, truth_width) = found[0].photo_size, found[0].truth_size  # type: ignore[misc]
    return [
        f"{len(found)} of {len(evidence.looks)} pairs differ in shape; the first: {found[0].key},"
        f" photo {width}x{height}, truth {truth_width}x{truth_height}"
    ]


def _aspects_differ(look: Look) -> bool:
    if look.photo_size is None or look.truth_size is None:
        return False
    (height, width), (truth_height, truth_width) = look.photo_size, look.truth_size
    return abs(math.log(width * truth_height / (height * truth_width))) > 0.02


def _is_turned(look: Look) -> bool:
    """Whether the tag turns the photo away from its truth."""
    if look.turned == 1 or (look.kind is None and not look.fault):
        return False
    # A quarter turn that ends in the size of the truth is one that the truth was made for.
    fits = look.turned >= 5 and look.photo_size is not None and look.photo_size == look.truth_size
    return not (fits and look.photo_size and look.photo_size[0] != look.photo_size[1])


def _unmasked(reader: Reader) -> list[str]:
    return list(getattr(reader, "unmasked", ()))


CHECKS: dict[str, Callable[[Evidence], list[str]]] = {
    "files": _check_files,
    "split": _check_split,
    "masks": _check_masks,
    "rotation": _check_turns,
    "sizes": _check_sizes,
    "scale": _check_scale,
    "kind": _check_kind,
}
"""Name of a fault -> what finds it."""
