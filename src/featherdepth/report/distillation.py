"""The page of a distillation run: did the student learn what its teacher knows?"""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from featherdepth.config import read_json
from featherdepth.errors import InputError
from featherdepth.images.atomic import write_atomic
from featherdepth.report import curves
from featherdepth.report.document import Distillation, read_distillation
from featherdepth.report.page import render
from featherdepth.report.pictures import embed
from featherdepth.report.terms import bill
from featherdepth.report.verdict import (
    alignment,
    compared_photos,
    improved_photos,
    same,
    verdict_on_default,
    verdict_on_start,
)
from featherdepth.training.journal import read_journal

PAGE = "report.html"


def write_report(run: Path) -> Path:
    """Write report.html into the folder of a distillation run; return its path.

    Read are distillation.json, journal.jsonl, run.json, config.json (the last three may be
    missing) and the small pictures that the first names. The page opens offline, runs no script
    and holds everything it shows.

    Raises:
        InputError: distillation.json is missing, a file is not JSON or not as promised, or a
            picture is missing, no picture, or outside of the folder.
        BackendError: jinja2 is not installed.
        RunError: the page cannot be written; an older one stays.
    """
    document = read_distillation(run)
    lines = _journal(run / "journal.jsonl")
    about, config = _optional(run / "run.json"), _optional(run / "config.json")
    page = render(
        "distillation.html.j2",
        run=document,
        verdict=verdict_on_start(document),
        default_verdict=verdict_on_default(document),
        compared=compared_photos(document),
        improved=improved_photos(document),
        states=curves.states(document),
        changes=curves.changes(document),
        agreement_plots=curves.agreement_plots(document),
        photo_plot=curves.photo_plot(document) if document.agreement.photos else None,
        pictures=_pictures(run, document),
        loss_plot=curves.loss_plot(lines),
        validation_plots=curves.validation_plots(lines, document.training.best_step),
        drift_plot=curves.drift_plot(document.drift) if document.drift else None,
        about=about,
        versions=about["versions"] if isinstance(about.get("versions"), dict) else {},
        bill=bill(document),
        alignment=alignment(document.teacher.kind),
        same=same(document.teacher.kind),
        recipe=json.dumps(without_folders(about.get("recipe", {})), indent=2, ensure_ascii=False),
        sha256=config.get("sha256"),
    )
    write_atomic(run / PAGE, page)
    return run / PAGE


def without_folders(value: Any) -> Any:
    """`value` with absolute paths cut to their last part: a page is passed on, folders are not."""
    if isinstance(value, Mapping):
        return {k: without_folders(v) for k, v in value.items()}
    if isinstance(value, list):
        return [without_folders(v) for v in value]
    if isinstance(value, str):
        for path in (PurePosixPath(value), PureWindowsPath(value)):
            if path.is_absolute():
                return f"…/{path.name}"
    return value


def _pictures(run: Path, document: Distillation) -> dict[str, list[dict[str, Any]]]:
    """The pictures by role, each with its photo's figures where they are known."""
    figures = {row.key: row for row in document.agreement.photos}
    found: dict[str, list[dict[str, Any]]] = {"sample": [], "worst": []}
    for picture in document.pictures:
        names = ("photo", "before", "after", "teacher")
        found[picture.role].append(
            {
                "key": picture.key,
                "figures": figures.get(picture.key),
                "shown": {name: embed(run, getattr(picture, name)) for name in names},
            }
        )
    return found


def _journal(path: Path) -> list[dict[str, Any]]:
    try:
        return read_journal(path)
    except OSError as error:
        raise InputError(f"{path}: cannot read it: {error.strerror or error}") from error


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.exists() else {}
