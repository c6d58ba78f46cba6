"""Which reader fits a folder, told from the files that lie in it."""

import logging
from pathlib import Path
from typing import Any

from featherdepth.config import from_table
from featherdepth.data import READERS
from featherdepth.data.known import recognise_known
from featherdepth.data.layouts import find_layout
from featherdepth.data.manifest import MANIFEST
from featherdepth.data.paired import DESCRIPTION
from featherdepth.data.reader import Reader
from featherdepth.data.shards import INDEX
from featherdepth.errors import InputError
from featherdepth.images.read import IMAGE_SUFFIXES

logger = logging.getLogger(__name__)


def open_data(
    root: Path, split: str | None = None, *, reader: str | None = None, **options: Any
) -> Reader:
    """Open a data set with the reader that fits its files.

    `options` are further keys of that reader's `Config`. What was found is logged in words, and
    `Reader.describe` repeats it.

    Args:
        reader: a name of `READERS`, where a folder holds more than one data set, such as KITTI
            with laser points and with improved truth.

    Raises:
        InputError: nothing there, or nothing that a reader knows.
        UsageError: a split, reader or option that this data set does not have.
    """
    name = reader or recognise(root)
    cls = READERS.load(name)
    table = {"root": str(root.absolute()), **options}
    if split is not None:
        table["split"] = split
    opened: Reader = cls(from_table(cls.Config, table, str(root)))
    logger.info("%s: %s", name, opened.describe())
    return opened


def recognise(root: Path) -> str:
    """The name of the reader for `root`.

    Raises:
        InputError: nothing there, or nothing that a reader knows.
    """
    if not root.exists():
        raise InputError(f"{root}: not found; expected a data folder, a .zip, .tar or .txt list")
    if root.is_file():
        if root.suffix.lower() in (".zip", ".txt"):
            return "photos"
        if root.suffix.lower() == ".tar":
            return "shards"
        if root.suffix.lower() == ".parquet":
            return "parquet"
        if (known := recognise_known(root)) is not None:
            return known
        raise InputError(f"{root}: a file; expected a data folder, a .zip, .tar or .txt list")
    if (root / MANIFEST).is_file():
        return "manifest"
    if (root / DESCRIPTION).is_file() or any(root.glob(f"*/{DESCRIPTION}")):
        return "paired"
    if (root / INDEX).is_file():
        return "shards"
    if find_layout(root) is not None:
        return "layout"
    if (known := recognise_known(root)) is not None:
        return known
    if any(path.suffix.lower() in IMAGE_SUFFIXES for path in root.rglob("*")):
        return "photos"
    if any(root.rglob("*.tar")):
        return "shards"
    if any(root.rglob("*.parquet")):
        return "parquet"
    raise InputError(
        f"{root}: not a known data set; expected {MANIFEST}, a {DESCRIPTION} there or one folder"
        " below, photos, or tars or parquet files of photos"
    )
