"""How a pattern is written down: a name with its values, then what goes wrong.

    SPECIFICATION = PATTERN ["+" STEP]...        uniform-500+outliers-0.05+quantize-1mm
    PATTERN, STEP = NAME ["-" VALUE]...          zones-8x8-0.02, lines-16, range-0.6-2000

A value is a number, AxB (rows x columns) or a word; `px`, `mm` and `deg` may stand behind the
numbers that have that unit. Values are the fields of the class that a name stands for, in order.
"""

import re
from dataclasses import MISSING, Field, dataclass, fields
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, cast

from featherdepth.config import from_table
from featherdepth.data.patterns.base import Pattern, Step
from featherdepth.errors import UsageError
from featherdepth.registry import Registry

PATTERNS = Registry(
    "pattern",
    {
        "all": "featherdepth.data.patterns.counts:All",
        "between": "featherdepth.data.patterns.areas:Between",
        "border": "featherdepth.data.patterns.areas:Border",
        "density": "featherdepth.data.patterns.counts:Density",
        "edges": "featherdepth.data.patterns.keypoints:Edges",
        "grid": "featherdepth.data.patterns.grids:Grid",
        "holes": "featherdepth.data.patterns.areas:Holes",
        "keep-lines": "featherdepth.data.patterns.lidar:KeepLines",
        "keypoints": "featherdepth.data.patterns.keypoints:Keypoints",
        "lidar-parallax": "featherdepth.data.patterns.parallax:LidarParallax",
        "lines": "featherdepth.data.patterns.lidar:Lines",
        "lowres": "featherdepth.data.patterns.lowres:Lowres",
        "orb": "featherdepth.data.patterns.opencv:Orb",
        "percent": "featherdepth.data.patterns.counts:Percent",
        "phone": "featherdepth.data.patterns.zones:Phone",
        "random-sparsity": "featherdepth.data.patterns.counts:RandomSparsity",
        "range": "featherdepth.data.patterns.areas:Range",
        "rosette": "featherdepth.data.patterns.grids:Rosette",
        "sensor": "featherdepth.data.patterns.lidar:Sensor",
        "sift": "featherdepth.data.patterns.opencv:Sift",
        "square-hole": "featherdepth.data.patterns.areas:SquareHole",
        "uniform": "featherdepth.data.patterns.counts:Uniform",
        "uniform-bernoulli": "featherdepth.data.patterns.counts:UniformBernoulli",
        "zones": "featherdepth.data.patterns.zones:Zones",
        "zones-mode": "featherdepth.data.patterns.zones:ZonesMode",
    },
)
"""Name -> frozen dataclass with `draw`."""
STEPS = Registry(
    "step",
    {
        "blocks": "featherdepth.data.patterns.noise:Blocks",
        "drop": "featherdepth.data.patterns.noise:Drop",
        "gauss": "featherdepth.data.patterns.noise:Gauss",
        "jitter": "featherdepth.data.patterns.moves:Jitter",
        "only": "featherdepth.data.patterns.noise:Only",
        "outliers": "featherdepth.data.patterns.noise:Outliers",
        "quantize": "featherdepth.data.patterns.noise:Quantize",
        "rotate": "featherdepth.data.patterns.moves:Rotate",
        "shift": "featherdepth.data.patterns.moves:Shift",
    },
)
"""Name -> frozen dataclass with `apply`."""


@dataclass(frozen=True, slots=True)
class Specification:
    """A pattern and the steps behind it, in order."""

    text: str
    pattern: Pattern
    steps: tuple[Step, ...]


@lru_cache(maxsize=256)
def parse(text: str) -> Specification:
    """Read a specification.

    Raises:
        UsageError: a name that does not exist (the message lists those that do), or values that
            do not fit it.
    """
    first, *rest = text.strip().split("+")
    return Specification(
        text=text,
        pattern=cast(Pattern, _built(PATTERNS, first, text)),
        steps=tuple(cast(Step, _built(STEPS, part, text)) for part in rest),
    )


def form(registry: Registry, name: str) -> str:
    """How a name is written with its values: `zones-ROWSxCOLUMNS[-SIGMA]`."""
    words = [_form_of(f) for f in fields(registry.load(name))]
    return "-".join([name, *words]).replace("-[", "[-")


def _built(registry: Registry, part: str, text: str) -> object:
    name = _name_in(registry, part)
    cls = registry.load(name)
    values = part[len(name) + 1 :].split("-") if len(part) > len(name) else []
    where = f"pattern {text!r}"
    wanted = fields(cls)
    if len(values) > len(wanted):
        raise UsageError(
            f"{where}: {len(values)} values behind {name}; expected {form(registry, name)}"
        )
    table = {f.name: _value(f, value) for f, value in zip(wanted, values, strict=False)}
    for f in wanted:
        if f.type == tuple[int, int] and not isinstance(table.get(f.name, []), list):
            raise UsageError(
                f"{where}: {table[f.name]!r} is not AxB; expected {form(registry, name)}"
            )
    if missing := [f for f in wanted[len(values) :] if f.default is MISSING]:
        raise UsageError(
            f"{where}: no {missing[0].name} behind {name}; expected {form(registry, name)}"
        )
    made: object = from_table(cls, table, f"{where}: {name}")
    return made


def _name_in(registry: Registry, part: str) -> str:
    """The longest known name that `part` begins with."""
    words = part.split("-")
    for length in range(len(words), 0, -1):
        name = "-".join(words[:length])
        if name in registry:
            return name
    asked = re.match(r"[a-z]*(?:-[a-z]+)*", part)
    near = get_close_matches(asked[0] if asked else part, registry, n=1)
    hint = f"did you mean {form(registry, near[0])}? " if near else ""
    known = ", ".join(registry)
    raise UsageError(f"unknown {registry.noun} {part!r}; {hint}known: {known}")


def _form_of(f: "Field[Any]") -> str:
    named = "AxB" if f.type == tuple[int, int] else f.name.upper()
    word = named + str(f.metadata.get("unit", ""))
    return word if f.default is MISSING else f"[{word}]"


def _value(f: "Field[Any]", text: str) -> int | float | str | list[int]:
    unit = f.metadata.get("unit")
    number = text.removesuffix(unit) if unit else text
    if re.fullmatch(r"\d{1,12}", number):
        return int(number)
    if re.fullmatch(r"\d{0,12}\.\d{1,12}", number):
        return float(number)
    if re.fullmatch(r"\d{1,6}x\d{1,6}", number):
        return [int(part) for part in number.split("x")]
    return text
