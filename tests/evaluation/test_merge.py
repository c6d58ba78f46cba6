"""Shards of an evaluation, put together, are the evaluation."""

import json
from typing import Any

import numpy as np
import pytest

from evaluation_scenes import SIZE, Model, Rooms, depth, noisy_model
from featherdepth.errors import InputError
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.evaluation.baselines import Constant
from featherdepth.evaluation.merge import merge
from featherdepth.evaluation.tables import accuracy_table
from featherdepth.metrics.protocols import load_protocol
from featherdepth.types import Depth


def run(count: int, shards: int | None, protocol: str = "aligned") -> Any:
    """One document, or those of all shards as read back from their files."""
    rooms = Rooms(count)
    rooms.broken = {1}
    good = noisy_model(rooms)

    def answer(index: int) -> Depth:
        return depth(np.full(SIZE, np.inf)) if index == 4 else good.answer(index)

    def part(shard: tuple[int, int] | None) -> dict[str, Any]:
        result = evaluate(
            Model(answer),
            rooms,
            load_protocol(protocol),
            name="m",
            baselines={"constant": Constant()},
            shard=shard,
        )
        return json.loads(json.dumps(result))

    if shards is None:
        return part(None)
    return {f"{i}.json": part((i, shards)) for i in range(1, shards + 1)}


@pytest.mark.parametrize("protocol", ["aligned", "leres", "nyu-eigen-raw-v1"])
@pytest.mark.parametrize("shards", [1, 3])
def test_merged_shards_equal_one_run(shards: int, protocol: str) -> None:
    whole, parts = run(8, None, protocol), run(8, shards, protocol)

    merged = merge(dict(reversed(parts.items())))

    assert whole.pop("environment").keys() == merged.pop("environment").keys()
    assert merged == whole
    assert merged["faulty_predictions"] == [Rooms(8).keys[4]]


def test_more_shards_than_images_leave_some_empty() -> None:
    parts = run(3, 5)

    assert merge(parts)["images"] == run(3, None)["images"]
    assert parts["5.json"]["images"] == []
    assert parts["5.json"]["metrics"] == {}


def test_a_missing_or_doubled_shard_is_refused() -> None:
    parts = run(6, 3)

    with pytest.raises(InputError, match="parts 1/3, 3/3; expected each of 1/3 to 3/3 once"):
        merge({name: parts[name] for name in ("1.json", "3.json")})
    with pytest.raises(InputError, match=r"2\.json and again\.json are both part 2/3; name each"):
        merge({**parts, "again.json": parts["2.json"]})


@pytest.mark.parametrize(
    ("where", "value", "what"),
    [
        (("model",), "other", "model"),
        (("protocol", "crop"), "none", "protocol"),
        (("data", "split"), "val", "data split"),
        (("shard", "of"), 7, "shard of"),
        (("shard", "baselines"), {}, "baselines"),
        (("environment", "sha256"), "0", "sha256"),
    ],
)
def test_parts_of_two_runs_are_refused(where: tuple[str, ...], value: object, what: str) -> None:
    parts = run(6, 2)
    table = parts["2.json"]
    for key in where[:-1]:
        table = table[key]
    table[where[-1]] = value

    with pytest.raises(InputError, match=rf"2.json and 1.json differ in {what}; merge parts"):
        merge(parts)


COMPLETION = {
    "pattern": "uniform-40",
    "seed": 0,
    "held_out": False,
    "method": "learned",
    "system": None,
    "network": "ab",
    "first": "m",
}


def completed_parts() -> Any:
    return {name: {**part, "completion": dict(COMPLETION)} for name, part in run(6, 2).items()}


def test_merged_parts_of_a_completion_say_what_completed_and_from_which_points() -> None:
    merged = merge(completed_parts())

    assert merged["completion"] == COMPLETION
    assert accuracy_table(merged).splitlines()[1] == (
        "points uniform-40, seed 0, completed by learned"
    )


@pytest.mark.parametrize("key", COMPLETION)
def test_parts_of_two_completions_are_refused(key: str) -> None:
    parts = completed_parts()
    parts["2.json"]["completion"][key] = "other"

    with pytest.raises(InputError, match=rf"differ in completion {key}; merge parts of one run"):
        merge(parts)
    del parts["2.json"]["completion"]
    with pytest.raises(InputError, match="differ in completion"):
        merge(parts)


def test_a_whole_result_is_no_part() -> None:
    with pytest.raises(InputError, match=r"a.json: not a part of a result; expected a file of"):
        merge({"a.json": run(3, None)})


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("shard",), {}),
        (("shard", "index"), "one"),
        (("shard", "places"), 5),
        (("shard", "places"), [0]),
        (("shard", "notes"), None),
        (("shard", "baselines"), {"constant": []}),
        (("protocol",), {}),
        (("data",), 5),
        (("images",), 3),
        (("images",), [{"key": "a"}] * 3),
        (("skipped",), [{"key": "a"}]),
        (("faulty_predictions",), None),
        (("environment",), {}),
        (("completion",), 5),
    ],
)
@pytest.mark.parametrize("protocol", ["aligned", "leres"])
def test_a_document_that_only_looks_like_a_part_is_named(
    where: tuple[str, ...], value: object, protocol: str
) -> None:
    parts = run(6, 2, protocol)
    table = parts["2.json"]
    for key in where[:-1]:
        table = table[key]
    table[where[-1]] = value

    with pytest.raises(InputError, match=r"2.json: damaged: .*; expected a file of evaluate --sh"):
        merge(parts)
