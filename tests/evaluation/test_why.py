"""Kept predictions scored again: the same number, and the choice that moves it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation_scenes import SIZE, Model, Rooms, depth, noisy_model
from featherdepth.errors import InputError, UsageError
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.evaluation.kept import About, KeptPredictions
from featherdepth.evaluation.tables import why_table
from featherdepth.evaluation.why import explain
from featherdepth.geometry.parts import Box
from featherdepth.metrics.protocols import load_protocol
from featherdepth.types import Depth, DepthKind

AFFINE, DISPARITY = DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY


def keep(tmp_path: Path, rooms: Rooms, model: Model, protocol: str) -> tuple[Any, KeptPredictions]:
    about = About(model="m", data=rooms.name, split=rooms.split, protocol=protocol)
    kept = KeptPredictions.begin(tmp_path / "kept", about)
    document = evaluate(model, rooms, load_protocol(protocol), name="m", keep=kept.write)
    return document, kept


def metric(document: dict[str, Any], name: str) -> float:
    return next(r["metrics"]["abs_rel"] for r in document["rows"] if r["name"] == name)


@pytest.mark.parametrize("protocol", ["aligned", "nyu-eigen-raw-v1", "leres"])
def test_the_base_is_the_number_that_was_measured_to_the_last_digit(
    tmp_path: Path, protocol: str
) -> None:
    rooms = Rooms(3)
    document, kept = keep(tmp_path, rooms, noisy_model(rooms), protocol)

    found = explain(kept, rooms, load_protocol(protocol))

    assert found["rows"][0]["choice"] == "base"
    assert found["base"] == document["protocol"]["name"]
    for name in ("abs_rel", "rmse", "delta1"):
        assert found["rows"][0]["metrics"][name] == document["metrics"][name]["value"]


def test_every_row_is_what_that_protocol_would_have_given(tmp_path: Path) -> None:
    rooms = Rooms(3)
    model = noisy_model(rooms)
    _, kept = keep(tmp_path, rooms, model, "nyu-eigen-raw-v1")

    found = explain(kept, rooms, load_protocol("nyu-eigen-raw-v1"))

    for name in ("aligned", "leres", "median", "poster", "nyu-eigen-filled-v1+none"):
        value = evaluate(model, rooms, load_protocol(name), name="m")["metrics"]["abs_rel"]
        assert metric(found, name) == value["value"], name
    names = [row["name"] for row in found["rows"]]
    assert {"+scale-median", "+scale-rom", "+scale-lsq", "+affine-disp", "+affine-l1"} < set(names)
    assert not any("kitti" in name or "da2k" in name for name in names)


def test_kinds_decide_what_is_tried(tmp_path: Path) -> None:
    rooms = Rooms(2)
    model = Model(lambda i: depth(3 / rooms.truth(i) + 1, DISPARITY))
    _, kept = keep(tmp_path, rooms, model, "aligned")

    found = explain(kept, rooms, load_protocol("aligned"))

    names = {row["name"] for row in found["rows"] if row["choice"] == "alignment"}
    assert names == {"+affine-disp"}  # the base is +affine-disp-floor already
    with pytest.raises(UsageError, match="needs metric or scale_invariant or affine_invariant d"):
        explain(kept, rooms, load_protocol("poster"))


def test_the_crop_is_named_where_the_crop_moved_the_number(tmp_path: Path) -> None:
    class Framed(Rooms):
        def usable(self, index: int) -> Box:
            return (2, 2, 8, 12)

    rooms = Framed(3)

    def answer(index: int) -> Depth:
        values = 0.5 * rooms.truth(index) + 1
        values[:2] = 9.0  # garbage on the frame
        return depth(values, AFFINE)

    _, kept = keep(tmp_path, rooms, Model(answer), "aligned")

    found = explain(kept, rooms, replace(load_protocol("aligned"), crop="none"))
    text = why_table(found)

    assert (found["moved_most"]["choice"], found["moved_most"]["name"]) == ("crop", "usable")
    assert found["moved_most"]["change"] == pytest.approx(-1, abs=1e-4)
    assert "one choice moved abs_rel most: crop (usable), " in text
    assert text.splitlines()[0].startswith("m on NYUv2 rooms test: 3 kept predictions, affine_inv")


def test_another_truth_of_the_same_photos_is_a_choice(tmp_path: Path) -> None:
    rooms, filled = Rooms(3), Rooms(3)
    filled.factor = 1.1
    _, kept = keep(tmp_path, rooms, Model(lambda i: depth(rooms.truth(i))), "metric")

    found = explain(kept, rooms, load_protocol("metric"), partners={"test-filled": filled})

    truth = next(row for row in found["rows"] if row["choice"] == "truth")
    assert truth["name"] == "test-filled"
    assert truth["metrics"]["abs_rel"] == pytest.approx(0.1 / 1.1, abs=1e-5)


def test_missing_and_damaged_predictions_are_counted(tmp_path: Path) -> None:
    rooms = Rooms(4)
    _, kept = keep(tmp_path, rooms, noisy_model(rooms), "metric")
    files = sorted(kept.folder.glob("*.safetensors"))
    files[0].unlink()
    files[1].write_bytes(b"torn")

    found = explain(kept, rooms, load_protocol("metric"))

    assert (found["count"], found["missing"], len(found["skipped"])) == (2, 1, 1)
    for path in files[1:]:
        path.unlink()
    with pytest.raises(InputError, match="no prediction could be scored; 4 images have no kept"):
        explain(kept, rooms, load_protocol("metric"))


def test_a_prediction_whose_truth_cannot_be_read_is_told(tmp_path: Path) -> None:
    rooms = Rooms(3)
    _, kept = keep(tmp_path, rooms, noisy_model(rooms), "metric")
    rooms.broken = {1}

    found = explain(kept, rooms, load_protocol("metric"))

    assert found["count"] == 2
    assert found["skipped"] == [{"key": rooms.keys[1], "reason": "1.jpg: damaged"}]


def test_pooling_is_a_choice(tmp_path: Path) -> None:
    rooms = Rooms(2)
    model = Model(lambda i: depth(rooms.truth(i) + np.full(SIZE, 1 + 2 * i)))
    _, kept = keep(tmp_path, rooms, model, "metric")

    found = explain(kept, rooms, load_protocol("metric"))

    pooled = next(row for row in found["rows"] if row["choice"] == "pooling")
    assert pooled["name"] == "pixel"
    assert found["rows"][0]["metrics"]["rmse"] == pytest.approx(2)
    assert pooled["metrics"]["rmse"] == pytest.approx(np.sqrt(5))
