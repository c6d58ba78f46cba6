"""The site as a folder that any web server can host."""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from featherdepth.app.site import ISOLATION, LIST, SCHEMA, SERVICE_WORKER, Site
from featherdepth.errors import RunError, UsageError
from featherdepth.images.atomic import make_folder

HEADERS = "_headers"
"""Some hosts read the headers to send from a file of this name."""
PACKED = (".gz", ".br")
"""Endings of the packed copies that some hosts want beside each file; they go with their file."""


def write_static(site: Site, target: Path) -> int:
    """Write the site, whole or not at all; one of an earlier run is replaced.

    Returns:
        The bytes written.

    Raises:
        UsageError: the folder holds something else, or something beside an earlier page.
        RunError: it cannot be written.
    """
    if target.exists():
        _check_replaceable(target, site)
    target = Path(os.path.realpath(target))  # a link keeps pointing: its folder is replaced
    make_folder(target.parent)
    fresh, old = (target.with_name(f".{target.name}.{part}") for part in ("new", "old"))
    try:
        for leftover in (fresh, old):
            _remove(leftover)
        written = _write(site, fresh)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    except OSError as error:
        raise RunError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        _remove(fresh)
    _remove(old)
    return written


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()  # what it points to is somebody's
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _write(site: Site, folder: Path) -> int:
    headers = "/*\n" + "".join(f"  {name}: {value}\n" for name, value in ISOLATION.items())
    contents = {path: file.plain() for path, file in site.items()} | {HEADERS: headers.encode()}
    for path, content in contents.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return sum(map(len, contents.values()))


def _check_replaceable(target: Path, site: Site) -> None:
    if target.is_dir() and not any(target.iterdir()):
        return
    if not target.is_dir() or _schema(target) != SCHEMA:
        raise UsageError(
            f"{target}: is there and is no page of an earlier run; expected a new or empty folder"
        )
    # It is replaced as a whole: what somebody put there (.git, CNAME) would go with it.
    own = {HEADERS, *_first_parts(site), *_first_parts(_listed(target))}
    own |= {name + ending for name in own for ending in PACKED}
    for found in sorted(target.iterdir()):
        if found.name not in own:
            raise UsageError(
                f"{found}: is no part of the page, and the folder is replaced as a whole; expected"
                " nothing but the page: write to another folder and copy the page from there"
            )


def _first_parts(paths: Iterable[str]) -> set[str]:
    return {path.split("/")[0] for path in paths}


def _schema(page: Path) -> Any:
    try:
        about = json.loads((page / "about.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about.get("schema") if isinstance(about, dict) else None


def _listed(page: Path) -> list[str]:
    """The files and folders that an earlier page names as its own."""
    try:
        with (page / SERVICE_WORKER).open(encoding="utf-8") as file:
            listed = json.loads(file.readline().strip().removeprefix(LIST).removesuffix(";"))
        return [str(path) for path in (*listed["page"], *listed["lasting"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []
