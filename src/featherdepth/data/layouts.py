"""The table of layouts, `layouts.toml`: data sets that are only names, a scale and a hole value."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from os import scandir
from pathlib import Path
from tomllib import loads
from typing import Any, Literal

from featherdepth.config import from_table
from featherdepth.data.usual import Range, Usual
from featherdepth.errors import UsageError

TABLE = "layouts.toml"
PLACES = ("", "*/", "*/*/")
"""Where a list of names may lie: in the data folder, or up to two folders below."""

Format = Literal["png", "dpt", "pfm", "npy", "raw_float"]
CameraFormat = Literal["matrix", "sintel", "middlebury"]
ListFormat = Literal["columns", "frames", "parallel", "times"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """One row: one split of one data set as it lies on disk.

    Names are relative to the data folder and one of `bases`. `rgb`, `depth` and the other names
    are templates with `{fields}`; a list, where one is found, names the pairs instead.
    """

    name: str
    title: str
    markers: tuple[str, ...]
    """Globs that all find something where this layout lies; `|` stands between alternatives."""
    terms: str
    split: str | None = None
    count: int | None = None
    """Pairs that the publishers name."""
    bases: tuple[str, ...] = ("",)
    """Folders in front of all names; the first in which the markers are found is taken."""

    rgb: str = ""
    depth: str = ""
    sparse: str = ""
    sparse_mask: str = ""
    mask: str = ""
    """Pixels of the truth that may be used."""
    walk: Literal["rgb", "depth"] = "rgb"
    """The kind of file that is searched for; the others are named after it."""
    group: str = "{scene}"
    lists: tuple[tuple[ListFormat, str], ...] = ()
    """Formats and names of lists, best first."""
    column: int = 1
    """Of a list with columns: where the name of the depth stands."""
    rgb_roots: tuple[str, ...] = ("",)
    """Folders that the names of a list are relative to, best first."""
    depth_roots: tuple[str, ...] = ("",)

    format: Format = "png"
    codes_per_metre: float = 1.0
    invalid: tuple[float, ...] = ()
    """Codes that stand for no measurement, beside 0, negative and non-finite ones."""
    resized: bool = False
    """The photo is resized to the depth, which has another size."""
    edge_jump: float | None = None
    """Drop pixels whose neighbor is deeper or nearer by more than this share."""
    cameras: dict[str, tuple[float, ...]] | None = None
    """Part of a name -> (fx, fy, cx, cy)."""
    camera_size: tuple[int, int] | None = None
    """(height, width) of the pictures that `cameras` belong to, where copies are of other sizes."""
    camera_file: str = ""
    camera_format: CameraFormat = "matrix"
    usable: tuple[int, int, int, int] | None = None
    """(top, left, bottom, right) at `camera_size`: what shows the scene."""

    median: Range | None = None
    valid: Range | None = None
    highest: float = 1e6
    """Metres; no map of this set has a farther pixel."""
    official: str = ""
    """Table of `[official]` that says which part a frame belongs to."""
    part: str = ""
    """The part that this split must consist of."""
    member: str = ""
    """Regular expression whose group 1 is what `[official]` lists."""
    member_offset: int = 0

    def usual(self) -> Usual:
        """Ranges for messages and checks."""
        words = {
            "png": f"16-bit PNG, metres = code / {self.codes_per_metre:g}, 0 = not measured",
            "dpt": "float32 .dpt, about metres",
            "pfm": "float32 PFM, pixels of disparity; metres by calib.txt",
            "npy": "float32 .npy, metres",
            "raw_float": "raw float32, metres, infinite = not measured",
        }
        return Usual(
            unit=words[self.format],
            median=self.median,
            valid=self.valid,
            codes_per_metre=self.codes_per_metre if self.format == "png" else None,
        )

    def base(self, root: Path) -> str | None:
        """The one of `bases` at which this layout lies under `root`; None if at none."""
        return next(
            (b for b in self.bases if all(_any(root, b, marker) for marker in self.markers)), None
        )


def _any(root: Path, base: str, marker: str) -> bool:
    return any(True for pattern in marker.split("|") for _ in root.glob(base + pattern))


@cache
def load_layouts() -> tuple[Layout, ...]:
    """All rows, in the order of the table: the first that fits a folder is taken."""
    rows: list[Layout] = []
    for table in _document()["layout"]:
        shared = {key: value for key, value in table.items() if key != "splits"}
        for split in table.get("splits", [{}]):
            where = f"{TABLE}: {table.get('name')}"
            rows.append(from_table(Layout, {**shared, **split}, where))
    return tuple(rows)


@cache
def official_parts(name: str) -> dict[str, frozenset[str]]:
    """Part of a data set -> what belongs to it, as `[official]` lists it.

    An entry of numbers such as "2-7 9" is spelled out.
    """
    parts: dict[str, frozenset[str]] = {}
    for part, text in _document()["official"][name].items():
        members: set[str] = set()
        for word in text.split():
            first, dash, last = word.partition("-")
            if dash and first.isdecimal() and last.isdecimal():
                members |= {str(i) for i in range(int(first), int(last) + 1)}
            else:
                members.add(word)
        parts[part] = frozenset(members)
    return parts


def find_layout(root: Path, split: str | None = None, name: str | None = None) -> Layout | None:
    """The row that fits the files under `root`; None if none does.

    Args:
        split: of several splits that a layout has on disk, this one; else the first.
        name: only this layout.

    Raises:
        UsageError: the layout is there, but has no such split.
    """
    if not root.is_dir() or not _has_folders(root):
        return None  # no layout is flat: do not search a million photos for markers
    found = [
        row for row in load_layouts() if name in (None, row.name) and row.base(root) is not None
    ]
    if not found:
        return None
    if split is None:
        return found[0]
    for row in found:  # one folder may hold several layouts, such as all of KITTI
        if row.split == split:
            return row
    here = {row.name for row in found}
    known = [row for row in load_layouts() if row.name in here]
    what = "is not there" if any(row.split == split for row in known) else "is unknown"
    names = ", ".join(str(row.split) for row in known)
    raise UsageError(f"{root}: split {split!r} of {found[0].title} {what}; known: {names}")


def _has_folders(root: Path) -> bool:
    with scandir(root) as entries:
        return any(entry.is_dir() for entry in entries)


def _document() -> dict[str, Any]:
    return loads(files("featherdepth.data").joinpath(TABLE).read_text(encoding="utf-8"))
