"""What a collection of photos is to a run: the name and the contents of every photo."""

import hashlib
from collections.abc import Callable
from contextlib import closing
from functools import partial

from featherdepth.data.reader import Reader
from featherdepth.data.teacher_maps import photo_key
from featherdepth.errors import InputError
from featherdepth.runtime.ahead import work_ahead

IDENTITY_FORMAT = 2
"""Of what a run notes of its photos. Before there was a number, it was their names alone."""
UNREADABLE = bytes(32)
"""In place of the contents of a photo that cannot be read."""


def collection_sha256(photos: Reader, *, progress: Callable[[int, int], None] | None = None) -> str:
    """Of names and contents in their order: whether a run goes on with the same photos.

    Every file is read once, a few at a time.

    Args:
        progress: called with (photos done, photos in all).
    """
    total = hashlib.sha256()
    contents = partial(_contents, photos)
    with closing(work_ahead(range(len(photos)), contents)) as stream:
        for index, found in stream:
            name = photos.keys[index].encode(errors="surrogateescape")
            total.update(len(name).to_bytes(8, "little") + name)
            total.update(UNREADABLE if isinstance(found, InputError) else found)
            if progress:
                progress(index + 1, len(photos))
    return total.hexdigest()


def _contents(photos: Reader, index: int) -> bytes:
    """32 bytes: of a photo's file, or of its pixels where it has no file of its own."""
    encoded = getattr(photos, "encoded", None)
    if encoded is None:
        return bytes.fromhex(photo_key(photos[index].image.pixels))
    return hashlib.sha256(encoded(index)).digest()
