"""Which files belong together: by their names, or by the lists that come with data sets."""

import bisect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from featherdepth.data.layouts import PLACES, Layout
from featherdepth.data.storage import Storage, read_text
from featherdepth.data.template import Template
from featherdepth.errors import InputError

MAX_GAP_S = 0.02
"""Between the clocks of photo and depth (TUM RGB-D's own tool)."""
SIDES = {"l": "image_02", "r": "image_03"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Names of what belongs to one sample; empty where the layout has no such file."""

    rgb: str
    depth: str
    group: str
    sparse: str = ""
    sparse_mask: str = ""
    mask: str = ""
    camera: str = ""
    focal_px: float | None = None
    """Where a list says it."""

    @property
    def key(self) -> str:
        return str(PurePosixPath(self.rgb).with_suffix(""))


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """The pairs of a layout, found or not."""

    pairs: list[Pair]
    without_truth: int = 0
    """Lines that say, or whose file shows, that there is no truth."""
    named: int = 0
    """Pairs that should be there."""
    source: str = ""
    """The list, or the template that was walked."""


def list_pairs(root: Path, storage: Storage, layout: Layout, base: str) -> Listing:
    """The pairs that a list names, else those that lie there.

    Raises:
        InputError: a list that cannot be read, or a layout that needs one and has none.
    """
    for form, name in layout.lists:
        for place in dict.fromkeys((*(base + p for p in PLACES), *PLACES)):
            found = sorted(root.glob(place + name))
            if found and form == "times":  # a folder of sequences
                return _joined([_times(root, path) for path in found])
            if found:
                return _READ[form](root, storage, layout, base, found[0])
    if not layout.rgb:
        names = " or ".join(name for _, name in layout.lists)
        raise InputError(f"{root}: {layout.title} needs a list, and there is no {names}")
    return _walk(root, layout, base)


def _walk(root: Path, layout: Layout, base: str) -> Listing:
    text = layout.rgb if layout.walk == "rgb" else layout.depth
    pairs = [_pair(layout, base, f) for _, f in Template(base + text).find(root)]
    return Listing(pairs=pairs, named=len(pairs), source=base + text)


def _pair(layout: Layout, base: str, fields: dict[str, str]) -> Pair:
    def fill(text: str) -> str:
        return Template(base + text).fill(fields) if text else ""

    return Pair(
        rgb=fill(layout.rgb),
        depth=fill(layout.depth),
        group=Template(layout.group).fill(fields),
        sparse=fill(layout.sparse),
        sparse_mask=fill(layout.sparse_mask),
        mask=fill(layout.mask),
        camera=fill(layout.camera_file),
    )


def _columns(root: Path, storage: Storage, layout: Layout, base: str, path: Path) -> Listing:
    """Lines `rgb depth [more] [focal]`; `None` in place of a depth says that there is none."""
    pairs: list[Pair] = []
    without = 0
    rgb_place = _Places(storage, base, layout.rgb_roots, path, root, photos=True)
    depth_place = _Places(storage, base, layout.depth_roots, path, root)
    for number, words in _lines(path):
        if len(words) <= layout.column:
            raise InputError(
                f"{path.name}, line {number}: {len(words)} columns; expected the photo first and"
                f" the depth in column {layout.column + 1}"
            )
        if words[layout.column] == "None":
            without += 1
            continue
        rgb, depth = rgb_place.find(words[0]), depth_place.find(words[layout.column])
        camera = ""
        if layout.camera_file:  # lists name no cameras: they lie where the layout puts them
            fields = Template(base + layout.rgb).match(rgb)
            camera = Template(base + layout.camera_file).fill(fields) if fields else ""
        pairs.append(
            Pair(
                rgb=rgb,
                depth=depth,
                group=str(PurePosixPath(words[0].lstrip("/")).parent),
                camera=camera,
                focal_px=_focal(words[-1]) if len(words) > layout.column + 1 else None,
            )
        )
    source = path.relative_to(root).as_posix()
    return Listing(pairs=pairs, without_truth=without, named=len(pairs), source=source)


def _frames(root: Path, storage: Storage, layout: Layout, base: str, path: Path) -> Listing:
    """Lines `folder frame l|r` of raw KITTI; some frames have no improved truth."""
    pairs: list[Pair] = []
    without = 0
    rgb_place = _Places(storage, base, layout.rgb_roots, path, root, photos=True)
    depth_place = _Places(storage, base, layout.depth_roots, path, root)
    for number, words in _lines(path):
        if len(words) != 3 or not words[1].isdecimal() or words[2] not in SIDES:
            raise InputError(
                f"{path.name}, line {number}: {' '.join(words)!r}; expected FOLDER FRAME l|r"
            )
        folder, frame, camera = words[0], int(words[1]), SIDES[words[2]]
        drive = PurePosixPath(folder).name
        name = f"{drive}/proj_depth/groundtruth/{camera}/{frame:010d}.png"
        depth = depth_place.find(name)
        if storage.fault(depth) is not None:
            without += 1
            continue
        rgb = rgb_place.find(f"{folder}/{camera}/data/{frame:010d}.png")
        pairs.append(Pair(rgb=rgb, depth=depth, group=folder))
    source = path.relative_to(root).as_posix()
    return Listing(pairs=pairs, without_truth=without, named=len(pairs) + without, source=source)


def _parallel(root: Path, storage: Storage, layout: Layout, base: str, path: Path) -> Listing:
    """VOID: test_image.txt, test_ground_truth.txt ... with the same number of names each."""
    kinds = ("image", "ground_truth", "sparse_depth", "validity_map", "intrinsics")
    columns: dict[str, list[str]] = {}
    for kind in kinds:
        other = path.with_name(path.name.replace("image", kind))
        places = _Places(storage, base, layout.rgb_roots, other, root)
        columns[kind] = [places.find(words[0]) for _, words in _lines(other)]
    lengths = {kind: len(names) for kind, names in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{kind} {n}" for kind, n in lengths.items())
        raise InputError(f"{path.name} and its neighbors have different lengths: {said}")
    pairs = [
        Pair(
            rgb=rgb,
            depth=depth,
            sparse=sparse,
            sparse_mask=mask,
            camera=camera,
            group=PurePosixPath(rgb).parent.parent.name,
        )
        for rgb, depth, sparse, mask, camera in zip(*(columns[kind] for kind in kinds), strict=True)
    ]
    source = path.relative_to(root).as_posix()
    return Listing(pairs=pairs, named=len(pairs), source=source)


def _joined(parts: list[Listing]) -> Listing:
    pairs = [pair for part in parts for pair in part.pairs]
    return Listing(pairs=pairs, named=len(pairs), source=parts[0].source)


def _times(root: Path, path: Path) -> Listing:
    """TUM RGB-D: rgb.txt and depth.txt with `time name`; partners are nearest in time."""
    folder = path.relative_to(root).parent
    photos, depths = (_clock(path.with_name(name)) for name in ("rgb.txt", "depth.txt"))
    pairs = [
        Pair(
            rgb=(folder / photos[t]).as_posix(),
            depth=(folder / depths[u]).as_posix(),
            group=root.name if folder == Path() else folder.as_posix(),
        )
        for t, u in nearest_times(list(photos), list(depths))
    ]
    return Listing(pairs=pairs, named=len(pairs), source=f"{path.name} and depth.txt")


def nearest_times(first: Iterable[float], second: Iterable[float]) -> list[tuple[float, float]]:
    """Pairs of times less than MAX_GAP_S apart, closest pairs first, each time once; sorted.

    Example:
        >>> nearest_times([1.0, 1.03], [1.01, 1.04])
        [(1.0, 1.01), (1.03, 1.04)]
    """
    others = sorted(second)
    candidates = []
    for time in first:
        low = bisect.bisect_right(others, time - MAX_GAP_S)
        high = bisect.bisect_left(others, time + MAX_GAP_S)
        candidates += [(abs(time - other), time, other) for other in others[low:high]]
    taken: dict[float, float] = {}
    used: set[float] = set()
    for _, time, other in sorted(candidates):
        if time not in taken and other not in used:
            taken[time] = other
            used.add(other)
    return sorted(taken.items())


class _Places:
    """Where names of a list lie: relative to one of several folders, or without their first parts.

    The place of the first name that is found is tried first for the next ones.
    """

    def __init__(
        self,
        storage: Storage,
        base: str,
        roots: tuple[str, ...],
        path: Path,
        root: Path,
        *,
        photos: bool = False,
    ) -> None:
        self._storage = storage
        self._photos = photos
        here = path.parent.relative_to(root)
        beside = ["" if p == Path() else f"{p.as_posix()}/" for p in (here, *here.parents)]
        self._prefixes = list(dict.fromkeys([*(base + r for r in roots), *beside]))
        self._usual: tuple[str, int] | None = None

    def find(self, name: str) -> str:
        """The name relative to the data folder; where it is nowhere, as the first place says."""
        name = name.lstrip("/")
        parts = PurePosixPath(name).parts
        for prefix, dropped in self._candidates(len(parts)):
            tail = "/".join(parts[dropped:])
            for candidate in self._spellings(prefix + tail):
                if self._storage.fault(candidate) is None:
                    self._usual = (prefix, dropped)
                    return candidate
        return self._prefixes[0] + name

    def _spellings(self, name: str) -> tuple[str, ...]:
        """KITTI's lists say .png where many people have .jpg photos."""
        return (name, name[:-4] + ".jpg") if self._photos and name.endswith(".png") else (name,)

    def _candidates(self, count: int) -> list[tuple[str, int]]:
        if self._usual is not None:  # a missing file is not searched for everywhere
            dropped = self._usual[1]
            return [self._usual, *((p, dropped) for p in self._prefixes)]
        return [(p, dropped) for dropped in range(max(count - 1, 1)) for p in self._prefixes]


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    lines = read_text(path).splitlines()
    return [
        (i, line.split())
        for i, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]


def _clock(path: Path) -> dict[float, str]:
    entries: dict[float, str] = {}
    for number, words in _lines(path):
        try:
            entries[float(words[0])] = words[1]
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{path.name}, line {number}: {' '.join(words)!r}; expected TIME NAME"
            ) from error
    return entries


def _focal(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


_READ: dict[str, Callable[[Path, Storage, Layout, str, Path], Listing]] = {
    "columns": _columns,
    "frames": _frames,
    "parallel": _parallel,
}
