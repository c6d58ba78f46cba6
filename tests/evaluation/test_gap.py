"""The share of the gap between student and teacher that another model closes."""

from typing import Any

import numpy as np
import pytest

from featherdepth.evaluation.gap import gap_closed


def document(*values: float, first: int = 0) -> dict[str, Any]:
    return {"images": [{"key": str(first + i), "abs_rel": v} for i, v in enumerate(values)]}


def test_the_share_is_that_of_the_means_done_by_hand() -> None:
    # Means: student 0.3, teacher 0.1, row 0.15: three quarters of the way.
    found = gap_closed(document(0.1, 0.2), document(0.2, 0.4), document(0.1, 0.1))

    assert found is not None
    assert found["value"] == pytest.approx(0.75)
    assert found["count"] == 2


def test_the_student_closes_nothing_and_the_teacher_all_in_every_draw() -> None:
    student, teacher = document(0.2, 0.4, 0.3), document(0.1, 0.1, 0.25)

    nothing, everything = (gap_closed(row, student, teacher) for row in (student, teacher))

    assert nothing == {"value": 0, "low": 0, "high": 0, "count": 3}
    assert everything is not None
    for end in ("value", "low", "high"):
        assert everything[end] == pytest.approx(1)


def test_the_interval_is_that_of_paired_draws() -> None:
    random = np.random.default_rng(3)
    student = random.uniform(0.2, 0.4, 40)
    teacher, row = student - 0.1, student - 0.08 + random.normal(0, 0.01, 40)

    found = gap_closed(document(*row), document(*student), document(*teacher))

    # Image by image the gap is 0.1: all that moves is the noise of the row, 0.01 / sqrt(40) / 0.1.
    assert found is not None
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * 0.01 / 40**0.5 / 0.1, rel=0.3)
    assert found["low"] < found["value"] < found["high"]


def test_only_images_that_all_three_scored_count() -> None:
    found = gap_closed(
        document(0.1, 0.9, first=1), document(9.0, 0.3, 0.7), document(0.0, 0.1, first=1)
    )

    assert found is not None
    assert found["count"] == 2
    assert found["value"] == pytest.approx((0.5 - 0.5) / (0.5 - 0.05))


def test_there_is_no_gap_where_the_teacher_is_not_better() -> None:
    same = document(0.2, 0.3)

    assert gap_closed(same, same, same) is None
    assert gap_closed(same, document(0.1), document(0.2)) is None


def test_there_is_no_gap_without_a_common_image() -> None:
    assert gap_closed(document(0.1), document(0.2, first=5), document(0.1)) is None
