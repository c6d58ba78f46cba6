"""Robustness: mRR by hand, a perfect model keeps all, images enter all figures or none."""

import json

import numpy as np
import pytest

from evaluation_scenes import SIZE, Rooms, depth
from featherdepth.data.conditions import CONDITIONS
from featherdepth.data.corrupt import CORRUPTIONS
from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.evaluation.robustness import Plan, measure_robustness, resilience
from featherdepth.evaluation.tables import robustness_table
from featherdepth.metrics.protocols import load_protocol
from featherdepth.types import Depth, DepthKind, Image, Sample

METRIC = load_protocol("metric")


class Painted(Rooms):
    """The photo is its own depth: red over 20 is metres."""

    def _read(self, index: int) -> Sample:
        codes = np.random.default_rng(index).integers(40, 180, SIZE, dtype=np.uint8)
        pixels = np.repeat(codes[..., None], 3, axis=2)
        image = Image(pixels=pixels, name=str(index))
        return Sample(key=self.keys[index], image=image, depth=depth(codes / 20))


class ByName:
    """Knows each room by its name, whatever is done to the picture; off by a factor."""

    kind = DepthKind.METRIC

    def __init__(self, rooms: Rooms, factor: float = 1.0, worse: float = 1.0) -> None:
        self.rooms, self.factor, self.worse = rooms, factor, worse
        self.clean = {str(i): rooms[i].image.pixels for i in range(len(rooms))}

    def infer(self, image: Image, *, size: object = None) -> Depth:
        changed = (image.pixels != self.clean[image.name]).any()
        factor = self.worse if changed else self.factor
        return depth(self.rooms.truth(int(image.name)) * factor)


class ByColor:
    """Reads depth off a painted photo."""

    kind = DepthKind.METRIC

    def infer(self, image: Image, *, size: object = None) -> Depth:
        return depth(np.maximum(image.pixels[..., 0], 1) / 20)


def test_resilience_is_the_mean_over_strengths_by_hand() -> None:
    errors = np.array([[0.2, 0.4, 0.6]])

    kept = resilience(errors, np.array([0.1]))

    assert kept[0] == pytest.approx((0.8 + 0.6 + 0.4) / 3 / 0.9)


def test_mrr_of_a_model_that_is_half_wrong_on_worse_photos_is_that_by_hand() -> None:
    rooms = Rooms(3)
    model = ByName(rooms, factor=1.1, worse=1.5)

    result = measure_robustness(model, rooms, METRIC, Plan.of(["gaussian_noise", "dark"], [1, 4]))

    # abs_rel .1 with delta1 1: err .05; abs_rel .5 with delta1 0: err .75
    assert result["clean"] == pytest.approx({"abs_rel": 0.1, "delta1": 1, "err": 0.05}, abs=1e-6)
    assert result["mrr"]["value"] == pytest.approx(0.25 / 0.95, abs=1e-6)
    for row in result["corruptions"]:
        assert row["rr"]["value"] == pytest.approx(0.25 / 0.95, abs=1e-6)
        assert [level["strength"] for level in row["strengths"]] == [1, 4]
        assert row["strengths"][0]["err"] == pytest.approx(0.75, abs=1e-6)


def test_a_perfect_model_keeps_everything_under_every_corruption() -> None:
    rooms = Rooms(3)

    result = measure_robustness(ByName(rooms), rooms, METRIC, Plan.of(list(CORRUPTIONS)))

    assert len(result["corruptions"]) == len(CORRUPTIONS)
    assert result["mrr"] == pytest.approx({"value": 1, "low": 1, "high": 1}, abs=1e-6)


@pytest.mark.parametrize("name", sorted(set(CONDITIONS) - {"tiny"}))
def test_truth_is_scored_where_the_condition_shows_it(name: str) -> None:
    result = measure_robustness(ByColor(), Painted(3), METRIC, Plan.of([name]))

    row = result["conditions"][0]
    assert row["count"] == 3
    assert row["err"] == pytest.approx(0, abs=1e-6)
    assert row["clean_err"] == pytest.approx(0, abs=1e-6)
    assert result["mrr"] is None


def test_a_model_that_reads_the_picture_loses_by_noise_and_has_an_interval() -> None:
    result = measure_robustness(ByColor(), Painted(4), METRIC, Plan.of(["gaussian_noise"], [1, 5]))

    weak, strong = result["corruptions"][0]["strengths"]
    assert 0 < weak["err"] < strong["err"]
    assert result["mrr"]["low"] < result["mrr"]["value"] < result["mrr"]["high"] < 1


def test_the_same_seed_gives_the_same_document_and_another_one_other_noise() -> None:
    plan = Plan.of(["shot_noise"])
    first, again, other = (
        measure_robustness(ByColor(), Painted(2), METRIC, plan, seed=seed) for seed in (0, 0, 1)
    )

    assert first == again == json.loads(json.dumps(first))
    assert first["mrr"]["value"] != other["mrr"]["value"]


def test_an_image_that_fails_once_is_listed_and_enters_no_figure() -> None:
    rooms = Rooms(3)
    model = ByName(rooms, factor=1.1)
    good = model.infer

    def infer(image: Image, *, size: object = None) -> Depth:
        if image.name == "1" and image.pixels.std() > 0:
            raise RunError("gave NaN")
        return good(image, size=size)

    model.infer = infer  # type: ignore[method-assign]

    result = measure_robustness(model, rooms, METRIC, Plan.of(["gaussian_noise", "gray"]))

    assert result["count"] == 2
    assert result["skipped"] == [{"key": rooms.keys[1], "reason": "gaussian_noise 1: gave NaN"}]
    assert [row["count"] for row in result["conditions"]] == [2]


def test_an_even_selection_of_images_is_taken() -> None:
    rooms = Rooms(7)

    result = measure_robustness(ByName(rooms), rooms, METRIC, Plan.of(["jpeg"], [1]), images=3)

    assert result["count"] == 3


def test_the_table_shows_mrr_and_a_row_each() -> None:
    plan = Plan.of(["fog", "dark", "wide"], [2, 4])
    result = measure_robustness(ByColor(), Painted(2), METRIC, plan)

    text = robustness_table(result)

    assert f"mRR {100 * result['mrr']['value']:.2f} %" in text
    assert "weather: fog" in text
    assert "err at 2  err at 4" in text
    assert "wide: a lying strip" in text


@pytest.mark.parametrize(
    ("names", "strengths", "message"),
    [
        (["fogg"], [1], "unknown corruption 'fogg'; did you mean 'fog'"),
        (["fog"], [0], r"strengths \[0\]; expected some of 1 to 5"),
        (["fog"], [], r"strengths \[\]"),
    ],
)
def test_a_wrong_plan_is_one_line(names: list[str], strengths: list[int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Plan.of(names, strengths)


def test_a_model_with_nothing_right_has_no_resilience() -> None:
    with pytest.raises(InputError, match=r"untouched photos is 1\.200; expected below 1"):
        resilience(np.array([[1.0]]), np.array([1.2]))


def test_a_draw_with_nothing_right_leaves_the_interval_and_the_value_stays() -> None:
    rooms = Rooms(4)
    model = ByName(rooms, factor=1.1, worse=1.5)
    good = model.infer

    def infer(image: Image, *, size: object = None) -> Depth:
        # Room 0 is 2.5 times too far, clean or not; a draw of it alone errs by 1.25.
        found = good(image, size=size)
        return found if image.name != "0" else depth(rooms.truth(0) * 2.5)

    model.infer = infer  # type: ignore[method-assign]

    rr = measure_robustness(model, rooms, METRIC, Plan.of(["dark"], [1]))["mrr"]

    clean, worse = (1.25 + 3 * 0.05) / 4, (1.25 + 3 * 0.75) / 4
    assert rr["value"] == pytest.approx((1 - worse) / (1 - clean), abs=1e-6)
    assert rr["low"] < rr["value"] < rr["high"] < 0.5


def test_a_protocol_of_pairs_is_refused() -> None:
    rooms = Rooms(1)

    with pytest.raises(UsageError, match="corruptions need abs_rel and delta1"):
        measure_robustness(ByName(rooms), rooms, load_protocol("da2k-v1"), Plan.of())
