"""TOML and JSON tables to frozen dataclasses, with messages that name the key.

One convention: a table with a `name` is a component; its other keys fill the `Config` nested in
the class of that name.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, time
from enum import Enum
from os import environ
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from featherdepth.errors import InputError, UsageError, suggestion
from featherdepth.registry import Registry

T = TypeVar("T")

DATA_VARIABLE = "FEATHERDEPTH_DATA"


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UsageError: the file is missing or not TOML; the message has the line.
    """
    try:
        return tomllib.loads(_text(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot read it: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises:
        InputError: the file is missing, not JSON, or not an object.
    """
    try:
        value = json.loads(_text(path))
    except OSError as error:
        raise InputError(f"{path}: cannot read it: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object, got {type(value).__name__}")
    return value


def _text(path: Path) -> str:
    """What a file says behind a byte order mark, without a codec that would be imported now."""
    return path.read_text(encoding="utf-8").removeprefix("\ufeff")


def data_path(text: str, where: str) -> Path:
    """Resolve `${FEATHERDEPTH_DATA}` in a path of a recipe.

    Raises:
        UsageError: the path needs the variable and it is not set.
    """
    token = f"${{{DATA_VARIABLE}}}"
    if token not in text:
        return Path(text).expanduser()
    root = environ.get(DATA_VARIABLE)
    if not root:
        raise UsageError(f"{where}: {text!r} needs {DATA_VARIABLE}; set it to the data folder")
    return Path(text.replace(token, root)).expanduser()


def set_keys(
    table: Mapping[str, Any], assignments: list[str], *, flag: str = "--set"
) -> dict[str, Any]:
    """Return `table` with `a.b=value` assignments applied; values are read as TOML, else as text.

    A list is entered by position: `losses.0.weight=2`.

    Args:
        flag: that they were given by, for messages.

    Raises:
        UsageError: an assignment without `=`, or a key that leads into a plain value.
    """
    result = deepcopy(dict(table))
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"{flag} {assignment!r}: expected key=value")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        _assign(result, key.strip(), value, flag)
    return result


def _assign(table: dict[str, Any], key: str, value: Any, flag: str) -> None:
    *parents, last = key.split(".")
    place: Any = table
    for part in parents:
        if isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict):
            place = place.setdefault(part, {})
        else:
            raise UsageError(f"{flag} {key}: {part!r} does not lead anywhere")
    if isinstance(place, list) and last.isdigit() and int(last) < len(place):
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise UsageError(f"{flag} {key}: {last!r} does not lead anywhere")


def from_table(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls` from a table, checking every key and type.

    Accepts int, float (an int is widened, NaN refused), bool, str, Path, Literal, enums,
    `X | None`, tuples, lists, nested dataclasses and dicts.

    Args:
        where: prefix of messages, such as the file name.

    Raises:
        UsageError: an unknown or missing key, a value of the wrong type, or a value that
            the class itself refuses.
    """
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls) if f.init}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            hint = suggestion(key, known, elsewhere=_inner_paths(hints))
            raise UsageError(f"{where}.{key}: unknown key; {hint}")
    values = {}
    for name, f in known.items():
        if name in table:
            values[name] = _convert(hints[name], table[name], f"{where}.{name}")
        elif f.default is MISSING and f.default_factory is MISSING:
            raise UsageError(f"{where}.{name}: required, but not given")
    try:
        return cls(**values)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error


def _inner_paths(hints: Mapping[str, Any]) -> dict[str, str]:
    """Key of a table inside -> where it stands: `lr` belongs into `loop`."""
    return {
        inner.name: f"{name}.{inner.name}"
        for name, hint in hints.items()
        if isinstance(hint, type) and is_dataclass(hint)
        for inner in fields(hint)
        if inner.init
    }


def build(registry: Registry, table: Mapping[str, Any], where: str, **extra: Any) -> Any:
    """Build the component that `table["name"]` stands for, from its nested `Config`.

    `extra` are keyword arguments given to the constructor beside the config.
    """
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise UsageError(f"{where}.name: required; one of {', '.join(registry)}")
    cls = registry.load(table["name"])
    rest = {key: value for key, value in table.items() if key != "name"}
    return cls(from_table(cls.Config, rest, where), **extra)


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        if isinstance(value, date | time):  # TOML has them, JSON, which records what was run, not
            raise UsageError(f"{where}: expected no date, got {str(value)!r}")
        return value
    if origin in (Union, UnionType):
        if value is None and NoneType in args:
            return None
        options = [a for a in args if a is not NoneType]
        for option in options[:-1]:
            try:
                return _convert(option, value, where)
            except UsageError:
                continue
        return _convert(options[-1], value, where)
    if origin is Literal:
        if value in args:
            return value
        raise UsageError(f"{where}: {value!r} is not one of {', '.join(map(repr, args))}")
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError as error:
            names = ", ".join(repr(m.value) for m in hint)
            raise UsageError(f"{where}: {value!r} is not one of {names}") from error
    if origin in (tuple, list):
        return _convert_sequence(origin, args, value, where)
    if origin is dict or hint is dict:
        item = args[1] if args else Any
        return {
            k: _convert(item, v, f"{where}.{k}") for k, v in _expect(dict, value, where).items()
        }
    if is_dataclass(hint):
        return from_table(cast(type[Any], hint), _expect(dict, value, where), where)
    if hint is Path:
        return data_path(_expect(str, value, where), where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, float) and math.isnan(value):
        # No comparison refuses it: it would pass every limit that a class sets.
        raise UsageError(f"{where}: expected a number, got nan")
    return _expect(hint, value, where)


def _convert_sequence(origin: Any, args: Any, value: Any, where: str) -> Any:
    if not isinstance(value, list | tuple):
        raise UsageError(f"{where}: expected a list, got {value!r}")
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        if len(value) != len(args):
            raise UsageError(f"{where}: expected {len(args)} values, got {len(value)}")
        items = list(args)
    else:
        items = [args[0] if args else Any] * len(value)
    return origin(
        _convert(a, v, f"{where}[{i}]") for i, (a, v) in enumerate(zip(items, value, strict=True))
    )


def _expect(hint: Any, value: Any, where: str) -> Any:
    # bool is an int in Python; a recipe that says `steps = true` is a mistake.
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        noun = "a table" if hint is dict else hint.__name__
        raise UsageError(f"{where}: expected {noun}, got {value!r}")
    return value
