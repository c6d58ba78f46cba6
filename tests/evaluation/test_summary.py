"""Figures out of rows: means over images or over pixels, with doubts about the data."""

import numpy as np
import pytest

from evaluation_scenes import SIZE, Model, Ordered, Rooms, depth, noisy_model
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.metrics.protocols import load_protocol
from featherdepth.types import Depth, DepthKind


def test_pooled_pixels_and_means_over_images_are_two_numbers_by_hand() -> None:
    rooms = Rooms(2)

    def answer(index: int) -> Depth:
        return depth(rooms.truth(index) + (1 if index == 0 else 3))

    images = evaluate(Model(answer), rooms, load_protocol("metric"), name="m")
    pooled = evaluate(Model(answer), rooms, load_protocol("nyu-leres-v1+none"), name="m")

    # Errors of 1 m and 3 m: the mean of roots is 2, the root of the mean is sqrt 5.
    assert images["metrics"]["rmse"]["value"] == pytest.approx(2)
    assert pooled["metrics"]["rmse"]["value"] == pytest.approx(np.sqrt(5))
    assert [row["pixels"] for row in pooled["images"]] == [192, 192]
    assert "pixels" not in images["images"][0]


def test_a_pooled_image_weighs_as_many_times_as_it_has_pixels() -> None:
    rooms = Rooms(2)
    plain = rooms._read

    def holed(index: int) -> object:
        sample = plain(index)
        if index == 1:  # 10 pixels are left
            assert sample.depth is not None
            sample.depth.valid.flat[10:] = False
            sample.depth.values.flat[10:] = 0
        return sample

    rooms._read = holed  # type: ignore[method-assign, assignment]
    model = Model(lambda i: depth(rooms.truth(i) + (1 if i == 0 else 3)))

    result = evaluate(model, rooms, load_protocol("leres+none"), name="m")

    expected = np.sqrt((192 * 1 + 10 * 9) / 202)
    assert result["metrics"]["rmse"]["value"] == pytest.approx(expected)


def test_random_pairs_are_as_many_for_each_image_whatever_its_pixels() -> None:
    rooms = Rooms(2)
    model = Model(lambda i: depth(rooms.truth(i) if i else 12 - rooms.truth(i)))
    plain = rooms._read

    def holed(index: int) -> object:
        sample = plain(index)
        if index == 1:
            assert sample.depth is not None
            sample.depth.valid.flat[100:] = False
            sample.depth.values.flat[100:] = 0
        return sample

    rooms._read = holed  # type: ignore[method-assign, assignment]

    result = evaluate(model, rooms, load_protocol("leres+none"), name="m")

    wrong, right = (row["whdr"] for row in result["images"])
    assert wrong > 0.9
    assert right == 0
    assert result["metrics"]["whdr"]["value"] == pytest.approx(wrong / 2)


def test_a_pooled_interval_contains_its_value_and_has_no_width_for_one_image() -> None:
    rooms = Rooms(6)
    model = Model(lambda i: depth(rooms.truth(i) * (1 + 0.1 * i)))

    many = evaluate(model, rooms, load_protocol("leres+none"), name="m")["metrics"]
    one = evaluate(model, Rooms(1), load_protocol("leres+none"), name="m")["metrics"]

    assert all(row["low"] <= row["value"] <= row["high"] for row in many.values())
    assert many["rmse"]["low"] < many["rmse"]["high"]
    assert one["rmse"]["low"] == one["rmse"]["high"]


def test_pairs_of_points_are_pooled_over_all_photos() -> None:
    rooms = Ordered(3)  # 2, 3 and 4 pairs
    model = Model(
        lambda i: depth(rooms.truth(i) * (-1 if i == 0 else 1), DepthKind.AFFINE_INVARIANT)
    )

    result = evaluate(model, rooms, load_protocol("da2k-v1"), name="m")

    assert result["metrics"]["pair_accuracy"]["value"] == pytest.approx(7 / 9)
    assert [row["pair_accuracy"] for row in result["images"]] == [0, 1, 1]


def test_data_that_does_not_look_like_the_protocols_is_noted() -> None:
    rooms = Rooms(3)
    model = noisy_model(rooms)

    raw = evaluate(model, rooms, load_protocol("nyu-eigen-raw-v1"), name="m")["notes"]
    kitti = evaluate(model, rooms, load_protocol("kitti-eigen697-velo-v1"), name="m")["notes"]
    plain = evaluate(model, rooms, load_protocol("aligned"), name="m")["notes"]

    # Filled truth under a name that says raw; 3 images under names that say 654 and 697.
    assert raw == [
        "3 images scored; nyu-eigen-raw-v1+none is of 654",
        "1.000 of the pixels have truth; nyu-eigen-raw-v1+none is of 0.5 to 0.97 (NYUv2 test half,"
        " 654 images, depth as the sensor measured it)",
    ]
    assert kitti[0] == "NYUv2 rooms is not called kitti, which kitti-eigen697-velo-v1+none is for"
    assert kitti[1].startswith("3 images scored")
    assert "is of 0.01 to 0.08" in kitti[2]
    assert plain == []


def test_the_protocol_is_stored_whole_with_the_alignment_of_the_kind() -> None:
    rooms = Rooms(2)
    model = Model(lambda i: depth(3 / rooms.truth(i), DepthKind.AFFINE_INVARIANT_DISPARITY))

    protocol = evaluate(model, rooms, load_protocol("nyu-eigen-raw-v1"), name="m")["protocol"]

    assert protocol == load_protocol("nyu-eigen-raw-v1+affine-disp").as_dict()
    assert protocol["space"] == "disparity"


def test_one_corrupt_prediction_moves_no_mean_and_is_counted() -> None:
    rooms = Rooms(4)
    good = noisy_model(rooms)

    def answer(index: int) -> Depth:
        if index == 2:
            return depth(np.full(SIZE, np.nan))
        return good.answer(index)

    result = evaluate(Model(answer), rooms, load_protocol("aligned"), name="m")
    whole = evaluate(good, rooms, load_protocol("aligned"), name="m")

    kept = [row["abs_rel"] for i, row in enumerate(whole["images"]) if i != 2]
    assert result["faulty_predictions"] == [rooms.keys[2]]
    assert result["data"]["count"] == 3
    assert result["metrics"]["abs_rel"]["value"] == pytest.approx(np.mean(kept))


def test_a_broken_photo_is_no_corrupt_prediction() -> None:
    rooms = Rooms(3)
    rooms.broken = {1}

    result = evaluate(noisy_model(rooms), rooms, load_protocol("aligned"), name="m")

    assert result["faulty_predictions"] == []
    assert len(result["skipped"]) == 1


@pytest.mark.parametrize(("count", "notes"), [(1, 1), (2, 0)])
def test_the_interval_of_one_image_comes_with_a_note(count: int, notes: int) -> None:
    rooms = Rooms(count)

    result = evaluate(noisy_model(rooms), rooms, load_protocol("metric"), name="m")

    said = [note for note in result["notes"] if "one image scored: its interval" in note]
    assert len(said) == notes
