"""Files of a data folder by name, whether they lie there plainly or inside a zip of that folder."""

import lzma
import os
import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from featherdepth.errors import InputError

MAX_BYTES = 1 << 30
"""A larger entry of a zip is refused: it would have to be unpacked into memory."""


ZIP_FAULTS = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    RuntimeError,  # an encrypted entry; NotImplementedError: an unknown compression or version
    ValueError,  # a name that is no UTF-8, though its entry says so
)
"""What the standard library raises on damaged and foreign zips."""


class Storage:
    """Reads names relative to `root`; nothing outside of `root` is ever opened.

    Zip files are read in place. Every thread of every process opens its own, so that one reader
    can be used by many threads and survives a fork. A plain file wins over an entry of a zip.
    Links inside the folder are followed: they are the owner's.
    """

    def __init__(self, root: Path, *, zips: list[str] | None = None) -> None:
        """`zips`: names of the zips to look into, and no plain files; None looks everywhere."""
        self.root = root
        self._only = zips
        self.broken: dict[str, str] = {}
        """Zips that could not be opened: name -> reason."""
        self._local = threading.local()
        self._entries: dict[str, tuple[str, int]] | None = None

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_local"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._local = threading.local()

    def fault(self, name: str) -> str | None:
        """Why `name` cannot be read, without reading it; None if nothing speaks against it."""
        if not is_inside(name):
            return f"{name!r} leads out of {self.root.name}; names must stay inside the data folder"
        size = self._plain_size(name)
        if size is None:
            entry = self._zipped().get(name)
            if entry is None:
                return f"{name}: not found in {self.root.name} or in a zip there"
            size = entry[1]
            if size > MAX_BYTES:
                return f"{name}: unpacks to {size >> 20} MiB; at most {MAX_BYTES >> 20} are read"
        return f"{name}: empty file" if size == 0 else None

    def read(self, name: str) -> bytes:
        """The bytes of one file.

        Raises:
            InputError: missing, empty, too large, damaged, or outside of the folder.
        """
        if (fault := self.fault(name)) is not None:
            raise InputError(fault)
        try:
            if self._plain_size(name) is not None:
                return (self.root / name).read_bytes()
            return self._open(self._zipped()[name][0]).read(name)
        except ZIP_FAULTS as error:
            raise InputError(f"{name}: cannot read it: {error}") from error

    def size_bytes(self, name: str) -> int:
        """Of one file, unpacked; -1 if it is not there."""
        size = self._plain_size(name) if is_inside(name) else -1
        return self._zipped().get(name, ("", -1))[1] if size is None else size

    def modified_ns(self, name: str) -> int:
        """When a file, or the zip that holds it, was changed; -1 if it is not there."""
        inside = self._plain_size(name) if is_inside(name) else -1
        holder = name if inside is not None else self._zipped().get(name, (name, -1))[0]
        try:
            return (self.root / holder).stat().st_mtime_ns
        except OSError:
            return -1

    def zipped_names(self) -> list[str]:
        """Names of all files inside the zips of the folder, sorted."""
        return sorted(self._zipped())

    def _plain_size(self, name: str) -> int | None:
        if self._only is not None:
            return None
        path = self.root / name
        try:
            return path.stat().st_size if path.is_file() else None
        except OSError:  # a name that is too long, or in a folder that may not be looked into
            return None

    def _zipped(self) -> dict[str, tuple[str, int]]:
        if self._entries is None:
            entries: dict[str, tuple[str, int]] = {}
            found = sorted(path.name for path in self.root.glob("*.zip"))
            for zip_name in found if self._only is None else self._only:
                try:
                    infos = self._open(zip_name).infolist()
                except ZIP_FAULTS as error:
                    self.broken[zip_name] = f"{zip_name}: not a readable zip: {error}"
                    continue
                for info in infos:
                    if not info.is_dir() and is_inside(info.filename):
                        entries.setdefault(info.filename, (zip_name, info.file_size))
            self._entries = entries
        return self._entries

    def _open(self, zip_name: str) -> zipfile.ZipFile:
        # A forked child inherits thread-local values with a file offset shared with its parent.
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.pid, self._local.zips = os.getpid(), {}
        zips: dict[str, zipfile.ZipFile] = self._local.zips
        if zip_name not in zips:
            zips[zip_name] = zipfile.ZipFile(self.root / zip_name)
        return zips[zip_name]


def is_inside(name: str) -> bool:
    """Whether a relative name stays inside its folder on every system."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return bool(parts) and not (
        ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in name
    )


def read_text(path: Path) -> str:
    """A list or table that says what a data folder holds, without its byte order mark.

    Raises:
        InputError: it cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot read it: {error}") from error


def files_below(root: Path, suffix: str) -> list[Path]:
    """The files of one suffix that `root` is or holds, sorted by their names below it.

    Raises:
        InputError: `root` is not there.
    """
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise InputError(f"{root}: not found; expected a {suffix} or a folder with some")
    paths = (p for p in root.rglob(f"*{suffix}") if p.is_file() and not p.name.startswith("."))
    return sorted(paths, key=lambda path: path.relative_to(root).as_posix())


def name_below(root: Path, path: Path) -> str:
    """What one of `files_below` is called: its place below `root`, without its ending."""
    inside = path.relative_to(root) if root.is_dir() else Path(path.name)
    return inside.with_suffix("").as_posix()
