"""What a reference or a file states about a teacher that cannot be seen in its numbers.

    depth.onnx?kind=affine_invariant_disparity&mean=0.485,0.456,0.406&std=0.229,0.224,0.225
    py:my_module:my_function?kind=metric&size=384x512

The same keys are read from the metadata of an ONNX file and from attributes of a function.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from featherdepth.errors import UsageError, suggestion
from featherdepth.geometry.resize import Size
from featherdepth.types import DepthKind

KEYS = ("kind", "size", "multiple", "resize", "mean", "std", "license")

Three = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """None where nothing was stated."""

    kind: DepthKind | None = None
    size: int | Size | None = None
    """Edge of the square whose area the input has, or (height, width)."""
    multiple: int | None = None
    resize: Literal["keep", "stretch"] | None = None
    mean: Three | None = None
    std: Three | None = None
    license: str | None = None

    def over(self, other: "Stated") -> "Stated":
        """What this states, and where it is silent what `other` does."""
        return Stated(
            **{
                key: getattr(self, key) if getattr(self, key) is not None else getattr(other, key)
                for key in KEYS
            }
        )


def split_stated(reference: str) -> tuple[str, Stated]:
    """The reference without its `?key=value&...`, and what that states.

    Raises:
        UsageError: an unknown key, or a value that does not fit.
    """
    plain, mark, query = reference.rpartition("?")
    if not mark or "=" not in query:
        return reference, Stated()
    table = dict(item.partition("=")[::2] for item in query.split("&"))
    for key in table:
        if key not in KEYS:
            hint = suggestion(key, KEYS)
            raise UsageError(f"teacher {reference!r}: unknown key {key!r}; {hint}")
    return plain, read_stated(table, f"teacher {reference!r}")


def read_stated(table: Mapping[str, Any], where: str) -> Stated:
    """Read the known keys of a table; values may be text.

    Raises:
        UsageError: a value that does not fit.
    """
    found: dict[str, Any] = {}
    for key, (read, expected) in _READ.items():
        value = table.get(key)
        if value is None or value == "":
            continue
        try:
            found[key] = read(value)
        except (ValueError, TypeError) as error:
            raise UsageError(f"{where}: {key} is {value!r}; expected {expected}") from error
    return Stated(**found)


def needed_kind(stated: Stated, where: str, how: str) -> DepthKind:
    """The stated kind.

    Raises:
        UsageError: none is stated; `how` says where to write it.
    """
    if stated.kind is None:
        kinds = ", ".join(kind.value for kind in DepthKind)
        raise UsageError(f"{where}: does not say what its numbers mean; {how}; one of {kinds}")
    return stated.kind


def _size(value: Any) -> int | Size:
    parts = value.lower().split("x") if isinstance(value, str) else value
    edges = [parts] if isinstance(parts, int) else [int(part) for part in parts]
    if min(edges) < 1:
        raise ValueError
    if len(edges) == 1:
        return edges[0]
    height, width = edges
    return height, width


def _multiple(value: Any) -> int:
    if (multiple := int(value)) < 1:
        raise ValueError
    return multiple


def _resize(value: Any) -> str:
    if value not in ("keep", "stretch"):
        raise ValueError
    return str(value)


def _three(value: Any) -> Three:
    first, second, third = value.split(",") if isinstance(value, str) else value
    return float(first), float(second), float(third)


def _spread(value: Any) -> Three:
    spread = _three(value)
    if not min(spread) > 0:
        raise ValueError
    return spread


_READ: dict[str, tuple[Any, str]] = {
    "kind": (DepthKind, f"one of {', '.join(kind.value for kind in DepthKind)}"),
    "size": (_size, "an edge such as 448, or HEIGHTxWIDTH"),
    "multiple": (_multiple, "a whole number of pixels, 1 or more"),
    "resize": (_resize, "keep or stretch"),
    "mean": (_three, "three numbers such as 0.485,0.456,0.406"),
    "std": (_spread, "three numbers above 0 such as 0.229,0.224,0.225"),
    "license": (str, "text"),
}
