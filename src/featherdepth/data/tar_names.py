"""Webdataset's rule for names in a tar, both ways.

A file name is cut at its first dot: what stands before it, with the folders, is the key of a
sample, and files of one key belong together. So a photo's name must have one dot, and photos that
differ in nothing but their endings need other keys.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath


def webdataset_name(name: str) -> tuple[str, str]:
    """Key and ending of a file in a tar: the file name is cut at its first dot.

    The ending is in lower case. A name without a key (`.hidden`) has an empty one.

    Example:
        >>> webdataset_name("trip.1/a.left.JPG"), webdataset_name("trip/.a.jpg")
        (('trip.1/a', 'left.jpg'), ('', ''))
    """
    folder, slash, base = name.rpartition("/")
    stem, dot, ending = base.partition(".")
    return (f"{folder}{slash}{stem}", ending.lower()) if stem and dot else ("", "")


def tar_keys(names: Sequence[str]) -> list[str]:
    """A webdataset key for each photo: no dot in its last part, and no two alike."""
    bare = [_without_dots(name, keep_ending=False) for name in names]
    shared = Counter(key.casefold() for key in bare)
    taken: set[str] = set()
    keys = []
    for name, plain in zip(names, bare, strict=True):
        alone = shared[plain.casefold()] == 1
        wanted = key = plain if alone else _without_dots(name, keep_ending=True)
        number = 1
        while key.casefold() in taken:  # some file systems take A and a for the same name
            number += 1
            key = f"{wanted}_{number}"
        taken.add(key.casefold())
        keys.append(key)
    return keys


def _without_dots(name: str, *, keep_ending: bool) -> str:
    path = PurePosixPath(name)
    last = path.name if keep_ending else path.stem
    return str(path.with_name(last.replace(".", "_")))
