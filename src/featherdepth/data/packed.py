"""Whether an input holds its photos in a few large files. Asked of every input: imports little."""

import os
from pathlib import Path

from featherdepth.images.find import IMAGE_SUFFIXES, PACKED_SUFFIXES


def is_packed(root: Path) -> bool:
    """Whether `root` is a tar or parquet file, or a folder with some and without a photo."""
    if not root.is_dir():
        return root.suffix.lower() in PACKED_SUFFIXES and root.is_file()
    found = False
    for _, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        endings = {Path(name).suffix.lower() for name in names if not name.startswith(".")}
        if endings & IMAGE_SUFFIXES:
            return False
        found = found or bool(endings & PACKED_SUFFIXES)
    return found
