"""Photos without depth: a folder with its subfolders, a zip, or a list of names in a .txt file."""

from dataclasses import dataclass
from pathlib import Path

from featherdepth.data.reader import PhotoReader
from featherdepth.data.storage import Storage, read_text
from featherdepth.errors import InputError
from featherdepth.images.find import IMAGE_SUFFIXES, in_folder


class Photos(PhotoReader):
    """Unlabelled photos, each a file of its own."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: a folder, a .zip, or a .txt list.

        Names of a list, one a line, are relative to the folder of the list or to the one above
        it; both may hold the photos in zips. A second column is ignored, `#` begins a comment.
        """

        root: Path
        split: str | None = None

        def __post_init__(self) -> None:
            if self.split is not None:
                raise ValueError(f"photo folders have no splits, got {self.split!r}; name a list")

    def __init__(self, config: Config) -> None:
        """List the photos; they are opened when asked for.

        Raises:
            InputError: no such folder, zip or list, or no photo in it.
        """
        super().__init__()
        root = config.root
        if root.is_dir():
            self._storage, names = Storage(root), _names_in_folder(root)
        elif root.suffix.lower() == ".zip" and root.is_file():
            self._storage, names = _open_zip(root)
        elif root.suffix.lower() == ".txt" and root.is_file():
            self._storage, names = _open_list(root)
        else:
            found = "not a list of photos" if root.exists() else "not found"
            raise InputError(f"{root}: {found}; expected a folder, a .zip or a .txt list")
        self.name = root.resolve().stem
        for name in names:
            if (fault := self._storage.fault(name)) is None:
                self.keys.append(name)
            else:
                self._skip(name, fault)
        if not self.keys:
            reason = next(iter(self._faults.values()), f"known endings: {sorted(IMAGE_SUFFIXES)}")
            raise InputError(f"{root}: no photo found; {reason}")
        self.groups = [str(Path(key).parent) for key in self.keys]

    def encoded(self, index: int) -> bytes:
        """The file of one photo, as it is stored.

        Raises:
            InputError: it cannot be read; it is not looked at otherwise.
        """
        return self._storage.read(self.keys[index])

    def size_bytes(self, index: int) -> int:
        """Of the file of one photo; -1 if it is gone."""
        return self._storage.size_bytes(self.keys[index])

    def modified_ns(self, index: int) -> int:
        """When the file of one photo was changed; -1 if it is gone."""
        return self._storage.modified_ns(self.keys[index])


def _names_in_folder(root: Path) -> list[str]:
    return sorted(name.as_posix() for _, name in in_folder(root))


def _open_zip(path: Path) -> tuple[Storage, list[str]]:
    storage = Storage(path.parent, zips=[path.name])
    names = [n for n in storage.zipped_names() if Path(n).suffix.lower() in IMAGE_SUFFIXES]
    if path.name in storage.broken:
        raise InputError(storage.broken[path.name])
    return storage, names


def _open_list(path: Path) -> tuple[Storage, list[str]]:
    lines = read_text(path).splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    here, above = Storage(path.resolve().parent), Storage(path.resolve().parent.parent)
    # One base for the whole list: the one where its names are.
    storage = here if any(_photo_of(here, name) for name in names) else above
    found = [_photo_of(storage, name) or name for name in names]
    return storage, list(dict.fromkeys(found))


def _photo_of(storage: Storage, line: str) -> str | None:
    """The name in a line; lists of labelled data have the depth behind the photo."""
    return next((n for n in (line, line.split(maxsplit=1)[0]) if storage.fault(n) is None), None)
