"""What a data folder is and what is wrong with it, from its names and some of its files."""

import contextlib
import io
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from featherdepth.data import READERS
from featherdepth.data.checks import CHECKS, Evidence, Look, mean_of, median_of
from featherdepth.data.looks import curvature, rise
from featherdepth.data.manifest import MANIFEST, Manifest
from featherdepth.data.probe import open_data, recognise
from featherdepth.data.reader import Reader
from featherdepth.data.storage import Storage
from featherdepth.errors import InputError
from featherdepth.images.decoder import open_picture
from featherdepth.images.exif import read_orientation
from featherdepth.types import Sample

IMAGES = 48
"""Samples that are opened; a data set is of one kind."""
FEWEST = 4
"""Samples of each part of a mixed set, where it has them and `images` is not very small."""
THINNED = 240
"""Pixels of the longer side that are enough to see a plane."""
LEVELS = 3
"""Folders above a path in which a manifest is looked for."""


def examine(root: Path, split: str | None = None, *, images: int = IMAGES) -> dict[str, Any]:
    """Look at a data folder.

    Args:
        split: part of the data; all, or the first, by default.
        images: about how many samples to open, evenly spaced.

    Returns:
        `path`, `layout`, `what` (one line), `name`, `split`, `count`, `official` (count that the
        publishers name, or None), `examined`, `kind`, `stored` (unit and scale in words), `terms`,
        `photo_size` and `truth_size` (the most frequent, height and width), `intrinsics` (of the
        first sample), `splits` (split -> count, where the data set lists several), `parts` (of a
        mixed set, or one: `name`, `count`, `kind`, `valid_fraction`, `median` in metres or the
        unit of the truth; of the examined samples), `faults` (list of `fault`, `message`).

    Raises:
        InputError: nothing there that a reader knows.
        UsageError: a split that this data does not have.
    """
    layout, reader, reason = _open(root, split)
    if reader is None:
        faults = [{"fault": "unusable", "message": reason}]
        return {"path": str(root), "layout": layout, "what": layout, "count": 0, "faults": faults}
    evidence = Evidence(reader=reader)
    first: Sample | None = None
    for index in _chosen(reader, images):
        look, sample = _look(reader, index)
        evidence.looks.append(look)
        first = first or sample
    faults = [
        {"fault": name, "message": message}
        for name, check in CHECKS.items()
        for message in check(evidence)
    ]
    return {
        "path": str(root),
        "layout": getattr(getattr(reader, "layout", None), "name", layout),
        "what": reader.describe(),
        "name": reader.name,
        "split": reader.split,
        "count": len(reader),
        "terms": reader.terms,
        **_summary(evidence, first),
        "faults": faults,
    }


def _open(root: Path, split: str | None) -> tuple[str, Reader | None, str]:
    above = _manifest_above(root)
    if above is not None and split is None:
        return "manifest", above, ""
    layout = recognise(root)
    options: dict[str, Any] = {}
    if "lenient" in getattr(READERS.load(layout).Config, "__dataclass_fields__", {}):
        options["lenient"] = True
    try:
        return layout, open_data(root, split, **options), ""
    except InputError as error:
        return layout, None, str(error)


def _manifest_above(root: Path) -> Reader | None:
    """The rows of a manifest further up that lie under `root`, or in a zip that `root` is."""
    place = root.absolute()
    for parent in list(place.parents)[:LEVELS] if not (root / MANIFEST).is_file() else []:
        if not (parent / MANIFEST).is_file():
            continue
        inside: tuple[str, ...] = (f"{place.relative_to(parent).as_posix()}/",)
        if place.suffix.lower() == ".zip":
            names = Storage(parent, zips=[place.name]).zipped_names()
            inside = tuple(sorted({f"{PurePosixPath(name).parent}/" for name in names}))
            if not inside:  # broken or empty: without a folder all rows would be of it
                return None
        try:
            return Manifest(Manifest.Config(root=parent, inside=inside))
        except InputError:
            return None
    return None


def _chosen(reader: Reader, images: int) -> list[int]:
    """Indices to open, evenly spaced in each part."""
    parts: dict[str, list[int]] = {}
    for index in range(len(reader)):
        parts.setdefault(reader.part(index)[0], []).append(index)
    share = max(images // max(len(parts), 1), min(FEWEST, images // 3), 1)
    chosen: list[int] = []
    for indices in parts.values():
        places = np.linspace(0, len(indices) - 1, min(share, len(indices))).round()
        chosen += [indices[int(place)] for place in places]
    return sorted(chosen)


def _look(reader: Reader, index: int) -> tuple[Look, Sample | None]:
    part, usual = reader.part(index)
    look = Look(key=reader.keys[index], part=part, usual=usual)
    with contextlib.suppress(InputError):  # reading it says so as well, and the reader counts it
        look.turned = _orientation(reader, index)
    try:
        sample = reader[index]
    except InputError as error:
        look.fault = str(error)
        return look, None
    look.photo_size = sample.image.size
    if (depth := sample.depth) is not None:
        look.kind, look.truth_size = depth.kind, depth.size
        look.valid = float(depth.valid.mean())
        positive = depth.valid & (depth.values > 0)
        if positive.any():
            look.median = float(np.median(depth.values[positive]))
            look.rise = rise(depth.values, positive)
            step = max(1, max(depth.size) // THINNED)
            thin = (slice(None, None, step),) * 2
            look.curvature = curvature(depth.values[thin], positive[thin])
    return look, sample


def _orientation(reader: Reader, index: int) -> int:
    """As EXIF says it; arrays in containers have none."""
    encoded = getattr(reader, "encoded", None)
    if encoded is None:
        return 1
    with open_picture(io.BytesIO(encoded(index)), reader.keys[index]) as picture:
        return read_orientation(picture).code


def _summary(evidence: Evidence, first: Sample | None) -> dict[str, Any]:
    looks = [look for look in evidence.looks if look.kind is not None]
    camera = first.image.intrinsics if first is not None else None
    kinds = sorted({look.kind.value for look in looks if look.kind is not None})
    stored = sorted({look.usual.unit for look in looks if look.usual is not None})
    published = getattr(evidence.reader, "published", None)
    counts = {} if published is None else published.counts
    return {
        "official": counts.get(evidence.reader.split or "all"),
        "examined": len(evidence.looks),
        "kind": ", ".join(kinds) or None,
        "stored": "; ".join(stored) or None,
        "photo_size": _most_frequent([look.photo_size for look in evidence.looks]),
        "truth_size": _most_frequent([look.truth_size for look in looks]),
        "parts": [_part(evidence.reader, part) for part in evidence.parts()],
        "splits": getattr(evidence.reader, "split_counts", dict)(),
        "intrinsics": None
        if camera is None
        else {
            **{name: getattr(camera, name) for name in ("fx", "fy", "cx", "cy")},
            "source": camera.source,
        },
    }


def _part(reader: Reader, looks: list[Look]) -> dict[str, Any]:
    name, kind = looks[0].part, looks[0].kind
    return {
        "name": name,
        "count": sum(reader.part(index)[0] == name for index in range(len(reader))),
        "kind": None if kind is None else kind.value,
        "valid_fraction": mean_of([look.valid for look in looks]),
        "median": median_of([look.median for look in looks]),
    }


def _most_frequent(sizes: list[tuple[int, int] | None]) -> list[int] | None:
    known = Counter(size for size in sizes if size is not None)
    return list(known.most_common(1)[0][0]) if known else None
