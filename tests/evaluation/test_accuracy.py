"""evaluate(): the document, what is skipped, and which images enter a mean."""

import json
import threading
from collections.abc import Callable

import numpy as np
import pytest

from evaluation_scenes import SIZE, depth
from featherdepth.data.reader import Reader
from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.evaluation.baselines import Constant
from featherdepth.evaluation.tables import accuracy_table
from featherdepth.geometry.parts import Box
from featherdepth.metrics.protocols import load_protocol
from featherdepth.types import Depth, DepthKind, Image, Sample

AFFINE, METRIC = DepthKind.AFFINE_INVARIANT, DepthKind.METRIC


class Scenes(Reader):
    """Scene i is a ramp of depths; its photo shows i, so that a fake model knows the answer."""

    name, terms, split = "scenes", "none", "test"

    def __init__(self, count: int, truth_size: tuple[int, int] = SIZE) -> None:
        super().__init__()
        self.keys = [f"s/{i}" for i in range(count)]
        self.broken: set[int] = set()
        self.kinds: dict[int, DepthKind] = {}
        self.box: Box | None = None
        self.truth_size = truth_size

    def truth(self, index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
        ramp = np.linspace(1, 4 + index, size[0])[:, None]
        return ramp * np.ones(size)

    def usable(self, index: int) -> Box:
        return self.box or super().usable(index)

    def _read(self, index: int) -> Sample:
        if index in self.broken:
            raise InputError(f"{index}.jpg: damaged")
        return Sample(
            key=self.keys[index],
            image=Image(pixels=np.full((*SIZE, 3), index, dtype=np.uint8), name=str(index)),
            depth=depth(self.truth(index, self.truth_size), self.kinds.get(index, METRIC)),
        )

    def _size(self, index: int) -> tuple[int, int]:
        return SIZE


class Fake:
    """A model that computes its answer from the number of the scene."""

    def __init__(self, answer: Callable[[int], Depth]) -> None:
        self.answer = answer
        self.sizes: list[object] = []

    def infer(self, image: Image, *, size: object = None) -> Depth:
        self.sizes.append(size)
        return self.answer(int(image.pixels[0, 0, 0]))


@pytest.fixture
def scenes() -> Scenes:
    return Scenes(4)


@pytest.fixture
def oracle(scenes: Scenes) -> Fake:
    return Fake(lambda i: depth(2 * scenes.truth(i) - 7, AFFINE))


def test_the_document_has_the_agreed_shape_and_is_json(scenes: Scenes, oracle: Fake) -> None:
    result = evaluate(oracle, scenes, load_protocol("aligned"), name="oracle")

    assert json.loads(json.dumps(result)) == result
    assert {"model", "protocol", "data", "metrics", "images", "skipped"} < set(result)
    assert {"negative_scale", "environment"} < set(result)
    assert result["model"] == "oracle"
    assert result["data"] == {
        "name": "scenes",
        "split": "test",
        "count": 4,
        "valid_fraction": 1.0,
    }
    assert set(result["metrics"]["abs_rel"]) == {"value", "low", "high"}
    assert [row["key"] for row in result["images"]] == scenes.keys
    assert result["metrics"]["abs_rel"]["value"] == pytest.approx(0, abs=1e-6)
    assert result["metrics"]["delta1"]["value"] == 1
    assert result["protocol"]["name"] == "aligned"


def test_a_mean_is_over_images_and_lies_in_its_interval(scenes: Scenes) -> None:
    model = Fake(lambda i: depth(scenes.truth(i) * (1 + 0.1 * i)))

    result = evaluate(model, scenes, load_protocol("metric"), name="m")

    row = result["metrics"]["abs_rel"]
    assert [r["abs_rel"] for r in result["images"]] == pytest.approx([0, 0.1, 0.2, 0.3], abs=1e-6)
    assert row["value"] == pytest.approx(0.15)
    assert 0 <= row["low"] < row["value"] < row["high"] <= 0.3


@pytest.mark.parametrize("protocol", ["aligned", "leres"])
def test_every_image_is_fitted_by_itself(scenes: Scenes, protocol: str) -> None:
    model = Fake(lambda i: depth((i + 1) * scenes.truth(i) - 3 * i, AFFINE))

    result = evaluate(model, scenes, load_protocol(protocol), name="m")

    assert result["metrics"]["abs_rel"]["value"] == pytest.approx(0, abs=1e-6)


def test_a_broken_photo_is_listed_and_enters_no_mean(scenes: Scenes, oracle: Fake) -> None:
    scenes.broken = {1}

    result = evaluate(oracle, scenes, load_protocol("aligned"), name="m")

    assert result["data"]["count"] == 3
    assert result["skipped"] == [{"key": "s/1", "reason": "1.jpg: damaged"}]


@pytest.mark.parametrize(
    "fault",
    [
        lambda: depth(np.full(SIZE, np.nan)),
        lambda: depth(np.full(SIZE, np.inf)),
        lambda: depth(np.ones((3, 3))),
        lambda: (_ for _ in ()).throw(RunError("2: gave NaN")),
    ],
    ids=["nan", "inf", "size", "raises"],
)
def test_a_faulty_prediction_is_listed_and_enters_no_mean(
    scenes: Scenes, oracle: Fake, fault: Callable[[], Depth]
) -> None:
    good = oracle.answer
    oracle.answer = lambda i: fault() if i == 2 else good(i)

    result = evaluate(
        oracle, scenes, load_protocol("aligned"), name="m", baselines={"constant": Constant()}
    )

    assert [fault["key"] for fault in result["skipped"]] == ["s/2"]
    assert result["data"]["count"] == 3
    assert np.isfinite([row["value"] for row in result["metrics"].values()]).all()
    same = evaluate(Constant(), scenes, load_protocol("aligned"), name="c")["images"]
    expected = np.mean([row["abs_rel"] for row in same if row["key"] != "s/2"])
    assert result["baselines"]["constant"]["abs_rel"]["value"] == pytest.approx(expected)


def test_truth_of_another_kind_is_listed(scenes: Scenes, oracle: Fake) -> None:
    scenes.kinds = {3: DepthKind.AFFINE_INVARIANT_DISPARITY}

    result = evaluate(oracle, scenes, load_protocol("aligned"), name="m")

    assert result["skipped"][0]["key"] == "s/3"
    assert "needs metric truth" in result["skipped"][0]["reason"]


def test_upside_down_predictions_are_counted(scenes: Scenes) -> None:
    model = Fake(lambda i: depth(scenes.truth(i) * (-1 if i == 1 else 1), AFFINE))

    result = evaluate(model, scenes, load_protocol("aligned"), name="m")

    assert result["negative_scale"] == 1
    assert [row["negative_scale"] for row in result["images"]] == [False, True, False, False]


def test_the_usable_area_of_the_reader_is_the_crop(scenes: Scenes) -> None:
    scenes.box = (0, 0, 6, 16)

    def answer(index: int) -> Depth:
        values = scenes.truth(index)
        values[6:] *= 3
        return depth(values)

    cropped = evaluate(Fake(answer), scenes, load_protocol("metric"), name="m")
    whole = evaluate(Fake(answer), scenes, load_protocol("poster"), name="m")

    assert cropped["metrics"]["abs_rel"]["value"] == pytest.approx(0, abs=1e-6)
    assert whole["metrics"]["abs_rel"]["value"] > 0.05


def test_a_prediction_is_brought_to_the_size_of_the_truth() -> None:
    scenes = Scenes(2, truth_size=(24, 32))
    scenes.box = (0, 0, 6, 16)
    model = Fake(lambda i: depth(scenes.truth(i)))

    result = evaluate(model, scenes, load_protocol("metric"), name="m")

    assert result["metrics"]["abs_rel"]["value"] < 0.03  # ends of the ramp, half a pixel
    assert result["images"][0]["valid_fraction"] == 1


def test_a_protocol_that_cannot_score_the_model_is_refused_before_reading(
    scenes: Scenes,
) -> None:
    reads = []
    scenes._read = reads.append  # type: ignore[method-assign, assignment]

    with pytest.raises(UsageError, match="needs metric depth but the prediction is scale_inv"):
        evaluate(Constant(), scenes, load_protocol("metric"), name="c")
    assert not reads


def test_baselines_that_do_not_fit_the_protocol_are_left_out(scenes: Scenes) -> None:
    model = Fake(lambda i: depth(scenes.truth(i)))

    result = evaluate(
        model, scenes, load_protocol("metric"), name="m", baselines={"constant": Constant()}
    )

    assert result["baselines"] == {}


def test_nothing_scored_is_an_error_with_the_first_reason(scenes: Scenes) -> None:
    with pytest.raises(InputError, match=r"no image could be scored; s/0: the model gave \(3, 3\)"):
        evaluate(Fake(lambda i: depth(np.ones((3, 3)))), scenes, load_protocol("aligned"), name="m")


def test_size_seed_and_progress_are_passed_on(scenes: Scenes, oracle: Fake) -> None:
    seen: list[tuple[int, int]] = []

    result = evaluate(
        oracle,
        scenes,
        load_protocol("aligned"),
        name="m",
        size=(128, 192),
        seed=5,
        progress=lambda done, total: seen.append((done, total)),
    )

    assert oracle.sizes == [(128, 192)] * 4
    assert result["environment"]["size"] == [128, 192]
    assert result["environment"]["bootstrap"]["seed"] == 5
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_two_runs_give_the_same_document(scenes: Scenes, oracle: Fake) -> None:
    first, second = (evaluate(oracle, scenes, load_protocol("aligned"), name="m") for _ in range(2))

    assert first == second


def test_the_seed_decides_the_interval_and_nothing_else() -> None:
    scenes = Scenes(20)
    model = Fake(lambda i: depth(scenes.truth(i) * (1 + 0.1 * i**2)))

    first, other = (
        evaluate(model, scenes, load_protocol("metric"), name="m", seed=seed) for seed in (0, 7)
    )

    assert first["images"] == other["images"]
    assert first["metrics"]["rmse"]["value"] == other["metrics"]["rmse"]["value"]
    assert first["metrics"] != other["metrics"]


def test_the_next_photo_is_read_while_the_network_runs(scenes: Scenes) -> None:
    reading = threading.Event()
    read = scenes._read

    def noticed(index: int) -> Sample:
        if index == 1:
            reading.set()
        return read(index)

    scenes._read = noticed  # type: ignore[method-assign]

    def answer(index: int) -> Depth:
        assert reading.wait(5)
        return depth(scenes.truth(index))

    assert evaluate(Fake(answer), scenes, load_protocol("metric"), name="m")["data"]["count"] == 4


def test_the_table_shows_percent_intervals_baselines_and_faults(
    scenes: Scenes, oracle: Fake
) -> None:
    scenes.broken = {1}
    result = evaluate(
        oracle, scenes, load_protocol("aligned"), name="mine", baselines={"constant": Constant()}
    )

    lines = accuracy_table(result).splitlines()

    assert lines[0].startswith("mine on scenes test: 3 images, protocol aligned (scale and shift")
    assert lines[2].split() == ["mine", "95", "%", "interval", "constant"]
    assert next(line for line in lines if "delta1" in line).split()[:3] == [
        "delta1",
        "%",
        "100.00",
    ]
    assert lines[-1] == "skipped: 1; s/1: 1.jpg: damaged"
