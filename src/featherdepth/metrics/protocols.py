"""How a prediction is compared with the truth: crop, range, alignment, clamping, measures.

A stronger kind of depth may be scored as a weaker one, never the other way. Order: crop and range
choose the pixels; the fit uses exactly these pixels, in float64; then predictions are clamped;
then the measures are taken.

A name is that of a table of `protocols.toml`, or one with an alignment behind a plus:
`nyu-eigen-raw-v1+affine-disp`. Without one, a protocol of a benchmark takes the alignment that the
kind of the prediction needs, and results carry the whole name.
"""

from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Literal

from featherdepth.config import from_table
from featherdepth.errors import UsageError, suggestion
from featherdepth.geometry.align import MIN_DISPARITY
from featherdepth.metrics.alignment import Alignment
from featherdepth.metrics.crops import Crop
from featherdepth.metrics.map_measures import DECLARED, PAIR_ACCURACY
from featherdepth.metrics.protocol_table import TABLE, alignments, tables
from featherdepth.types import DepthKind

STANDARD = (
    *("abs_rel", "sq_rel", "rmse", "rmse_log", "mae", "log10", "silog"),
    *("delta1", "delta2", "delta3"),
)

METRIC, SCALE = DepthKind.METRIC, DepthKind.SCALE_INVARIANT
AFFINE, DISPARITY = DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY

OF_KIND = {METRIC: "none", SCALE: "scale-lsq", AFFINE: "affine-depth", DISPARITY: "affine-disp"}
"""Kind -> the alignment that it needs and no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalProtocol:
    """Everything that decides a number besides the model and the data."""

    name: str
    source: str
    """Where these choices come from."""
    dataset: str = "any"
    """Word that the name of the data holds, such as `nyu`; `any` for all data."""
    data: str = ""
    """The pictures and the truth that belong to it, in words."""
    count: int | None = None
    """How many images these are."""
    valid: tuple[float, float] | None = None
    """Share of the crop that has truth there, from and to, mean over images."""
    inputs: str = ""
    """What the model is given besides the photo, in words."""
    crop: Crop
    """`usable`: the area that the reader calls usable (NYUv2: rows 45:471, columns 41:601);
    the others as `featherdepth.metrics.crops` says."""
    frame: tuple[int, int] | None = None
    """(height, width) that both maps are brought to before the crop, the truth by the nearest
    pixel; None: the prediction is brought to the size of the truth, bilinear."""
    min_depth: float = 0.0
    """Truth at or below is not scored, metres."""
    max_depth: float | None = None
    """Truth above is not scored, metres; None = no limit."""
    below_max: bool = False
    """Truth of exactly `max_depth`, which saturated sensors and clipped files hold, is not scored
    either."""
    alignment: Alignment | Literal["of_kind"]
    """What is fitted for each image over the scored pixels; `of_kind` takes what the prediction's
    kind needs."""
    space: Literal["depth", "disparity", "kind"] = "depth"
    """Of the fit; `kind` takes that of the prediction. Disparity is fitted to 1/truth, then
    inverted."""
    clip: Literal["range", "gtmax", "none"] = "none"
    """After the fit. `range`: depth at most `max_depth`. `gtmax`: aligned disparity at least
    1 / (largest scored truth). `none`: depth without limit."""
    least_disparity: float = MIN_DISPARITY
    """Aligned disparity is raised to this before it is inverted, 1/m; but for `gtmax`."""
    floor: float
    """Aligned predictions are raised to this: metres, or shares of the largest truth where
    `normalization` is `truth_max`."""
    fallback: Literal["constant", "mean_ratio"] = "constant"
    """Where no scale above 0 fits: the best constant, or mean(truth) / mean(prediction)."""
    nonpositive: Literal["clamp", "drop"] = "clamp"
    """Aligned predictions below the floor are raised to it, or, at or below 1e-9 m, left out."""
    normalization: Literal["none", "truth_max"] = "none"
    aggregate: Literal["image", "pixel"] = "image"
    """A result is the mean over images of what each image got, or is taken over the pixels of
    all images together."""
    min_pixels: int = 2
    """Images with fewer scored pixels are refused."""
    measures: tuple[str, ...] = STANDARD

    def __post_init__(self) -> None:
        for name in self.measures:
            if name not in DECLARED:
                raise ValueError(f"unknown measure {name!r}; known: {', '.join(DECLARED)}")
        if (self.alignment == "order") != (PAIR_ACCURACY.name in self.measures):
            raise ValueError(f"alignment 'order' and measure {PAIR_ACCURACY.name!r} need another")
        for name in ("floor", "least_disparity"):
            if (value := getattr(self, name)) <= 0:
                raise ValueError(f"{name} must be above 0, got {value}: logs and ratios need it")
        if self.min_pixels < 2:
            raise ValueError(f"min_pixels is {self.min_pixels}; a fit needs 2 or more")

    def as_dict(self) -> dict[str, Any]:
        """All fields, for result files."""
        lists = {k: list(v) for k, v in asdict(self).items() if isinstance(v, tuple)}
        return {**asdict(self), **lists}

    def resolved(self, kind: DepthKind) -> "EvalProtocol":
        """This protocol with the alignment that predictions of this kind get.

        Raises:
            UsageError: predictions of this kind cannot be scored.
        """
        self.check_kind(kind)
        return self.aligned(OF_KIND[kind]) if self.alignment == "of_kind" else self

    def aligned(self, suffix: str) -> "EvalProtocol":
        """This protocol with another alignment, named as after the plus of a name.

        Raises:
            UsageError: no such alignment, or a protocol where nothing is fitted to depth.
        """
        if suffix not in alignments():
            known = ", ".join(alignments())
            raise UsageError(f"protocol {self.name!r}: no alignment {suffix!r}; known: {known}")
        if self.alignment == "order":
            raise UsageError(f"protocol {self.name!r} scores order only; name it without +{suffix}")
        changes: dict[str, Any] = {"space": "depth", **alignments()[suffix]}
        return replace(self, name=f"{self.name.partition('+')[0]}+{suffix}", **changes)

    def accepted(self) -> tuple[DepthKind, ...]:
        """Kinds of prediction that can be scored: a stronger kind passes as a weaker one."""
        if self.alignment in ("of_kind", "order"):
            return tuple(DepthKind)
        if self.alignment == "none":
            return (METRIC,)
        if self.alignment in ("scale_median", "scale_rom", "scale_lsq"):
            return (METRIC, SCALE)
        own = {"depth": (AFFINE,), "disparity": (DISPARITY,), "kind": (AFFINE, DISPARITY)}
        return (METRIC, SCALE, *own[self.space])

    def check_kind(self, kind: DepthKind) -> None:
        """Refuse predictions whose kind cannot be scored under this protocol.

        Raises:
            UsageError: says what the protocol needs and which protocol fits.
        """
        if kind not in self.accepted():
            needs = " or ".join(kind.value for kind in self.accepted())
            raise UsageError(
                f"protocol {self.name!r} needs {needs} depth but the prediction is {kind.value};"
                " use --protocol aligned"
            )


@cache
def protocols() -> dict[str, EvalProtocol]:
    """All named protocols, without alignments behind a plus."""
    return {
        name: from_table(EvalProtocol, {"name": name, **table}, f"{TABLE}.{name}")
        for name, table in tables().items()
    }


def load_protocol(name: str) -> EvalProtocol:
    """The protocol of that name, such as `aligned` or `nyu-eigen-raw-v1+affine-depth`.

    Raises:
        UsageError: unknown; the message offers the nearest name.
    """
    known = protocols()
    base, plus, suffix = name.partition("+")
    if base not in known:
        raise UsageError(f"unknown protocol {base!r}; {suggestion(base, sorted(known))}")
    return known[base].aligned(suffix) if plus else known[base]
