"""A corrupt prediction is counted and reported and enters no mean, however the means are taken."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation_scenes import SIZE, Model, Ordered, Rooms, depth, noisy_model
from featherdepth.errors import RunError
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.evaluation.kept import About, KeptPredictions
from featherdepth.evaluation.merge import merge
from featherdepth.evaluation.robustness import Plan, measure_robustness
from featherdepth.evaluation.tables import accuracy_table
from featherdepth.evaluation.why import explain
from featherdepth.metrics.protocols import load_protocol
from featherdepth.types import Depth, Image

BROKEN = 2


def some(value: float) -> Depth:
    values = np.ones(SIZE)
    values[0, 0] = values[5, 0] = value
    return depth(values)


def with_a_hole() -> Depth:
    whole = depth(np.full(SIZE, 2.0))
    valid = whole.valid.copy()
    valid[0, 0] = valid[5, 0] = False
    return Depth(values=np.where(valid, whole.values, 0), valid=valid, kind=whole.kind)


def nothing() -> Depth:
    raise RunError("the network gave nothing")


FAULTS: dict[str, Callable[[], Depth]] = {
    "one NaN": lambda: some(np.nan),
    "one inf": lambda: some(np.inf),
    "one -inf": lambda: some(-np.inf),
    "all NaN": lambda: depth(np.full(SIZE, np.nan)),
    "twice the size": lambda: depth(np.ones((2 * SIZE[0], 2 * SIZE[1]))),
    "turned": lambda: depth(np.ones(SIZE[::-1])),
    "a hole": with_a_hole,
    "nothing": nothing,
}


def broken_at(good: Model, fault: Callable[[], Depth]) -> Model:
    return Model(lambda index: fault() if index == BROKEN else good.answer(index))


@pytest.mark.parametrize(
    "protocol",
    [
        *("aligned", "metric", "median", "poster", "nyu-eigen-raw-v1+affine-l1"),  # mean of images
        *("leres", "da2k-v1"),  # pixels and pairs of all images pooled
        "nyu-dc-500-304x228-v1",  # brought to a frame of its own
    ],
)
@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_listed_with_its_reason_and_moves_no_figure(fault: str, protocol: str) -> None:
    rooms = Ordered(5) if protocol == "da2k-v1" else Rooms(5)
    good = noisy_model(rooms)
    rules = load_protocol(protocol)
    broken = evaluate(broken_at(good, FAULTS[fault]), rooms, rules, name="m")
    rooms.broken = {BROKEN}  # what is left where that photo is not there at all
    without = evaluate(good, rooms, rules, name="m")

    key = rooms.keys[BROKEN]
    assert broken["faulty_predictions"] == [key]
    assert [row["key"] for row in broken["skipped"]] == [key]
    assert broken["skipped"][0]["reason"]
    assert broken["data"]["count"] == 4
    assert broken["metrics"] == without["metrics"]
    assert broken["images"] == without["images"]
    assert np.isfinite([list(row.values()) for row in broken["metrics"].values()]).all()
    assert f"corrupt predictions, in no mean: 1; {key}" in accuracy_table(broken)


@pytest.mark.parametrize("protocol", ["aligned", "leres"])
@pytest.mark.parametrize("fault", ["one NaN", "twice the size"])
def test_merged_shards_count_it_once(fault: str, protocol: str) -> None:
    rooms = Rooms(5)
    model, rules = broken_at(noisy_model(rooms), FAULTS[fault]), load_protocol(protocol)
    parts = {
        f"{i}.json": json.loads(json.dumps(evaluate(model, rooms, rules, name="m", shard=(i, 2))))
        for i in (1, 2)
    }

    merged = merge(parts)

    assert merged["faulty_predictions"] == [rooms.keys[BROKEN]]
    assert merged["metrics"] == evaluate(model, rooms, rules, name="m")["metrics"]


def test_kept_predictions_of_another_size_are_not_stretched_to_fit(tmp_path: Path) -> None:
    rooms = Rooms(3)
    about = About(model="m", data=rooms.name, split=rooms.split, protocol="metric")
    kept = KeptPredictions.begin(tmp_path / "kept", about)
    whole = evaluate(noisy_model(rooms), rooms, load_protocol("metric"), name="m", keep=kept.write)
    kept.write(rooms.keys[BROKEN], FAULTS["twice the size"]())

    found = explain(kept, rooms, load_protocol("metric"))

    reason = "prediction is (24, 32), its photo is (12, 16) pixels"
    assert found["skipped"] == [{"key": rooms.keys[BROKEN], "reason": reason}]
    assert found["count"] == 2
    left = np.mean([row["abs_rel"] for row in whole["images"][:2]])
    assert found["rows"][0]["metrics"]["abs_rel"] == pytest.approx(left)


class ByName(Model):
    """Knows a room by the name of its photo, whatever was done to the pixels."""

    def infer(self, image: Image, *, size: object = None) -> Depth:
        return self.answer(int(image.name))


@pytest.mark.parametrize("fault", ["one NaN", "twice the size"])
def test_robustness_leaves_the_whole_photo_out(fault: str) -> None:
    rooms = Rooms(4)
    good = noisy_model(rooms)
    calls: list[int] = []

    def answer(index: int) -> Depth:
        calls.append(index)
        # From the second time on: under a corruption, not as it is.
        return FAULTS[fault]() if index == BROKEN and calls.count(index) > 1 else good.answer(index)

    plan = Plan.of(["jpeg"], [1, 2])
    found = measure_robustness(ByName(answer), rooms, load_protocol("aligned"), plan)

    assert found["count"] == 3
    assert [row["key"] for row in found["skipped"]] == [rooms.keys[BROKEN]]
