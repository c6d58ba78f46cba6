"""Agreement is 0 for the teacher's shape, 1 for nothing in common, and tells when values drift."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from featherdepth.distill.agreement import (
    Agreement,
    HeldOut,
    drift_alarm,
    interval,
    score,
)
from featherdepth.errors import RunError
from featherdepth.types import DepthKind

METRIC, SCALE = DepthKind.METRIC, DepthKind.SCALE_INVARIANT
AFFINE = (DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY)
TRUTH = np.array([[1, 2], [3, 4]], np.float32)  # mean 2.5, deviation sqrt(5/4)
SPREAD = math.sqrt(1.25)


def m(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


# By hand


def test_metric_maps_are_compared_as_they_are() -> None:
    # Off by 0, 0.4 (ratio 1.2), 1 (4/3) and 0: root of (0.16 + 1) / 4.
    rms, delta1 = score(m([1, 2.4], [4, 4]), TRUTH, METRIC)

    assert rms == pytest.approx(math.sqrt(1.16 / 4) / SPREAD, rel=1e-6)
    assert delta1 == 0.75
    assert score(2 * TRUTH, TRUTH, METRIC) == (
        pytest.approx(math.sqrt(30 / 4) / SPREAD),
        0.0,
    )


def test_a_ratio_of_exactly_a_quarter_is_not_close() -> None:
    assert score(m([4, 8]), m([4, 10]), METRIC)[1] == 0.5
    assert score(m([4, 10]), m([4, 8]), METRIC)[1] == 0.5


def test_scale_invariant_maps_are_compared_after_the_best_scale() -> None:
    # <S, T> / <S, S> = (1 + 2 + 3 + 8) / (1 + 1 + 1 + 4) = 2.
    rms, delta1 = score(m([1, 1], [1, 2]), TRUTH, SCALE)

    assert rms == pytest.approx(math.sqrt((1 + 0 + 1 + 0) / 4) / SPREAD)
    assert delta1 == 0.5
    assert score(0.01 * TRUTH, TRUTH, SCALE) == (pytest.approx(0, abs=1e-6), 1.0)
    # A shift is not free here.
    assert score(TRUTH + 3, TRUTH, SCALE)[0] > 0.3


@pytest.mark.parametrize("kind", AFFINE)
def test_affine_maps_are_compared_after_the_best_scale_and_shift(kind: DepthKind) -> None:
    # S - 1.25 = (-1.25, -.25, -.25, 1.75), T - 2.5 = (-1.5, -.5, .5, 1.5): covariance 4.5 / 4,
    # variance 4.75 / 4, scale 18/19.
    rms, delta1 = score(m([0, 1], [1, 3]), TRUTH, kind)

    scale = 18 / 19
    left = scale * np.array([-1.25, -0.25, -0.25, 1.75]) - np.array([-1.5, -0.5, 0.5, 1.5])
    assert rms == pytest.approx(math.sqrt((left**2).mean()) / SPREAD, rel=1e-6)
    # Read as 0.1 at the 2 % quantile (1.06) and 1 at the 98 % quantile (3.94): 0.3125 a unit.
    own, other = (0.1 + (v - 1.06) * 0.9 / 2.88 for v in (left + TRUTH.flatten(), TRUTH.flatten()))
    close = np.maximum(own / other, other / own) < 1.25
    assert delta1 == close.mean() and 0 < delta1 < 1


def test_nothing_in_common_is_one() -> None:
    own, truth = m([1, -1], [1, -1]), m([1, 1], [-1, -1])

    assert score(own, truth, AFFINE[0])[0] == pytest.approx(1)


def test_pixels_nearer_than_the_camera_do_not_count_but_a_student_behind_it_is_wrong() -> None:
    truth = m(*[[i] for i in range(100)])
    # The lowest pixels lie at 0.1 - 2 / 100 * 0.9: still in front of the camera, all 100 count.
    assert score(truth, truth, AFFINE[0]) == (0.0, 1.0)
    spike = truth.copy()
    spike[0] = -1000  # now behind it for the teacher: left out
    assert score(spike, spike, AFFINE[0]) == (0.0, 1.0)
    assert score(m([-1, 2]), m([1, 2]), METRIC)[1] == 0.5


def test_a_few_far_pixels_do_not_stretch_the_range_that_an_affine_map_is_read_in() -> None:
    truth = np.linspace(0, 1, 1000, dtype=np.float32).reshape(20, 50)
    truth[0, 0] = 100
    own = truth + np.float32(0.3) * np.tile(np.array([-1, 1], np.float32), (20, 25))

    # Off by 0.3 of a range of 1; of one that reached to 100 it would be nothing.
    assert score(own, truth, AFFINE[0])[1] < 0.6


# Invariances


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truth = random.normal(size=(16, 16)).astype(np.float32)
    return truth + 0.3 * random.normal(size=(16, 16)).astype(np.float32), truth


@pytest.mark.parametrize("kind", AFFINE)
def test_scale_and_shift_of_either_map_do_not_count_for_affine_kinds(
    kind: DepthKind, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    own, truth = pair
    plain = score(own, truth, kind)

    assert 0.2 < plain[0] < 0.4
    assert score(own * 50 - 7, truth, kind) == pytest.approx(plain, rel=1e-4)
    assert score(own, truth * 0.01 + 3, kind) == pytest.approx(plain, rel=1e-3)


def test_scale_of_either_map_does_not_count_for_scale_invariant_kinds(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    own, truth = (np.exp(values) for values in pair)
    plain = score(own, truth, SCALE)

    assert score(50 * own, truth, SCALE) == pytest.approx(plain, rel=1e-5)
    assert score(own, 0.01 * truth, SCALE) == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("kind", AFFINE)
def test_upside_down_and_constant_students_score_as_the_best_constant(
    kind: DepthKind, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    own, truth = pair
    constant = score(np.full_like(truth, 4), truth, kind)

    assert constant[0] == pytest.approx(1)
    assert score(-own, truth, kind) == pytest.approx(constant)
    # Constant but for what float32 cannot hold.
    nearly = np.full_like(truth, 1e4) + (1e-3 * truth).astype(np.float32)
    assert score(nearly, truth, kind) == pytest.approx(constant, rel=1e-3)


def test_an_upside_down_student_scores_as_nothing_for_scale_invariant_kinds() -> None:
    assert score(-TRUTH, TRUTH, SCALE) == (
        pytest.approx(math.sqrt(7.5) / SPREAD),
        0.0,
    )


@pytest.mark.parametrize("kind", DepthKind)
def test_a_flat_teacher_gives_finite_figures(kind: DepthKind) -> None:
    flat = np.full((4, 4), 2, np.float32)

    assert np.isfinite(score(flat, flat, kind)).all()


# Over photos


class Constant(nn.Module):
    """Gives a map whatever it sees, plus the mean of the photo."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = nn.Parameter(values)

    def forward(self, images: Tensor) -> Tensor:
        return self.values[None, None] + 0 * images.mean()


def held(truth: np.ndarray, key: str = "a", edge: int = 2) -> HeldOut:
    return HeldOut(key=key, rgb=np.zeros((3, edge, edge), np.uint8), map=truth)


def test_figures_are_means_over_photos_and_rows_are_kept() -> None:
    student = Constant(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    photos = [held(TRUTH, "a"), held(2 * TRUTH, "b")]
    agreement = Agreement(photos, METRIC, target=lambda values: values)

    figures = agreement(student)

    second = score(TRUTH, 2 * TRUTH, METRIC)
    assert agreement.keys == ["a", "b"]
    assert agreement.rows.tolist() == [[0.0, 1.0], list(second)]
    assert figures["rms"] == pytest.approx(second[0] / 2)
    assert figures["delta1"] == 0.5
    # Mean 2.5 where 2.5 and 5 are wanted, in spreads of sqrt(1.25) and twice that.
    assert figures["mean"] == pytest.approx(-2.5 / (2 * SPREAD) / 2)
    assert figures["spread"] == pytest.approx((1 + 0.5) / 2)


def test_the_stand_is_told_against_what_the_student_is_taught() -> None:
    student = Constant(torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
    agreement = Agreement([held(100 * TRUTH)], AFFINE[0], target=lambda v: v / 100 - 1)

    figures = agreement(student)

    assert figures["rms"] == pytest.approx(0, abs=1e-6)
    assert figures["mean"] == pytest.approx(0, abs=1e-5)
    assert figures["spread"] == pytest.approx(1)


def test_a_teachers_map_of_another_size_is_brought_to_the_students() -> None:
    large = np.add.outer(np.arange(32.0), 2 * np.arange(32.0)).astype(np.float32)
    small = torch.from_numpy(large.reshape(8, 4, 8, 4).mean((1, 3)))  # what its patches hold
    agreement = Agreement([held(large, edge=8)], METRIC, target=lambda values: values)

    assert agreement(Constant(small))["rms"] < 0.1
    assert agreement(Constant(small.T.contiguous()))["rms"] > 0.3


def test_a_student_that_gives_nan_stops_in_one_line_with_the_photo() -> None:
    agreement = Agreement([held(TRUTH, "x/1.jpg")], METRIC, target=lambda values: values)

    with pytest.raises(RunError, match=r"^held-out photo x/1\.jpg: the student gave NaN; lower"):
        agreement(Constant(torch.full((2, 2), torch.nan)))


def test_the_interval_holds_the_mean_narrows_with_photos_and_is_seeded() -> None:
    random = np.random.default_rng(0)
    few, many = random.normal(0.5, 0.1, (10, 2)), random.normal(0.5, 0.1, (1000, 2))

    wide, narrow = interval(few, 0), interval(many, 0)

    assert set(wide) == {"rms", "delta1"}
    for i, name in enumerate(("rms", "delta1")):
        assert wide[name]["value"] == few[:, i].mean()
        assert wide[name]["low"] < wide[name]["value"] < wide[name]["high"]
        width = narrow[name]["high"] - narrow[name]["low"]
        # 95 %: four standard errors of 0.1 / sqrt(1000).
        assert width == pytest.approx(3.92 * 0.1 / math.sqrt(1000), rel=0.2)
    assert interval(few, 0) == wide != interval(few, 1)


# Drift

NO_DRIFT = {"mean": 0.0, "spread": 1.0}


@pytest.mark.parametrize(
    ("mean", "spread", "alarms"),
    [
        (0.0, 1.0, False),
        (3.0, 3.0, False),
        (-3.0, 1 / 3, False),
        (3.01, 1.0, True),
        (-3.01, 1.0, True),
        (0.0, 3.01, True),
        (0.0, 0.33, True),
        (0.0, 0.0, True),
        (math.inf, 1.0, True),
    ],
)
def test_the_alarm_is_raised_beyond_three_spreads_or_thrice_the_spread(
    mean: float, spread: float, alarms: bool
) -> None:
    alarm = drift_alarm({"mean": mean, "spread": spread, "rms": 0.1}, NO_DRIFT)

    assert (alarm is not None) is alarms


def test_the_alarm_says_what_is_wrong_and_what_helps() -> None:
    alarm = drift_alarm({"mean": -4.0, "spread": 12.5}, NO_DRIFT)

    assert alarm == (
        "drift: the raw output's mean is -4.00 spreads from the teacher's and its spread 12.50"
        " times as large; raise the weight of the loss `anchor`"
    )


def test_a_student_that_comes_nearer_from_far_away_does_not_drift() -> None:
    start = {"mean": -0.2, "spread": 0.12}

    assert drift_alarm(NO_DRIFT | {"mean": 9.0}, start) is not None
    assert drift_alarm(start, NO_DRIFT) is not None
    assert drift_alarm(start, start) is None
    assert drift_alarm({"mean": -0.2, "spread": 0.1199}, start) is None  # rounding
    assert drift_alarm({"mean": 0.1, "spread": 0.2}, start) is None
    assert drift_alarm({"mean": 0.1, "spread": 0.1}, start) is not None
