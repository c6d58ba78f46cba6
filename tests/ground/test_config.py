"""Tables become dataclasses, or a message that names the key."""

import math
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest

from featherdepth.config import build, data_path, from_table, read_json, read_toml, set_keys
from featherdepth.errors import InputError, UsageError
from featherdepth.registry import Registry


class Color(StrEnum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float
    name: Literal["adamw", "sgd"] = "adamw"

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"rate must be above 0, got {self.rate}")


@dataclass(frozen=True, kw_only=True)
class Outer:
    steps: int
    optimizer: Inner
    size: tuple[int, int] = (4, 4)
    names: tuple[str, ...] = ()
    color: Color = Color.RED
    root: Path | None = None
    extra: dict[str, float] | None = None
    flag: bool = False


class Component:
    @dataclass(frozen=True, kw_only=True)
    class Config:
        weight: float = 1.0

    def __init__(self, config: Config) -> None:
        self.config = config


def test_values_are_converted_all_the_way_down():
    table = {
        "steps": 3,
        "optimizer": {"rate": 1, "name": "sgd"},
        "size": [2, 3],
        "names": ["a", "b"],
        "color": "red",
        "root": "x/y",
        "extra": {"a": 1},
    }

    value = from_table(Outer, table, "r.toml")

    assert value == Outer(
        steps=3,
        optimizer=Inner(rate=1.0, name="sgd"),
        size=(2, 3),
        names=("a", "b"),
        color=Color.RED,
        root=Path("x/y"),
        extra={"a": 1.0},
    )
    assert isinstance(value.optimizer.rate, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimiser": {}}, "r.toml.optimiser: unknown key; did you mean 'optimizer'?"),
        ({"optimizer": {"rate": "1"}}, "r.toml.optimizer.rate: expected float, got '1'"),
        ({"optimizer": {"rate": 0.0}}, "r.toml.optimizer: rate must be above 0, got 0.0"),
        ({"optimizer": {}}, "r.toml.optimizer.rate: required, but not given"),
        ({"optimizer": {"rate": 1, "name": "adam"}}, "'adam' is not one of 'adamw', 'sgd'"),
        ({"optimizer": {"rate": math.nan}}, "r.toml.optimizer.rate: expected a number, got nan"),
        ({"extra": {"a": math.nan}}, "r.toml.extra.a: expected a number, got nan"),
        ({"steps": True}, "r.toml.steps: expected int, got True"),
        ({"steps": 1.5}, "r.toml.steps: expected int, got 1.5"),
        ({"flag": 1}, "r.toml.flag: expected bool, got 1"),
        ({"size": [1]}, "r.toml.size: expected 2 values, got 1"),
        ({"size": [1, "x"]}, "r.toml.size[1]: expected int, got 'x'"),
        ({"color": "blue"}, "r.toml.color: 'blue' is not one of 'red'"),
        ({"optimizer": 3}, "r.toml.optimizer: expected a table, got 3"),
        ({"names": "ab"}, "r.toml.names: expected a list, got 'ab'"),
    ],
)
def test_a_fault_is_named_with_its_key(change, message):
    table = {"steps": 3, "optimizer": {"rate": 1}} | change

    with pytest.raises(UsageError) as caught:
        from_table(Outer, table, "r.toml")

    assert message in str(caught.value)


def test_a_component_is_built_from_its_nested_config():
    registry = Registry("part", {"c": f"{__name__}:Component"})
    registry.load = lambda name: Component  # type: ignore[method-assign]

    assert build(registry, {"name": "c", "weight": 2}, "r.toml").config.weight == 2.0
    with pytest.raises(UsageError, match="did you mean 'weight'"):
        build(registry, {"name": "c", "wieght": 2}, "r.toml")
    with pytest.raises(UsageError, match=r"r\.toml\.name: required"):
        build(registry, {"weight": 2}, "r.toml")


def test_assignments_reach_nested_keys_and_list_items_and_leave_the_original():
    table = {"a": {"b": 1}, "losses": [{"weight": 1.0}]}

    changed = set_keys(table, ["a.b=2", "losses.0.weight=0.5", "c.d=text", 'e="1"'])

    assert changed == {
        "a": {"b": 2},
        "losses": [{"weight": 0.5}],
        "c": {"d": "text"},
        "e": "1",
    }
    assert table == {"a": {"b": 1}, "losses": [{"weight": 1.0}]}


def test_a_date_of_a_recipe_outlives_an_assignment_to_another_key(tmp_path):
    (tmp_path / "r.toml").write_text("made = 2024-01-01\na = 1\n")

    changed = set_keys(read_toml(tmp_path / "r.toml"), ["a=2"])

    assert changed == {"made": date(2024, 1, 1), "a": 2}


@pytest.mark.parametrize("assignment", ["a", "a.b.c=1", "losses.7.weight=1"])
def test_an_assignment_that_leads_nowhere_is_refused(assignment):
    with pytest.raises(UsageError, match="--set"):
        set_keys({"a": {"b": 1}, "losses": [{}]}, [assignment])


def test_the_data_variable_is_resolved_and_asked_for(monkeypatch):
    monkeypatch.setenv("FEATHERDEPTH_DATA", "/somewhere")
    assert data_path("${FEATHERDEPTH_DATA}/nyu", "r") == Path("/somewhere/nyu")

    monkeypatch.delenv("FEATHERDEPTH_DATA")
    with pytest.raises(UsageError, match="needs FEATHERDEPTH_DATA"):
        data_path("${FEATHERDEPTH_DATA}/nyu", "r")


def test_unreadable_files_end_in_one_line(tmp_path):
    bad = tmp_path / "bad"
    bad.write_text("{")

    with pytest.raises(UsageError, match="not TOML"):
        read_toml(bad)
    with pytest.raises(InputError, match="not JSON"):
        read_json(bad)
    with pytest.raises(UsageError, match="No such file"):
        read_toml(tmp_path / "none.toml")
    bad.write_text("[1]")
    with pytest.raises(InputError, match="expected a JSON object, got list"):
        read_json(bad)
    bad.write_text('{"a":' * 100_000)
    with pytest.raises(InputError, match="not JSON"):
        read_json(bad)
