"""Two results compared image by image."""

import copy
from typing import Any

import numpy as np
import pytest

from evaluation_scenes import Model, Rooms, depth, noisy_model
from featherdepth.errors import InputError
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.evaluation.compare import compare
from featherdepth.evaluation.tables import compare_table
from featherdepth.metrics.protocols import load_protocol

ROOMS = Rooms(12)


def result(*, seed: int = 0, spread: float = 0.2, protocol: str = "metric") -> dict[str, Any]:
    model = noisy_model(ROOMS, seed=seed, spread=spread)
    return evaluate(model, ROOMS, load_protocol(protocol), name=f"s{spread}")


@pytest.mark.parametrize("protocol", ["metric", "leres+none"])
def test_a_result_against_itself_differs_in_nothing(protocol: str) -> None:
    document = result(protocol=protocol)

    found = compare(document, document)

    rows = found["metrics"].values()
    assert all(row["difference"] == row["low"] == row["high"] == 0 for row in rows)
    assert all(row["better"] is None for row in rows)
    assert found["worst"] == []
    assert compare_table(found).splitlines()[-1] == f"no image differs in {found['measure']}"


@pytest.mark.parametrize("protocol", ["metric", "leres+none"])
def test_a_better_model_is_told_by_errors_and_by_shares(protocol: str) -> None:
    found = compare(result(spread=0.4, protocol=protocol), result(protocol=protocol))

    for name in ("abs_rel", "delta1"):
        row = found["metrics"][name]
        assert row["better"] == "b"
        assert row["difference"] == pytest.approx(row["b"] - row["a"])
        assert row["low"] < row["difference"] < row["high"]
    assert found["metrics"]["abs_rel"]["difference"] < 0 < found["metrics"]["delta1"]["difference"]


def test_pairing_tells_what_two_separate_intervals_do_not() -> None:
    # Rooms differ by far more than the models do.
    one = Model(lambda i: depth(ROOMS.truth(i) * (1.1 + 0.1 * i)))
    two = Model(lambda i: depth(ROOMS.truth(i) * (1.11 + 0.1 * i)))
    a, b = (evaluate(m, ROOMS, load_protocol("metric"), name="m") for m in (one, two))

    row = compare(a, b)["metrics"]["abs_rel"]

    assert a["metrics"]["abs_rel"]["high"] > b["metrics"]["abs_rel"]["low"]
    assert row["better"] == "a"
    assert row["difference"] == pytest.approx(0.01, abs=1e-6)


def completed(**changes: object) -> dict[str, Any]:
    said = {"pattern": "uniform-40", "seed": 0, "held_out": True, "method": "kriging"}
    return result() | {"completion": said | changes}


def test_completions_by_two_methods_are_compared_and_both_are_named() -> None:
    found = compare(completed(), completed(method=None, system="nlspn"))

    assert found["completion"] == {
        "pattern": "uniform-40",
        "seed": 0,
        "held_out": True,
        "a": "kriging",
        "b": "nlspn",
    }
    assert compare_table(found).splitlines()[1] == (
        "points uniform-40, seed 0, scored where no point was given, a completed by kriging, b by"
        " nlspn"
    )


@pytest.mark.parametrize(
    ("key", "value"), [("pattern", "lines-8"), ("seed", 1), ("held_out", False)]
)
def test_completions_from_other_points_are_refused(key: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"A is of completion {key} .*, B of {value!r}; compare"):
        compare(completed(), completed(**{key: value}))
    with pytest.raises(InputError, match="A is of completion pattern None, B of 'uniform-40'"):
        compare(result(), completed())


def test_images_that_differ_most_come_first() -> None:
    a = result()
    b = copy.deepcopy(a)
    b["images"][3]["abs_rel"] += 0.5
    b["images"][7]["abs_rel"] -= 0.1

    worst = compare(a, b)["worst"]

    assert [row["key"] for row in worst] == [ROOMS.keys[3], ROOMS.keys[7]]
    assert worst[0]["difference"] == pytest.approx(0.5)
    assert len(compare(a, result(spread=0.4))["worst"]) == 10


def test_images_of_one_result_only_are_listed_and_left_out() -> None:
    a, b = result(), result(spread=0.4)
    lost = b["images"].pop(5)

    found = compare(a, b)

    assert found["count"] == 11
    assert found["only_a"] == [lost["key"]]
    assert found["only_b"] == []
    expected = np.mean([row["abs_rel"] for row in a["images"] if row["key"] != lost["key"]])
    assert found["metrics"]["abs_rel"]["a"] == pytest.approx(expected)


@pytest.mark.parametrize("protocol", ["metric", "leres+none"])
def test_one_image_in_common_tells_nothing_apart_and_a_note_says_why(protocol: str) -> None:
    a, b = result(spread=0.4, protocol=protocol), result(protocol=protocol)
    del b["images"][1:]

    found = compare(a, b)

    assert found["metrics"]["abs_rel"]["difference"] != 0
    assert {row["better"] for row in found["metrics"].values()} == {None}
    note = "one image in common: its interval has no width, and nothing is told apart"
    assert found["notes"] == [note]
    assert f"note: {note}" in compare_table(found).splitlines()
    assert compare(a, a)["notes"] == []


def test_different_data_protocols_or_files_are_refused_with_a_sentence() -> None:
    a, other = result(), result()
    other["data"]["split"] = "val"

    with pytest.raises(InputError, match=r"A is of data split 'test', B of 'val'; compare results"):
        compare(a, other)
    with pytest.raises(InputError, match=r"different protocols: name 'metric' and 'poster', "):
        compare(a, result(protocol="poster"))
    with pytest.raises(InputError, match=r"x.json: no 'protocol'; expected a document of evaluate"):
        compare({"model": "m"}, a, names=("x.json", "y.json"))
    moved = copy.deepcopy(a)
    for row in moved["images"]:
        row["key"] += "x"
    with pytest.raises(InputError, match="have no image in common"):
        compare(a, moved)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("protocol", {}),
        ("protocol", []),
        ("data", {}),
        ("data", 5),
        ("images", 3),
        ("images", [{"key": "a"}]),
        ("images", [{"abs_rel": 0.1}]),
        ("completion", 5),
        ("completion", {"pattern": "uniform-40"}),
    ],
)
@pytest.mark.parametrize("protocol", ["metric", "leres+none"])
def test_a_document_that_only_looks_like_a_result_is_named(
    key: str, value: object, protocol: str
) -> None:
    good = result(protocol=protocol)

    with pytest.raises(InputError, match=r"bad.json: damaged: .*; expected a document of evaluate"):
        compare(good, good | {key: value}, names=("good.json", "bad.json"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_not_finite_wins_nothing(value: float) -> None:
    good, bad = result(), result()
    bad["images"][0]["abs_rel"] = value

    with pytest.raises(InputError, match=r"B: damaged: .*figures that are not finite"):
        compare(good, bad)


def test_a_document_of_unknown_measures_is_named() -> None:
    odd = result()
    odd["protocol"] = {**odd["protocol"], "measures": ["luck"]}

    with pytest.raises(InputError, match=r"A: damaged: KeyError\('luck'\)"):
        compare(odd, odd)


def test_the_table_names_both_models_the_interval_and_the_images() -> None:
    found = compare(result(spread=0.4), result())

    lines = compare_table(found).splitlines()

    assert lines[0].startswith("s0.2 (b) against s0.4 (a) on NYUv2 rooms test: 12 images")
    assert lines[2].split() == ["a", "b", "b", "-", "a", "95", "%", "interval", "better"]
    assert next(line for line in lines if line.startswith("abs_rel")).split()[-1] == "b"
    assert "images that differ most in abs_rel:" in lines
    assert any(line.startswith(found["worst"][0]["key"]) for line in lines)
