"""Completion is scored on points that depend on nothing but seed, image and pattern."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from evaluation_scenes import Model, Rooms, depth
from featherdepth.completion import learned
from featherdepth.data.probe import open_data
from featherdepth.errors import InputError, UsageError
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.evaluation.baselines import Constant
from featherdepth.evaluation.completion import Completer
from featherdepth.metrics.protocols import load_protocol
from featherdepth.metrics.scores import PredictionError
from featherdepth.types import DepthKind, Provenance

RULES = load_protocol("nyu-dc-480x640-v1")


def affine(rooms):
    return Model(
        lambda i: depth(0.3 * rooms.truth(i) - 2, DepthKind.AFFINE_INVARIANT),
        DepthKind.AFFINE_INVARIANT,
    )


def scored(rooms, *, pattern="uniform-40", method="auto", seed=0):
    finish = Completer(rules=RULES, pattern=pattern, method=method, seed=seed)
    return evaluate(affine(rooms), rooms, RULES, name="m", finish=finish)


def test_a_first_stage_that_is_right_up_to_scale_and_shift_is_scored_as_metric_and_right():
    result = scored(Rooms(3), method="global")

    assert result["data"]["count"] == 3
    assert result["metrics"]["rmse"]["value"] < 0.02
    assert result["protocol"]["alignment"] == "none"


def test_nothing_is_fitted_to_the_truth_after_completion():
    # One point cannot tell the shift: the error stays in the score.
    assert scored(Rooms(3), pattern="uniform-1", method="global")["metrics"]["rmse"]["value"] > 0.1


def test_points_are_the_same_for_every_method_and_differ_by_seed():
    rooms = Rooms(2)
    sample = rooms[0]
    prior = affine(rooms).infer(sample.image)

    def nearest(method, seed):
        rules = Completer(rules=RULES, pattern="uniform-5", method=method, seed=seed)
        return rules(sample, prior, rooms.usable(0))[0].values

    np.testing.assert_array_equal(nearest("nearest", 0), nearest("nearest", 0))
    assert (nearest("nearest", 0) != nearest("nearest", 1)).any()


def test_points_outside_of_the_crop_are_never_drawn():
    rooms = Rooms(1)
    sample = rooms[0]
    prior = affine(rooms).infer(sample.image)
    rules = Completer(rules=RULES, pattern="all", method="nearest")

    completed, _ = rules(sample, prior, (4, 4, 6, 8))

    inside = np.unique(sample.depth.values[4:10, 4:12])
    assert np.isclose(completed.values[0, 0], inside, rtol=1e-5).any()


@pytest.fixture
def large_photos(tmp_path: Path) -> Path:
    """Photos of NYUv2 of twice the size of their truth: a wall 2 m away in a frame at 8 m."""
    lines = ["id,split,rgb,depth,depth_scale,depth_offset,width,height"]
    wall = np.full((96, 128), 8000, dtype=np.uint16)
    wall[8:95, 7:121] = 2000
    for i in range(2):
        random = np.random.default_rng(i)
        photo = random.integers(0, 255, (192, 256, 3), dtype=np.uint8)
        PIL.Image.fromarray(photo).save(tmp_path / f"{i}.jpg")
        PIL.Image.fromarray(wall).save(tmp_path / f"{i}.png")
        lines.append(f"nyu_{i},val,{i}.jpg,{i}.png,0.001,0,256,192")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.parametrize("method", ["nearest", "learned"])
def test_photos_of_another_size_than_their_truth_are_scored_in_the_usable_area_of_both(
    large_photos: Path, method: str
) -> None:
    finish = Completer(rules=RULES, pattern="uniform-200", method=method)

    result = evaluate(Constant(), open_data(large_photos, None), RULES, name="m", finish=finish)

    assert result["skipped"] == []
    assert result["data"]["count"] == 2
    assert result["data"]["valid_fraction"] == 1
    assert result["metrics"]["rmse"]["value"] < (1e-5 if method == "nearest" else 0.05)


def test_a_system_sees_a_photo_of_the_size_of_its_points(large_photos: Path) -> None:
    reader, system = open_data(large_photos, None), Filler()
    finish = Completer(rules=RULES, pattern="all", method="filler", system=system)

    result = evaluate(Constant(), reader, RULES, name="filler", finish=finish)

    assert result["metrics"]["rmse"]["value"] < 1e-5
    assert system.shown == [((85, 112, 3), (85, 112), None)] * 2


def test_a_first_stage_with_holes_is_not_resized() -> None:
    sample = Rooms(1)[0]
    valid = np.ones((6, 8), dtype=np.bool_)
    valid[0, 0] = False
    prior = replace(depth(np.ones((6, 8))), valid=valid)

    with pytest.raises(PredictionError, match="empty pixels cannot be brought to another size"):
        Completer(rules=RULES, pattern="all", method="nearest")(sample, prior, (0, 0, 12, 16))


def test_a_protocol_that_fits_the_result_is_refused():
    with pytest.raises(UsageError, match="completion is scored as it is"):
        Completer(rules=load_protocol("aligned"), pattern="uniform-5", method="auto")


class Filler:
    """A system that fills its picture with the mean of its points, and notes what it was shown."""

    def __init__(self):
        self.shown = []

    def complete(self, pixels, sparse, intrinsics=None):
        self.shown.append((pixels.shape, sparse.shape, intrinsics))
        return np.full(sparse.shape, sparse[sparse > 0].mean(), dtype=np.float32)


def test_a_published_system_sees_the_crop_alone_and_needs_no_first_stage():
    rooms, system = Rooms(1), Filler()
    sample = rooms[0]
    finish = Completer(rules=RULES, pattern="all", method="filler", system=system)

    completed, _ = finish(sample, affine(rooms).infer(sample.image), (4, 4, 6, 8))

    assert system.shown == [((6, 8, 3), (6, 8), None)]
    assert completed.kind is DepthKind.METRIC
    assert completed.valid.sum() == 6 * 8
    inside = sample.depth.values[4:10, 4:12]
    np.testing.assert_allclose(completed.values[4:10, 4:12], inside.mean(), rtol=1e-6)


def test_a_record_names_the_system_or_the_method_and_the_weights_of_either() -> None:
    made = Provenance(model="nlspn", sha256="ab", backend="torch", precision="fp32")
    system = Completer(
        rules=RULES, pattern="all", method="learned", system=Filler(), made=made, held_out=True
    )

    result = evaluate(
        Constant(), Rooms(1), RULES, name="nlspn", finish=replace(system, held_out=False)
    )

    assert system.describe() == {
        "pattern": "all",
        "seed": 0,
        "held_out": True,
        "method": None,
        "system": "nlspn",
        "network": "ab",
    }
    assert result["environment"]["sha256"] == "ab"
    assert result["environment"]["backend"] == "torch"
    network = Completer(rules=RULES, pattern="all", method="learned").describe()
    assert (network["method"], network["system"]) == ("learned", None)
    assert len(network["network"]) == 64
    assert Completer(rules=RULES, pattern="all", method="kriging").describe()["network"] == ""


def test_the_network_of_a_method_gets_the_threads(
    large_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def opened(folder, threads):
        asked.append(threads)
        return open_network(folder, threads)

    open_network = learned.open_network
    monkeypatch.setattr(learned, "open_network", opened)
    finish = Completer(rules=RULES, pattern="uniform-40", method="learned", threads=1)

    evaluate(Constant(), open_data(large_photos, None), RULES, name="m", finish=finish)

    assert set(asked) == {1}


def test_a_system_that_gives_nan_is_a_faulty_prediction():
    class Broken(Filler):
        def complete(self, pixels, sparse, intrinsics=None):
            return super().complete(pixels, sparse) * np.float32(np.nan)

    rooms = Rooms(2)
    finish = Completer(rules=RULES, pattern="all", method="broken", system=Broken())

    with pytest.raises(InputError, match="NaN or infinity"):
        evaluate(affine(rooms), rooms, RULES, name="m", finish=finish)


class Measured(Rooms):
    """Rooms whose sensor sees every fifth pixel, at half of its depth."""

    def _read(self, index):
        sample = super()._read(index)
        valid = np.zeros(sample.depth.size, dtype=np.bool_)
        valid.ravel()[::5] = True
        values = np.where(valid, sample.depth.values / 2, 0).astype(np.float32)
        sparse = replace(sample.depth, values=values, valid=valid)
        return replace(sample, sparse=sparse)


def test_measured_points_are_those_of_the_data_set_inside_the_crop():
    rooms, system = Measured(1), Filler()
    sample = rooms[0]
    finish = Completer(rules=RULES, pattern="measured", method="filler", system=system)

    completed, _ = finish(sample, affine(rooms).infer(sample.image), (0, 0, 6, 8))

    there = sample.sparse.valid[:6, :8]
    mean = sample.sparse.values[:6, :8][there].mean()
    np.testing.assert_allclose(completed.values[0, 0], mean, rtol=1e-6)


def test_a_data_set_without_measured_points_is_named():
    rooms = Rooms(1)
    finish = Completer(rules=RULES, pattern="measured", method="nearest")

    with pytest.raises(InputError, match="brings no measured points"):
        evaluate(affine(rooms), rooms, RULES, name="m", finish=finish)


def held_out(rooms, pattern):
    sample = rooms[0]
    prior = affine(rooms).infer(sample.image)
    rules = Completer(rules=RULES, pattern=pattern, method="nearest", held_out=True)
    return rules(sample, prior, rooms.usable(0))[1].depth


def test_held_out_scores_only_where_no_point_was_given():
    rooms = Rooms(1)

    left = held_out(rooms, "uniform-40")

    assert rooms[0].depth.valid.sum() - left.valid.sum() == 40
    assert not left.values[~left.valid].any()


def test_where_every_pixel_is_given_nothing_is_held_out():
    with pytest.raises(InputError, match="leaves no point to score"):
        held_out(Rooms(1), "all")
