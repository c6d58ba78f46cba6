"""What a distillation run says about itself in distillation.json.

Keys that are not listed here are left out: a page can be made of a newer run's document.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from featherdepth.config import from_table, read_json
from featherdepth.errors import InputError, UsageError

DOCUMENT = "distillation.json"
T = TypeVar("T")
Materials = tuple[dict[str, Any], ...]
"""Bill of materials: one table an ingredient, with name, class, terms and use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A mean over photos and its 95 % interval."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.value, self.low, self.high))):
            raise ValueError(f"expected finite numbers, got {self.value}, {self.low}, {self.high}")
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Agreement of two maps: of many photos, or the difference of two such."""

    rms: Estimate
    """Left between them after what the kind allows (scale and shift), in the teacher's spreads."""
    delta1: Estimate
    """Share of pixels within 25 %; affine kinds are read as near:far = 1:10."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoAgreement:
    """As `Agreement`, of one photo."""

    rms: float
    delta1: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rms) and math.isfinite(self.delta1)):
            raise ValueError(f"expected finite numbers, got {self.rms} and {self.delta1}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoRow:
    """One held-out photo."""

    key: str
    before: PhotoAgreement
    after: PhotoAgreement
    default: PhotoAgreement | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreements:
    """Agreement with the teacher on held-out photos; gains are paired, after minus before."""

    before: Agreement
    after: Agreement
    gain: Agreement
    default: Agreement | None = None
    gain_over_default: Agreement | None = None
    photos: tuple[PhotoRow, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Teacher:
    """The network that was learned from."""

    name: str
    kind: str
    license: str = ""
    commercial: bool
    params: int | None = None
    materials: Materials = ()
    ms: float | None = None
    """Milliseconds a photo, at `input`."""
    input: tuple[int, int] | None = None
    """(height, width)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Student:
    """The network that learned."""

    name: str
    network: str
    params: int
    bytes: int
    """Of the weights file."""
    kind: str
    license: str = ""
    macs: int | None = None
    materials: Materials = ()
    ms: float | None = None
    input: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """Weights, by name: those the student started from, or those that ship."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A photo that could not be used."""

    photo: str
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Photos:
    """The photos of the run."""

    name: str
    count: int
    held_out: int
    failed: tuple[Failure, ...] = ()
    terms: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """A step at which the drift guard spoke."""

    step: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """The student's raw output against the teacher's along the run.

    `mean` is their difference in spreads of the teacher's (0: none), `spread` a ratio (1: equal).
    """

    steps: tuple[int, ...]
    mean: tuple[float | None, ...]
    spread: tuple[float | None, ...]
    alarms: tuple[Alarm, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.steps) == len(self.mean) == len(self.spread):
            raise ValueError("steps, mean and spread differ in length")


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """A term of the objective."""

    name: str
    weight: float
    on: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How long it went on, and why it ended."""

    steps: int
    best_step: int
    stopped: str
    seconds: float
    labels: str
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Four small pictures of one held-out photo, as paths within the run folder."""

    key: str
    role: Literal["sample", "worst"]
    photo: str
    before: str
    after: str
    teacher: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Distillation:
    """The whole document."""

    teacher: Teacher
    student: Student
    initial: Named
    photos: Photos
    agreement: Agreements
    training: Training
    drift: Drift | None = None
    default: Named | None = None
    pictures: tuple[Picture, ...] = ()


def read_distillation(run: Path) -> Distillation:
    """Read distillation.json of a run folder.

    Raises:
        InputError: the folder or the file is missing, it is not JSON, or a value does not fit.
    """
    path = run / DOCUMENT
    if not path.is_file():
        raise InputError(
            f"{run}: has no {DOCUMENT}; expected the folder of a finished `featherdepth distill`"
        )
    try:
        return from_table(Distillation, _known(Distillation, read_json(path)), str(path))
    except UsageError as error:  # a file of a run is no flag of the user
        raise InputError(str(error)) from error


def _known(hint: Any, value: Any) -> Any:
    """`value` without keys that its dataclass does not have, all the way down."""
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        hints = get_type_hints(hint)
        names = [f.name for f in fields(hint) if f.name in value]
        return {name: _known(hints[name], value[name]) for name in names}
    args = [a for a in get_args(hint) if a not in (NoneType, Ellipsis)]
    if get_origin(hint) is tuple and isinstance(value, list):
        return [_known(args[0], item) for item in value]
    if NoneType in get_args(hint):
        return _known(args[0], value)
    return value
