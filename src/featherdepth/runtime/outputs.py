"""What is predicted of photos, and where it goes."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from featherdepth.errors import UsageError
from featherdepth.geometry.camera import Range, from_fov_x
from featherdepth.geometry.resize import Size, checked_size
from featherdepth.images.failures import lists_failures
from featherdepth.images.find import IMAGE_SUFFIXES, FoundImage
from featherdepth.images.palettes import palette
from featherdepth.images.targets import check_targets, with_sidecars
from featherdepth.images.write import output_path
from featherdepth.types import DepthKind, Image, Intrinsics


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputOptions:
    """What is predicted of each photo, and in which files it is kept."""

    formats: Sequence[str] = ("png16", "color")
    """One or more of png16, npy, color, ply; kept as a tuple."""
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
        named = (self.formats,) if isinstance(self.formats, str) else tuple(self.formats)
        object.__setattr__(self, "formats", named)
        if self.size is not None:
            object.__setattr__(self, "size", checked_size(self.size))
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
        if self.focal_px is not None and not all(map(math.isfinite, self.focal_px)):
            raise UsageError(f"camera {self.focal_px}; expected four finite numbers")
        if self.fov_deg is not None:
            from_fov_x(self.fov_deg, 1, 1)  # knows the range

    def check_kind(self, kind: DepthKind) -> None:
        """Refuse what no photo could satisfy, before the first one is read.

        Raises:
            UsageError: a cloud of an affine kind without a range.
        """
        if "ply" in self.formats and kind.affine and self.near_far is None:
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
        return self.camera_at(image.photo_size)

    def camera_at(self, size: Size) -> Intrinsics | None:
        """The given camera for a picture of (height, width); None where none was given."""
        if self.fov_deg is not None:
            return from_fov_x(self.fov_deg, *size)
        return None if self.focal_px is None else Intrinsics.given(*self.focal_px, size=size)

    def to_json(self) -> dict[str, Any]:
        """What a sidecar keeps, so that a later run sees whether it would do the same."""
        options = {key: value for key, value in asdict(self).items() if key != "formats"}
        rounded: dict[str, Any] = json.loads(json.dumps(options))  # tuples become lists
        return rounded


_ENDINGS = {
    name: output_path(PurePath("_"), name).name[1:]
    for name in ("color", "png16", "npy", "ply")  # .color.png is a .png as well
}


_NAMED = (
    "csv exr glb gltf h5 html json laz las mat mkv mov mp4 npz obj parquet pcd pfm stl tar txt zip"
)
_OTHERS = frozenset(f".{suffix}" for suffix in _NAMED.split())
"""Nobody names a folder so: a file of this kind is what was meant."""


def format_of(name: str) -> str | None:
    """The format of a result, by its name; None for what stands beside one."""
    return next((known for known, ending in _ENDINGS.items() if name.endswith(ending)), None)


class OneFile(NamedTuple):
    """Where the one result of one photo goes, and as what."""

    folder: Path
    photo: FoundImage
    options: OutputOptions
    failures: str
    """Name of their list: not that of a folder of results, which may lie there and stays."""


def one_file(
    out: Path,
    photos: Sequence[FoundImage],
    options: OutputOptions,
    *,
    by_name: bool = False,
) -> OneFile | None:
    """What is meant by results that go to room.png, room.npy, room.ply or room.color.png.

    None where `out` is a folder, or will be one.

    Args:
        by_name: its formats were asked for.

    Raises:
        UsageError: the name of a file of another format, or of one file for other than one photo.
    """
    if out.is_dir() or out.suffix.lower() not in {*IMAGE_SUFFIXES, ".npy", ".ply", *_OTHERS}:
        return None
    found = format_of(out.name)
    if found is None:
        raise UsageError(
            f"{out}: depth is not written so; expected a folder, or a file with one of the endings"
            f" {', '.join(_ENDINGS.values())}"
        )
    if len(photos) != 1:
        raise UsageError(f"{out}: one file, but not for one photo; expected a folder")
    if by_name and options.formats != (found,):
        raise UsageError(
            f"{out}: is {found}, not {','.join(options.formats)};"
            " leave --save out, or name a folder"
        )
    stem = PurePath(out.name.removesuffix(_ENDINGS[found]))
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
    failures: str,
    overwrite: bool,
    others: Iterable[Path] = (),
) -> None:
    """Refuse results that would replace a photo, or what is no result.

    Args:
        failures: name of the list of what failed.
        others: what the results are made of beside the photos.

    Raises:
        UsageError: they would.
    """
    own = [*others, *(photo.path for photo in photos)]
    paths = [output_path(out / photo.output, n) for photo in photos for n in options.formats]
    check_targets(own, with_sidecars(paths), replace_others=overwrite)
    check_targets(own, [out / failures], replace_others=overwrite, ours=lists_failures)
