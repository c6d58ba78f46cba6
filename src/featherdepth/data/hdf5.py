"""HDF5 files (and MATLAB v7.3, which is HDF5) from strangers: plain arrays, nothing else.

Links to other files, storage outside of the file and virtual data sets are refused: they would
read what the owner of the file does not own. References are followed only to short texts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.data.extra import need
from featherdepth.errors import InputError

FAULTS = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError, OverflowError)
"""What damaged files raise (found by feeding them damaged files)."""
MAX_BYTES = 1 << 30
"""Of one slice or chunk: more is taken for a decompression bomb."""
MAX_TEXT = 200


@contextmanager
def open_hdf5(path: Path, name: str) -> Iterator[Any]:
    """Open a file for one look; opening anew each time survives forks, threads and pickles.

    Raises:
        InputError: missing, or not HDF5; also for every fault of HDF5 in the body.
        BackendError: h5py is not installed.
    """
    h5py = need("h5py", name)
    if not path.is_file():
        raise InputError(f"{name}: not found")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FAULTS as error:
        raise InputError(f"{name}: not a readable HDF5 file: {_first_line(error)}") from error


def array_of(file: Any, key: str, *, ndim: int, kinds: str, name: str) -> Any:
    """The data set `key`, unread, if it is an array of `ndim` axes and a dtype in `kinds`.

    Args:
        kinds: letters of `numpy.dtype.kind`, such as "f" or "iu".

    Raises:
        InputError: not there, elsewhere, or of another form.
    """
    h5py = need("h5py", name)
    link = file.get(key, getlink=True)
    if link is None:
        raise InputError(f"{name}: no {key!r}; found {', '.join(sorted(file)[:12]) or 'nothing'}")
    if not isinstance(link, h5py.HardLink):
        raise InputError(f"{name}: {key!r} is a link to another place; expected its own data")
    item = file[key]
    if not isinstance(item, h5py.Dataset):
        raise InputError(f"{name}: {key!r} is not an array")
    if item.external or item.is_virtual:
        raise InputError(f"{name}: {key!r} lies in other files; expected its own data")
    if item.ndim != ndim or item.dtype.kind not in kinds:
        raise InputError(
            f"{name}: {key!r} is {item.dtype} {item.shape}; expected {ndim} axes of kind {kinds}"
        )
    if item.chunks and np.prod(item.chunks, dtype=object) * item.dtype.itemsize > MAX_BYTES:
        raise InputError(f"{name}: {key!r} has chunks of {item.chunks}, which are too large")
    return item


def take(item: Any, index: int | None = None) -> np.ndarray:
    """All of a data set, or one entry of its first axis."""
    shape = item.shape if index is None else item.shape[1:]
    size = np.prod(shape, dtype=object) * item.dtype.itemsize
    if size > MAX_BYTES:
        raise ValueError(f"{item.name} {shape} is too large")
    return np.asarray(item[()] if index is None else item[index])


def texts(file: Any, key: str, count: int) -> list[str]:
    """The texts of a MATLAB cell array; "" where one is not a short text, all "" without it."""
    h5py = need("h5py", key)
    item = file.get(key) if isinstance(file.get(key, getlink=True), h5py.HardLink) else None
    if not isinstance(item, h5py.Dataset) or item.ndim == 0 or item.size != count:
        return [""] * count
    if h5py.check_ref_dtype(item.dtype) is not h5py.Reference:
        return [""] * count
    return [_text(file, reference) for reference in item[()].ravel()]


def _text(file: Any, reference: Any) -> str:
    try:
        item = file[reference] if reference else None
        if item is None or item.dtype != np.uint16 or item.size > MAX_TEXT:
            return ""
        return "".join(map(chr, item[()].ravel()))
    except (*FAULTS, AttributeError):  # a reference to a group, or to nothing
        return ""


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
