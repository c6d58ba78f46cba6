"""The rate climbs in a line and falls along half a cosine."""

import pytest

from featherdepth.training.schedule import rate_factor


@pytest.mark.parametrize(
    ("step", "factor"),
    [
        (0, 0.25),
        (3, 1.0),
        (4, 1.0),
        (4 + 4, 0.1 + 0.9 * (1 + 0.5**0.5) / 2),  # cos(pi / 4)
        (4 + 8, 0.55),
        (4 + 16, 0.1),
    ],
)
def test_values_equal_those_done_by_hand(step: int, factor: float) -> None:
    assert rate_factor(step, steps=20, warmup=4, final=0.1) == pytest.approx(factor)


def test_a_run_without_warm_up_starts_at_the_full_rate() -> None:
    assert rate_factor(0, steps=20, warmup=0, final=0.1) == 1.0


def test_a_warm_up_longer_than_the_run_never_falls() -> None:
    factors = [rate_factor(k, steps=3, warmup=10, final=0.1) for k in range(3)]

    assert factors == pytest.approx([0.1, 0.2, 0.3])
