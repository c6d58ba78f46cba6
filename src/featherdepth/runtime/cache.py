"""Results of long preparations, kept between processes: compiled models.

A file a result, named by the sha256 of all that it depends on, with a checksum of its content in
front: what was cut off or damaged is made again (CRC-32: a sha256 of 14 MB took as long as the
preparation that was saved). Files appear whole or not at all, so processes may
share the folder. It may be deleted at any time; what was not used for longest goes first.
"""

import contextlib
import hashlib
import logging
import os
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

from featherdepth.errors import FeatherDepthError
from featherdepth.images.atomic import make_folder, remove_partials, write_atomic

logger = logging.getLogger(__name__)

PLACE = "FEATHERDEPTH_CACHE"
"""Environment variable: the folder; empty keeps nothing."""
SUFFIX = ".compiled"
MOST_BYTES = 500_000_000
DIGEST = 4


def cache_folder() -> Path | None:
    """Where results are kept; None where nothing is."""
    given = os.environ.get(PLACE)
    if given is not None:
        return Path(given) if given else None
    try:
        return _usual_folder()
    except RuntimeError:  # a user without a home, as containers have them
        return None


def _usual_folder() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        base = Path(local) if local else Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "featherdepth"


def key_of(parts: Iterable[str | bytes]) -> str:
    """The name of a result that depends on `parts` in this order, and on nothing else."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def fetch(key: str) -> bytes | None:
    """What was kept under `key`, if it is there and whole."""
    folder = cache_folder()
    if folder is None:
        return None
    path = folder / (key + SUFFIX)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    content = data[DIGEST:]
    if len(data) < DIGEST or _checksum(content) != data[:DIGEST]:
        logger.info("%s: is damaged; made again", path)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used now
    return content


def keep(key: str, content: bytes) -> None:
    """Keep `content` under `key`; that it cannot be written is no error."""
    folder = cache_folder()
    if folder is None:
        return
    try:
        make_folder(folder)
        write_atomic(folder / (key + SUFFIX), _checksum(content) + content)
        _forget(folder)
    except (OSError, FeatherDepthError) as error:
        logger.info("%s: nothing is kept there: %s", folder, error)


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(DIGEST, "little")


def _forget(folder: Path) -> None:
    """Remove what was not used for longest, until the rest is small enough."""
    remove_partials(folder)
    left = MOST_BYTES
    found = sorted(((p.stat(), p) for p in folder.glob(f"*{SUFFIX}")), key=lambda f: -f[0].st_mtime)
    for stat, path in found:
        left -= stat.st_size
        if left < 0:
            with contextlib.suppress(OSError):
                path.unlink()
