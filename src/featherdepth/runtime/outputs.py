"""The files of one photo: which there are, whether they are whole, and writing them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np

from featherdepth.errors import InputError, UsageError
from featherdepth.geometry.camera import Range, from_fov_x
from featherdepth.geometry.resize import Size
from featherdepth.images.atomic import make_folder, write_atomic
from featherdepth.images.find import IMAGE_SUFFIXES, FoundImage
from featherdepth.images.palettes import palette
from featherdepth.images.sidecar import describe, parse, sidecar_path, to_text
from featherdepth.images.targets import check_targets
from featherdepth.images.write import output_path, save
from featherdepth.types import Alignment, Depth, DepthKind, Image, Intrinsics

PNG_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputOptions:
    """What is predicted of each photo, and in which files it is kept."""

    formats: tuple[str, ...] = ("png16", "color")
    """Of png16, npy, color, ply."""
    size: int | Size | None = None
    """Of the network's input; the model's own by default."""
    out_size: str = "photo"
    """Size of the maps: "photo" or "model"."""
    focal_px: tuple[float, float, float, float] | None = None
    """fx, fy, cx, cy of every photo, at its own size."""
    fov_deg: float | None = None
    """Horizontal field of view of every photo."""
    near_far: Range | None = None
    """Range that a cloud of an affine kind is stretched to."""
    cmap: str = "Spectral_r"
    side_by_side: bool = False

    def __post_init__(self) -> None:
        if not self.formats:
            raise UsageError("no output format; expected some of png16, npy, color, ply")
        for name in self.formats:
            output_path(Path("x"), name)  # knows the formats
        palette(self.cmap)  # knows the color maps
        if self.out_size not in ("photo", "model"):
            raise UsageError(f"out size {self.out_size!r}; expected photo or model")
        if self.focal_px is not None and self.fov_deg is not None:
            raise UsageError("both intrinsics and field of view are given; expected one of them")
        if self.focal_px is not None and not min(self.focal_px[:2]) > 0:
            raise UsageError(f"focal lengths {self.focal_px[:2]} px; expected them above 0")
        if self.fov_deg is not None:
            from_fov_x(self.fov_deg, 1, 1)  # knows the range

    def check_kind(self, kind: DepthKind) -> None:
        """Refuse what no photo could satisfy, before the first one is read.

        Raises:
            UsageError: a cloud of an affine kind without a range.
        """
        affine = kind in (DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY)
        if "ply" in self.formats and affine and self.near_far is None:
            raise UsageError(
                f"a point cloud of {kind} values needs a stated range, such as --near-far 1,10:"
                " their scale and shift are unknown"
            )

    @property
    def needs_full_photo(self) -> bool:
        """Whether an output shows the photo itself."""
        return self.side_by_side or "ply" in self.formats

    def camera(self, image: Image) -> Intrinsics | None:
        """The given camera for this photo; None where none was given."""
        height, width = image.photo_size
        if self.fov_deg is not None:
            return from_fov_x(self.fov_deg, height, width)
        if self.focal_px is None:
            return None
        fx, fy, cx, cy = self.focal_px
        return Intrinsics(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height, source="given")

    def to_json(self) -> dict[str, Any]:
        """What a sidecar keeps, so that a later run sees whether it would do the same."""
        options = {key: value for key, value in asdict(self).items() if key != "formats"}
        rounded: dict[str, Any] = json.loads(json.dumps(options))  # tuples become lists
        return rounded


class OneFile(NamedTuple):
    """Where the one result of one photo goes, and as what."""

    folder: Path
    photo: FoundImage
    options: OutputOptions
    failures: str
    """Name of their list: not that of a folder of results, which may lie there and stays."""


def one_file(out: Path, photos: Sequence[FoundImage], options: OutputOptions) -> OneFile | None:
    """What is meant by results that go to room.png, room.npy, room.ply or room.color.png.

    None where `out` is a folder, or will be one.

    Raises:
        UsageError: the name of a file of another format, or of one file for other than one photo.
    """
    if out.is_dir() or out.suffix.lower() not in {*IMAGE_SUFFIXES, ".npy", ".ply"}:
        return None
    formats = ("color", "png16", "npy", "ply")  # .color.png is a .png as well
    endings = {name: output_path(PurePath("_"), name).name[1:] for name in formats}
    found = next((name for name, ending in endings.items() if out.name.endswith(ending)), None)
    if found is None:
        raise UsageError(
            f"{out}: depth is not written so; expected a folder, or a file with one of the endings"
            f" {', '.join(endings.values())}"
        )
    if len(photos) != 1:
        raise UsageError(f"{out}: one file, but not for one photo; expected a folder")
    stem = PurePath(out.name.removesuffix(endings[found]))
    return OneFile(
        folder=out.parent,
        photo=replace(photos[0], output=stem),
        options=replace(options, formats=(found,)),
        failures=f"{out.name}.failures.jsonl",
    )


def check_outputs(
    photos: Sequence[FoundImage],
    out: Path,
    options: OutputOptions,
    *,
    overwrite: bool,
    others: Iterable[Path] = (),
) -> None:
    """Refuse results that would replace a photo, or what is no result.

    Args:
        others: what the results are made of beside the photos.

    Raises:
        UsageError: they would.
    """
    check_targets(
        [*others, *(photo.path for photo in photos)],
        (output_path(out / photo.output, name) for photo in photos for name in options.formats),
        replace_others=overwrite,
    )


def source_facts(photo: FoundImage) -> dict[str, Any]:
    """What a sidecar keeps of a photo, so that a later run sees whether it has changed."""
    try:
        size_bytes = photo.path.stat().st_size
    except OSError:
        size_bytes = -1  # reading it will say why
    return {"path": photo.relative.as_posix(), "bytes": size_bytes}


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


def is_done(stem: Path, sha256: str, options: OutputOptions, source: Mapping[str, Any]) -> bool:
    """Whether every file is there, whole, and of this model, these options and this photo."""
    paths = {name: output_path(stem, name) for name in options.formats}
    try:
        if not all(_is_whole(path, name) for name, path in paths.items()):
            return False
        with_sidecar = [p for n, p in paths.items() if n != "color"] or list(paths.values())
        documents = [
            parse(sidecar_path(path).read_text(encoding="utf-8"), path.name)
            for path in with_sidecar
        ]
    except (OSError, EOFError, LookupError, ValueError, InputError):  # not there, or cut short
        return False
    return all(
        document.get("model", {}).get("sha256") == sha256
        and document.get("options") == options.to_json()
        and document.get("source", {}).get("bytes") == source["bytes"]
        for document in documents
    )


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
