"""Numbers as people read them."""

import pytest

from featherdepth.report import wording
from featherdepth.report.document import Estimate
from featherdepth.report.plots.scale import MINUS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (wording.figure(-0.0884), f"{MINUS}0.088"),
        (wording.signed(0.0121), "+0.012"),
        (wording.signed(-0.0884), f"{MINUS}0.088"),
        (wording.signed(-0.0001), "0.000"),
        (wording.percent(0.8941), "89.4 %"),
        (wording.points(0.0817), "+8.2"),
        (wording.count(3_456_977), "3.46 M"),
        (wording.count(3_725_737_344), "3.73 G"),
        (wording.count(12_345), "12,345"),
        (wording.megabytes(6_991_234), "7.0 MB"),
        (wording.milliseconds(4.213), "4.21 ms"),
        (wording.milliseconds(41.83), "41.8 ms"),
        (wording.milliseconds(99.96), "100 ms"),
        (wording.milliseconds(1412.0), "1,412 ms"),
        (wording.times(11.84), "11.8"),
        (wording.duration(4350.2), "1 h 12 min"),
        (wording.duration(72.0), "1 min 12 s"),
        (wording.duration(3599.7), "1 h 0 min"),
        (wording.duration(9.4), "9 s"),
    ],
)
def test_numbers_read_as_written_here(text: str, expected: str) -> None:
    assert text.replace(wording.SPACE, " ") == expected


def test_intervals_name_both_ends() -> None:
    found = Estimate(value=0.1, low=-0.02, high=0.3)

    assert wording.interval(found) == f"{MINUS}0.020 to 0.300"
    assert wording.change_interval(found) == f"{MINUS}0.020 to +0.300"
    assert wording.percent_interval(found) == f"{MINUS}2.0 to 30.0{wording.SPACE}%"
    assert wording.points_interval(found) == f"{MINUS}2.0 to +30.0"
