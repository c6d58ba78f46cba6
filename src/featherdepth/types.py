"""The nouns of the package: what enters and leaves every room.

Arrays inside these classes are never written into after construction: copy first. Shapes and dtypes
of the classes that users build are checked here; deeper code relies on its annotations and tests.
"""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8

from featherdepth.errors import UsageError


class DepthKind(StrEnum):
    """What the numbers of a depth map mean."""

    METRIC = "metric"
    """Z along the optical axis, in metres."""
    SCALE_INVARIANT = "scale_invariant"
    """Z up to an unknown scale > 0."""
    AFFINE_INVARIANT = "affine_invariant"
    """Z up to an unknown scale > 0 and shift: larger is farther."""
    AFFINE_INVARIANT_DISPARITY = "affine_invariant_disparity"
    """1/Z up to an unknown scale > 0 and shift: larger is nearer."""

    @property
    def larger_is(self) -> Literal["farther", "nearer"]:
        return "nearer" if self is DepthKind.AFFINE_INVARIANT_DISPARITY else "farther"

    @property
    def affine(self) -> bool:
        """Whether scale and shift are unknown."""
        return self in (DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Intrinsics:
    """A pinhole camera in pixels, with the size it belongs to.

    Pixel (u, v) has its centre at integer u (to the right) and v (down).
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    source: Literal["given", "exif", "assumed"]

    def __post_init__(self) -> None:
        numbers = (self.fx, self.fy, self.cx, self.cy)
        if not all(map(math.isfinite, numbers)) or min(self.fx, self.fy) <= 0:
            raise ValueError(
                f"fx, fy, cx, cy = {numbers}; expected finite numbers, focal lengths above 0"
            )
        for name in ("fx", "fy", "cx", "cy"):  # of NumPy's own types JSON takes none
            object.__setattr__(self, name, float(getattr(self, name)))
        for name in ("width", "height"):
            object.__setattr__(self, name, int(getattr(self, name)))

    @classmethod
    def given(
        cls, fx: float, fy: float, cx: float, cy: float, *, size: tuple[int, int]
    ) -> "Intrinsics":
        """A camera that somebody knows, of pictures of (height, width)."""
        return cls(fx=fx, fy=fy, cx=cx, cy=cy, height=size[0], width=size[1], source="given")

    def resized(self, height: int, width: int) -> "Intrinsics":
        """The same camera after the picture was resized; half-pixel centres are kept."""
        sx, sy = width / self.width, height / self.height
        return replace(
            self,
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
            width=width,
            height=height,
        )

    def cropped(self, top: int, left: int, height: int, width: int) -> "Intrinsics":
        """The same camera after a crop: the principal point moves, the focal length stays."""
        return replace(self, cx=self.cx - left, cy=self.cy - top, width=width, height=height)

    def flipped(self) -> "Intrinsics":
        """The same camera after the picture was mirrored left to right."""
        return replace(self, cx=self.width - 1 - self.cx)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Image:
    """A photo: RGB, upright, sRGB, 8 bits a channel."""

    pixels: UInt8[np.ndarray, "h w 3"]
    intrinsics: Intrinsics | None = None
    name: str = "image"
    """For messages and output names; never a full path."""
    full_size: tuple[int, int] | None = None
    """(height, width) of the photo, where `pixels` were decoded at a reduced size."""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"{self.name}: pixels must be a uint8 array of shape (h, w, 3),"
                f" got {self.pixels.dtype} {self.pixels.shape}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)"""
        height, width = self.pixels.shape[:2]
        return height, width

    def __repr__(self) -> str:
        height, width = self.size
        return f"<Image {self.name}, {height}x{width}>"

    @property
    def photo_size(self) -> tuple[int, int]:
        """(height, width) of the photo, which is that of `pixels` unless those are reduced."""
        return self.full_size or self.size


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Where a depth map came from."""

    model: str = ""
    sha256: str = ""
    """Of the weights; of the file, where the model is an exported one."""
    backend: str = ""
    precision: str = ""
    version: str = ""
    input_size: tuple[int, int] | None = None
    """(height, width) that the network saw."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Depth:
    """A depth (or disparity) map with its meaning.

    `values` is finite everywhere and 0 where `valid` is false. A sparse measurement is a METRIC
    depth whose `valid` is mostly false.
    """

    values: Float32[np.ndarray, "h w"]
    valid: Bool[np.ndarray, "h w"]
    kind: DepthKind
    intrinsics: Intrinsics | None = None
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.dtype != np.float32:
            raise ValueError(
                f"depth values must be a float32 array of shape (h, w),"
                f" got {self.values.dtype} {self.values.shape}"
            )
        if self.valid.shape != self.values.shape or self.valid.dtype != np.bool_:
            raise ValueError(
                f"valid must be a bool array of shape {self.values.shape},"
                f" got {self.valid.dtype} {self.valid.shape}"
            )
        if not np.isfinite(self.values).all():
            raise ValueError("depth values must be finite; set unknown pixels to 0 and mask them")
        camera = self.intrinsics
        if camera is not None and (camera.height, camera.width) != self.values.shape:
            raise ValueError(
                f"intrinsics are of {camera.height}x{camera.width} but the map is"
                f" {self.size[0]}x{self.size[1]}; expected the same size (Intrinsics.resized)"
            )
        object.__setattr__(self, "kind", DepthKind(self.kind))  # "metric" is one that people write

    def __repr__(self) -> str:
        # Arrays of a whole map say nothing in a notebook or a log; what they hold does.
        height, width = self.size
        known = self.known
        held = "nothing valid"
        if known.size:
            count = "all" if self.valid.all() else f"{known.size:,} pixels"
            unit = f" {self.unit}" if self.unit else ""
            held = f"{count} valid, {known.min():.4g} to {known.max():.4g}{unit}"
        made_by = f", of {self.provenance.model}" if self.provenance.model else ""
        return f"<Depth {height}x{width} {self.kind}, {held}{made_by}>"

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)"""
        height, width = self.values.shape
        return height, width

    @property
    def known(self) -> Float32[np.ndarray, " n"]:
        """The valid values, row by row; a view of all of them where nothing is left out."""
        return self.values.reshape(-1) if self.valid.all() else self.values[self.valid]

    @property
    def unit(self) -> Literal["m"] | None:
        return "m" if self.kind is DepthKind.METRIC else None

    @property
    def larger_is(self) -> Literal["farther", "nearer"]:
        return self.kind.larger_is


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """target ~ scale * prediction + shift, as fitted."""

    scale: float
    shift: float
    """Metres, or 1/m in disparity space."""
    space: Literal["depth", "disparity"]
    method: str
    count: int
    """Pixels used."""
    residual: float
    """Root mean square of what is left."""

    @property
    def range_assumed(self) -> bool:
        """The points told a scale alone, and the map's own shift is unknown."""
        return "assumed_range" in self.method


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Aligned:
    """A map in meters, and how it was brought there by measured points."""

    depth: Depth
    """METRIC."""
    alignment: Alignment
    rejected: Int[np.ndarray, " k"] = field(repr=False)
    """Points that were left out as wrong, by their place in the row-by-row list of all points."""
    log_error: float
    """Median of |log(measured / aligned)| over the points that were kept: 0.05 is 5 %."""
    moved_fraction: float
    """Share of the map that fell out of the reach of the points and was put at its end."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Completion:
    """Dense metric depth out of a photo and measured points."""

    depth: Depth
    """METRIC."""
    confidence: Float32[np.ndarray, "h w"] = field(repr=False)
    """0..1: exp(-e / 0.1) for an expected error of the share e: 0.9 at 1 %, 0.37 at 10 %."""
    support_px: Float32[np.ndarray, "h w"] = field(repr=False)
    """Distance to the nearest trusted point in pixels."""
    rejected: Int[np.ndarray, " k"] = field(repr=False)
    """Points that were left out as wrong, by their place in the row-by-row list of all points."""
    alignment: Alignment
    """Of the first stage's map to the points."""
    log_error: float
    """Median of |log(measured / aligned first stage)| over the used points: 0.05 is 5 %."""
    method: str
    """How the points were completed."""

    @property
    def values(self) -> Float32[np.ndarray, "h w"]:
        """Of `depth`, meters."""
        return self.depth.values

    @property
    def valid(self) -> Bool[np.ndarray, "h w"]:
        """Of `depth`."""
        return self.depth.valid


MadeMetric = Aligned | Completion
"""Results around a `Depth`, which functions of depth take for it."""


def depth_of(given: Depth | MadeMetric) -> Depth:
    """The depth map of what was given for one.

    Raises:
        UsageError: it is none, such as an array, whose numbers could mean anything.
    """
    if isinstance(given, Depth):
        return given
    if isinstance(given, MadeMetric):
        return given.depth
    raise UsageError(
        f"{type(given).__name__}: is no depth map; expected a Depth, as `infer` and `complete` give"
        " it, or Depth(values=..., valid=..., kind=...) of an array"
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sample:
    """What a data reader yields."""

    key: str
    """A stable id, such as "nyu/val/0042"."""
    image: Image
    depth: Depth | None = None
    """Truth, of any kind."""
    sparse: Depth | None = None
    """Measured points: METRIC, mostly not valid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """Everything needed to run a network: what `config.json` of a model folder reads into."""

    name: str
    network: str
    """A name of the networks room."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of that network beyond its defaults."""
    kind: DepthKind
    size: int = 448
    """Edge of the square whose area the network input has; `--size` overrides it."""
    multiple: int = 64
    """Height and width of the input are multiples of this."""
    resize: Literal["keep", "stretch"] = "keep"
    """Keep the aspect ratio, or stretch to a square of `size`."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    params: int
    macs: int
    """Multiply-accumulates at 448x448, thop convention."""
    license: str
    materials: tuple[dict[str, Any], ...] = ()
    """Bill of materials: one table an ingredient (name, class, terms, use)."""
    storage: Literal["fp16", "int8"] = "fp16"
    verified: dict[str, float] = field(default_factory=dict)
    """Precision -> relative rise of abs_rel over fp32 that was measured on labeled data."""
    sha256: str = ""
    """Of model.safetensors, or of the one file that the model was opened from."""

    @property
    def unit(self) -> Literal["m"] | None:
        return "m" if self.kind is DepthKind.METRIC else None
