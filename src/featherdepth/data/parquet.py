"""Photos in a column of parquet files, as tables of pictures are published.

The column holds the bytes of each photo's file: one of type binary, or a structure with a field
`bytes`; of several, the one with the more usual name (`image`, `jpg`, `bytes`, ...). A column of
names (`key`, `path`, `file_name`, ...) gives the keys; rows without a usable name of their own are
called by their number. Other columns are not read. Files are read group of rows by group of rows.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from featherdepth.data.extra import need
from featherdepth.data.reader import PhotoReader
from featherdepth.data.storage import files_below, is_inside, name_below
from featherdepth.errors import InputError
from featherdepth.images.read import IMAGE_SUFFIXES

PHOTOS = ("image", "jpg", "jpeg", "png", "webp", "bytes", "image_bytes", "content", "data")
NAMES = ("key", "__key__", "path", "file_name", "filename", "name", "id", "image_id")
HELD = 2
"""Groups of rows that stay in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    photo: str
    """Dotted: `image.bytes` is the field of a structure."""
    name: str | None


class Parquet(PhotoReader):
    """Unlabelled photos in a column of parquet files.

    Keys are `file/name`, both without their endings; `groups` are the files.
    """

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: a .parquet, or a folder with some, subfolders included."""

        root: Path
        split: str | None = None

        def __post_init__(self) -> None:
            if self.split is not None:
                raise ValueError(f"parquet files have no splits, got {self.split!r}; name a file")

    def __init__(self, config: Config) -> None:
        """List the photos; they are read when asked for.

        Raises:
            InputError: no such file or folder, or no photo in it.
            BackendError: pyarrow is not installed.
        """
        super().__init__()
        root = config.root
        self._arrow = need("pyarrow.parquet", str(root), package="pyarrow", extra="cluster")
        self._faulty = need("pyarrow", str(root), extra="cluster").ArrowException
        self.name = root.resolve().stem
        self._paths = parquet_files(root)
        self._columns: list[_Columns] = []
        self._ends: list[list[int]] = []
        """Of each file: row numbers at which its groups end."""
        self._places: list[tuple[int, int]] = []
        self._held: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self._lock = threading.Lock()
        for number, path in enumerate(self._paths):
            shown = name_below(root, path)
            try:
                self._list(number, path, shown)
            except InputError as error:
                self._skip(shown, str(error))
                self._columns.append(_Columns(photo="", name=None))
                self._ends.append([])
        if not self.keys:
            reason = next(iter(self._faults.values()), "their tables are empty")
            raise InputError(f"{root}: no photo found in it; {reason}")

    def encoded(self, index: int) -> bytes:
        """The file of one photo, as the table holds it.

        Raises:
            InputError: it cannot be read, or the cell is empty.
        """
        number, row = self._places[index]
        group = int(np.searchsorted(self._ends[number], row, side="right"))
        start = self._ends[number][group - 1] if group else 0
        with self._lock:
            cells = self._held.get((number, group))
            if cells is None:
                cells = self._cells(number, group)
                self._held[number, group] = cells
                while len(self._held) > HELD:
                    self._held.popitem(last=False)
        content = cells[row - start].as_py()
        if not isinstance(content, bytes) or not content:
            raise InputError(f"{self.keys[index]}: an empty cell; expected the bytes of a photo")
        return content

    def _list(self, number: int, path: Path, shown: str) -> None:
        try:
            with self._arrow.ParquetFile(path) as file:
                columns = _columns(file.schema_arrow, path)
                counts = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
                names = _texts(file, columns.name, sum(counts))
        except (self._faulty, OSError) as error:
            raise InputError(
                f"{path.name}: {_first_line(error)}; expected a whole parquet file: one that was"
                " cut off cannot be read at all"
            ) from error
        self._columns.append(columns)
        self._ends.append(np.cumsum(counts).tolist())
        seen: set[str] = set()
        for row, name in enumerate(names):
            key = _key(name)
            if not key or key in seen:
                key = f"{row:08d}"
            while key in seen:  # the name of another row is this number
                key += "_"
            seen.add(key)
            self.keys.append(f"{shown}/{key}")
            self.groups.append(shown)
            self._places.append((number, row))

    def _cells(self, number: int, group: int) -> Any:
        path, column = self._paths[number], self._columns[number].photo
        try:
            with self._arrow.ParquetFile(path) as file:
                cells = file.read_row_group(group, columns=[column]).column(0)
        except (self._faulty, OSError) as error:
            raise InputError(f"{path.name}: group {group}: {_first_line(error)}") from error
        if str(cells.type).startswith("struct<"):  # a plain column may have a dot in its name
            cells = self._field(cells, column.rpartition(".")[2])
        return cells

    def _field(self, cells: Any, name: str) -> Any:
        compute = need("pyarrow.compute", "parquet", package="pyarrow", extra="cluster")
        return compute.struct_field(cells, name)


def parquet_files(root: Path) -> list[Path]:
    """The parquet files that `root` is or holds, sorted by their names below it.

    Raises:
        InputError: there is none.
    """
    found = files_below(root, ".parquet")
    if not found:
        raise InputError(f"{root}: no .parquet in it; expected tables of photos")
    return found


def _columns(schema: Any, path: Path) -> _Columns:
    binary: dict[str, str] = {}
    texts: dict[str, str] = {}
    for field in schema:
        inner = list(field.type) if str(field.type).startswith("struct<") else []
        for name, part in [(field.name, field), *((f"{field.name}.{p.name}", p) for p in inner)]:
            if str(part.type) in ("binary", "large_binary"):
                binary.setdefault(field.name, name)
            elif str(part.type) in ("string", "large_string"):
                texts.setdefault(part.name, name)
    photo = next((binary[name] for name in PHOTOS if name in binary), None)
    photo = photo or next(iter(binary.values()), None)
    if photo is None:
        raise InputError(
            f"{path.name}: columns {', '.join(schema.names)}; expected one of type binary, with the"
            " bytes of the photos' files"
        )
    return _Columns(photo=photo, name=next((texts[n] for n in NAMES if n in texts), None))


def _texts(file: Any, column: str | None, rows: int) -> list[str | None]:
    if column is None:
        return [None] * rows
    values: list[Any] = file.read(columns=[column]).column(0).to_pylist()
    inside = column.rpartition(".")[2]
    return [value[inside] if isinstance(value, dict) else value for value in values]


def _key(name: str | None) -> str:
    """A name without its ending, if it may become that of a file; else nothing."""
    if not name or not name.isprintable() or len(name) > 200 or not is_inside(name):
        return ""
    path = PurePosixPath(name)
    return (path.with_suffix("") if path.suffix.lower() in IMAGE_SUFFIXES else path).as_posix()


def _first_line(error: BaseException) -> str:
    lines = str(getattr(error, "strerror", None) or error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
