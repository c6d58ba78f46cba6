"""Flags that hold more than one value, as text."""

from math import isfinite

from featherdepth.errors import UsageError


def numbers(text: str, flag: str, count: int, example: str) -> tuple[float, ...]:
    """Read `count` numbers with commas between them.

    Raises:
        UsageError: another count, or something that is no number.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != count or not all(map(isfinite, values)):
        raise UsageError(f"{flag} {text!r}; expected {count} numbers, such as {example}")
    return values


def formats(save: str | None) -> dict[str, tuple[str, ...]]:
    """Read names with commas between them, as the option `formats`; nothing where none is given."""
    if save is None:
        return {}
    names = (name for name in save.replace(" ", "").split(",") if name)
    return {"formats": tuple(dict.fromkeys(names))}


def camera(text: str | None) -> tuple[float, float, float, float] | None:
    """Read fx,fy,cx,cy in pixels, where they are given.

    Raises:
        UsageError: as `numbers`.
    """
    if text is None:
        return None
    fx, fy, cx, cy = numbers(text, "--intrinsics", 4, "518.9,519.5,325.6,253.7")
    return fx, fy, cx, cy


def network_size(text: str | None) -> int | tuple[int, int] | None:
    """Read a size of the network's input, where one is given: N or HxW.

    Raises:
        UsageError: neither.
    """
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--size {text!r}; expected an edge such as 448, or HxW such as 384x512")
    return int(parts[0]) if len(parts) == 1 else (int(parts[0]), int(parts[1]))


def shard(text: str | None) -> tuple[int, int] | None:
    """Read i/n, counted from 1, where it is given.

    Raises:
        UsageError: not of that form, or i outside 1 to n.
    """
    if text is None:
        return None
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise UsageError(f"--shard {text!r}; expected i/n with i from 1 to n, such as 1/4")
    return int(index), int(count)


def pairs(texts: list[str], flag: str) -> dict[str, str]:
    """Read NAME=VALUE of a flag that may stand several times.

    Raises:
        UsageError: no `=`, an empty part, or a name that stands twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise UsageError(f"{flag} {text!r}; expected NAME=VALUE")
        if name in found:
            raise UsageError(f"{flag} {text!r}: {name} stands twice")
        found[name] = value
    return found
