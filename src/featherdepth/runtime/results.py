"""The files of one photo: writing them, and whether they are there, whole and of the same run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.errors import InputError
from featherdepth.images.atomic import make_folder, write_atomic
from featherdepth.images.decoder import open_picture
from featherdepth.images.find import FoundImage
from featherdepth.images.sidecar import TEXT_KEY, describe, parse, sidecar_path, to_text
from featherdepth.images.write import output_path, save
from featherdepth.runtime.outputs import OutputOptions
from featherdepth.types import Alignment, Depth, Image, Provenance

PNG_END = b"IEND\xaeB`\x82"


def source_facts(photo: FoundImage) -> dict[str, Any]:
    """What a sidecar keeps of a photo, so that a later run sees whether it has changed."""
    return {"path": photo.relative.as_posix(), **file_facts(photo.path)}


def file_facts(path: Path) -> dict[str, int]:
    """Length and time of change: frames without compression are all equally long."""
    try:
        found = path.stat()
    except OSError:
        return {"bytes": -1}  # reading it will say why
    return {"bytes": found.st_size, "modified_ns": found.st_mtime_ns}


def write_outputs(
    stem: Path,
    depth: Depth,
    image: Image,
    options: OutputOptions,
    source: Mapping[str, Any],
    *,
    alignment: Alignment | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write every format of one photo; the one with the sidecar that counts comes last.

    Args:
        alignment: the fit that made the map metric, noted in the sidecar.
        extra: more entries of the sidecar.

    Raises:
        RunError: a file cannot be written.
        InputError: a map that cannot become a cloud.
    """
    make_folder(stem.parent)
    said = {"source": dict(source), "options": options.to_json(), **(extra or {})}
    for name in sorted(options.formats, key=_color_first):
        path = output_path(stem, name)
        save(
            depth,
            path,
            format=name,
            image=image,
            near_far=options.near_far if name == "ply" else None,
            cmap=options.cmap,
            side_by_side=options.side_by_side,
            alignment=alignment,
            extra=said,
        )
        if options.formats == ("color",):
            facts = describe(
                depth, {"format": "color"}, image=image, alignment=alignment, extra=said
            )
            write_atomic(sidecar_path(path), to_text(facts).encode())
        elif name == "color":
            sidecar_path(path).unlink(missing_ok=True)  # of colors that these replace


def is_done(
    stem: Path, made: Provenance, options: OutputOptions, source: Mapping[str, Any]
) -> bool:
    """Whether every file is there, whole, and of this model, these options and this photo.

    Args:
        made: weights, backend and precision count.
    """
    paths = {name: output_path(stem, name) for name in options.formats}
    try:
        if not all(_is_whole(path, name) for name, path in paths.items()):
            return False
        documents = [
            parse(sidecar_path(path).read_text(encoding="utf-8"), path.name)
            for name, path in paths.items()
            if name != "color" or options.formats == ("color",)
        ]
        if "color" in paths:  # of another model or map, where only maps were written since
            documents.append(parse(_text_of(paths["color"]), paths["color"].name))
    except (OSError, EOFError, LookupError, ValueError, InputError):  # not there, or cut short
        return False
    return all(
        _made_by(document) == (made.sha256, made.backend, made.precision)
        and document.get("options") == options.to_json()
        and dict(source).items() <= document.get("source", {}).items()
        for document in documents
    )


def _made_by(document: Mapping[str, Any]) -> tuple[str, str, str]:
    model, run = document.get("model", {}), document.get("runtime", {})
    return model.get("sha256"), run.get("backend"), run.get("precision")


def _text_of(colors: Path) -> str:
    with colors.open("rb") as stream, open_picture(stream, str(colors), ["PNG"]) as picture:
        return str(picture.info.get(TEXT_KEY))


def _color_first(name: str) -> bool:
    return name != "color"


def _is_whole(path: Path, name: str) -> bool:
    """Whether a file ends where it should; raises where it is not even begun."""
    if name == "npy":
        np.load(path, mmap_mode="r")
        return True
    with path.open("rb") as file:
        if name == "ply":
            start = file.read(4096)
            header, _, _ = start.partition(b"end_header\n")
            count = int(header.partition(b"element vertex ")[2].split()[0])
            return path.stat().st_size == len(header) + len(b"end_header\n") + 15 * count
        file.seek(-len(PNG_END), 2)
        return file.read() == PNG_END
