"""The guards of an export, by hand: a file that sees something else is not written."""

from collections.abc import Callable

import numpy as np
import pytest

from featherdepth.errors import InputError, RunError
from featherdepth.export.verify import Agreement, agreement, as_truth, check, drop_of
from featherdepth.types import DepthKind

AFFINE, METRIC = DepthKind.AFFINE_INVARIANT, DepthKind.METRIC
RAMP = np.linspace(2, 6, 101, dtype=np.float32).reshape(1, 1, 1, 101)  # a range of 4
PICTURE = np.zeros((1, 3, 1, 101), dtype=np.float32)


def gives(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda _: values.astype(np.float32)


def compared(values: np.ndarray, kind: DepthKind = AFFINE) -> Agreement:
    return agreement(gives(RAMP), gives(values), [PICTURE], kind)


def test_the_difference_is_a_share_of_the_range() -> None:
    one_off = RAMP.copy()
    one_off[..., 50] += 0.4

    found = compared(one_off)

    assert found.largest == pytest.approx(0.1, rel=1e-5)
    assert found.mean == pytest.approx(0.1 / 101, rel=1e-5)
    assert found.pictures == 1


def test_scale_and_shift_are_no_error_but_a_difference() -> None:
    found = compared(3 * RAMP + 7)

    assert found.abs_rel == pytest.approx(0, abs=1e-6) and found.delta1 == 1
    assert found.largest > 1


def test_the_error_is_that_of_depth_between_1_and_10() -> None:
    truth, scored = as_truth(RAMP[0, 0], AFFINE)
    # Of 101 steps from 2 to 6 the quantiles are the third and the third from the end.
    assert truth[0, 2] == pytest.approx(1) and truth[0, 98] == pytest.approx(10)
    assert scored.sum() == 97 and not scored[0, :2].any()
    wrong = RAMP.copy()
    wrong[..., 2:99] = RAMP[..., 2:99][..., ::-1]  # upside down

    found = compared(wrong)

    assert found.abs_rel == pytest.approx(0, abs=1e-6)  # a negative scale mends it
    bent = compared(RAMP**2)
    line = np.polyfit(RAMP.ravel()[2:99] ** 2, truth[0, 2:99], 1)
    expected = np.abs(np.polyval(line, RAMP.ravel()[2:99] ** 2) / truth[0, 2:99] - 1).mean()
    assert bent.abs_rel == pytest.approx(expected, rel=1e-4) and bent.abs_rel > 0.05


def test_meters_are_truth_as_they_are() -> None:
    truth, scored = as_truth(np.array([[0.0, 2.0, 4.0]], dtype=np.float32), METRIC)

    assert truth.tolist() == [[0, 2, 4]] and scored.tolist() == [[False, True, True]]


@pytest.mark.parametrize("fault", [np.nan, np.inf])
def test_what_is_not_finite_is_infinitely_far(fault: float) -> None:
    broken = RAMP.copy()
    broken[..., 0] = fault

    found = compared(broken)

    assert found.largest == np.inf and found.abs_rel == np.inf and found.delta1 == 0


def test_another_size_or_a_constant_is_infinitely_far() -> None:
    assert compared(RAMP[..., :50]).largest == np.inf
    assert compared(np.ones_like(RAMP)).abs_rel == np.inf


def test_each_channel_has_its_own_range() -> None:
    both = np.concatenate([1000 * RAMP, RAMP], axis=1)
    off = both.copy()
    off[0, 1, 0, 0] += 4

    found = agreement(gives(both), gives(off), [np.zeros((1, 5, 1, 101), np.float32)], METRIC)

    assert found.largest == pytest.approx(1, rel=1e-5)


def test_the_worst_picture_counts_and_errors_are_means() -> None:
    maps = iter([RAMP, RAMP + 0.4])

    found = agreement(gives(RAMP), lambda _: next(maps), [PICTURE, PICTURE], METRIC)

    assert found.largest == pytest.approx(0.1, rel=1e-5)
    assert found.mean == pytest.approx(0.05, rel=1e-5)
    assert found.abs_rel == pytest.approx(0, abs=1e-6)


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to verify with"):
        agreement(gives(RAMP), gives(RAMP), [], AFFINE)


def near(**changes: float) -> Agreement:
    values = {"largest": 5e-4, "mean": 1e-4, "abs_rel": 4e-3, "delta1": 1.0} | changes
    return Agreement(pictures=1, **values)


def test_the_drop_is_relative() -> None:
    assert drop_of({"abs_rel": 0.2}, {"abs_rel": 0.201}) == pytest.approx(0.005)
    assert drop_of({"abs_rel": 0.2}, {"abs_rel": 0.19}) < 0


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16", "int8"])
def test_what_is_within_the_bound_passes(precision: str) -> None:
    check("a.onnx", precision, near())


@pytest.mark.parametrize(
    ("precision", "found", "drop", "words"),
    [
        ("fp32", near(largest=2e-3), None, "fp32 is 0.002 of the range from its original"),
        ("fp32", near(largest=np.inf), None, "expected at most 0.001; nothing was written"),
        ("fp32", near(largest=np.nan), None, "fp32 is nan"),
        ("bf16", near(abs_rel=0.016), None, "bf16 is 0.016 abs_rel to its original"),
        ("fp16", near(abs_rel=0.016), None, "expected at most 0.015;"),
        ("int8", near(abs_rel=0.022), None, "at most 0.0212; nothing was written; allow more with"),
        ("int8", near(), 0.02, "int8 is 0.02 more abs_rel on labeled data"),
    ],
)
def test_above_the_bound_is_code_6(
    precision: str, found: Agreement, drop: float | None, words: str
) -> None:
    with pytest.raises(RunError, match=words) as caught:
        check("a.onnx", precision, found, drop=drop)
    assert caught.value.exit_code == 6 and "\n" not in str(caught.value)


def test_labeled_data_decides_where_there_is_some() -> None:
    check("a.onnx", "int8", near(abs_rel=0.05), drop=0.009)


def test_max_drop_takes_the_place_of_the_bound() -> None:
    check("a.onnx", "int8", near(abs_rel=0.05), max_drop=0.06)  # 0.15 * sqrt(0.12) = 0.052
    check("a.onnx", "int8", near(), drop=0.05, max_drop=0.06)
    with pytest.raises(RunError, match=r"at most 0.00212;"):
        check("a.onnx", "int8", near(), max_drop=0.0001)  # 0.15 * sqrt(0.0002)
