"""How often a piece of work was begun: one that kills its worker each time must not go on for ever.

Ray does again what a dead worker was at, without end. So each beginning leaves an empty file.
"""

import contextlib
import shutil
from pathlib import Path

from featherdepth.errors import RunError
from featherdepth.images.atomic import make_folder

FOLDER = ".attempts"
MOST = 6


def begin(folder: Path, unit: str, what: str, *, most: int = MOST) -> None:
    """Take note that `what` of a unit begins.

    Raises:
        RunError: for the seventh time, or the folder cannot be written.
    """
    place = folder / FOLDER / unit
    make_folder(place)
    for number in range(most):
        try:
            (place / f"{what}-{number}").touch(exist_ok=False)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"cannot write {place}: {error.strerror or error}") from error
        return
    raise RunError(
        f"{unit}: {what} ended its worker {most} times; expected it to end by itself: a photo there"
        " may be damaged or need more memory than a worker has"
    )


def forget(folder: Path, unit: str | None = None) -> None:
    """Forget the attempts of a unit, or of all."""
    place = folder / FOLDER
    shutil.rmtree(place if unit is None else place / unit, ignore_errors=True)
    if unit is not None:
        with contextlib.suppress(OSError):  # others are at work
            place.rmdir()
