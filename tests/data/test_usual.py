"""A typical depth outside of what is usual is named, with a guess at the scale."""

import pytest

from featherdepth.data.usual import Usual

NYU = Usual(unit="", median=(1.0, 6.0), valid=(0.5, 0.98), codes_per_metre=1000.0)


@pytest.mark.parametrize("median", [1.0, 2.7, 6.0])
def test_usual_depth_is_no_fault(median: float) -> None:
    assert NYU.scale_fault(median) is None


@pytest.mark.parametrize(
    ("written", "median"), [(256, 0.69), (5000, 13.5), (100, 0.27), (6553.5, 17.7)]
)
def test_the_scale_that_codes_were_written_with_is_guessed(written: float, median: float) -> None:
    fault = NYU.scale_fault(median)

    assert fault is not None
    assert f"with 1/{written:g} it would be 2.7 m" in fault


def test_depth_that_no_scale_explains_is_said_to_be_of_another_unit() -> None:
    assert "another one" in str(NYU.scale_fault(1e-7))
    assert Usual(unit="", median=(1.0, 6.0)).scale_fault(0.5) == (
        "depth of 0.5 m in the typical image; expected 1 to 6 m"
    )


def test_shares_of_truth_have_two_limits() -> None:
    assert NYU.valid_fault(0.76) is None
    assert "1.000 of the pixels have truth; expected 0.5 to 0.98" in str(NYU.valid_fault(1.0))
    assert NYU.valid_fault(0.1) is not None
    assert Usual(unit="").valid_fault(0.0) is None


def test_of_several_scales_the_one_that_is_nearest_by_its_factor_is_guessed() -> None:
    indoor = Usual(unit="", median=(0.15, 15.0), codes_per_metre=1.0)

    # Millimeters taken for meters; 1/5000 would give 0.65 m, a larger factor below 1.5 m.
    assert "with 1/1000 it would be 3.25 m" in str(indoor.scale_fault(3250.0))
