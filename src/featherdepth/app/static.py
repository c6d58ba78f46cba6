"""The site as a folder that any web server can host."""

import json
import shutil
from pathlib import Path

from featherdepth.app.site import ISOLATION, SCHEMA, Site
from featherdepth.errors import RunError, UsageError
from featherdepth.images.atomic import make_folder

HEADERS = "_headers"
"""Some hosts read the headers to send from a file of this name."""


def write_static(site: Site, target: Path) -> int:
    """Write the site, whole or not at all; one of an earlier run is replaced.

    Returns:
        The bytes written.

    Raises:
        UsageError: the folder holds something else.
        RunError: it cannot be written.
    """
    if target.exists() and not _replaceable(target):
        raise UsageError(
            f"{target}: is there and is no page of an earlier run; expected a new or empty folder"
        )
    target = target.absolute()
    make_folder(target.parent)
    fresh, old = (target.with_name(f".{target.name}.{part}") for part in ("new", "old"))
    try:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)
        written = _write(site, fresh)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    except OSError as error:
        raise RunError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    return written


def _write(site: Site, folder: Path) -> int:
    headers = "/*\n" + "".join(f"  {name}: {value}\n" for name, value in ISOLATION.items())
    contents = {path: file.plain() for path, file in site.items()} | {HEADERS: headers.encode()}
    for path, content in contents.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return sum(map(len, contents.values()))


def _replaceable(target: Path) -> bool:
    if not target.is_dir():
        return False
    if not any(target.iterdir()):
        return True
    try:
        about = json.loads((target / "about.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.get("schema") == SCHEMA
