"""Completion is scored on points that depend on nothing but seed, image and pattern."""

import numpy as np
import pytest
from evaluation_scenes import Model, Rooms, depth

from featherdepth.errors import UsageError
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.evaluation.completion import Completer
from featherdepth.metrics.protocols import load_protocol
from featherdepth.types import DepthKind

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


def test_a_protocol_that_fits_the_result_is_refused():
    with pytest.raises(UsageError, match="completion is scored as it is"):
        Completer(rules=load_protocol("aligned"), pattern="uniform-5", method="auto")
