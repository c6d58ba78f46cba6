"""From values to pixels, and which values an axis names."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MINUS = "\N{MINUS SIGN}"
STEPS = (1, 2, 5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """A straight map from [low, high] to [start, end] pixels, of values or of their logarithms."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log scale starts above 0, got {self.low}")

    def __call__(self, value: float) -> float:
        """Pixel of `value`; values outside of the scale lie outside of [start, end]."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, count: int = 6) -> list[float]:
        """Round values within the scale, about `count` of them."""
        if self.log and self.high / self.low >= 8:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            few = self.high / self.low < 200
            stride = 1 if few else math.ceil(len(decades) / (count + 2))
            factors = STEPS if few else (1,)
            values = [f * 10.0**d for d in decades[::stride] for f in factors]
            return [v for v in values if self.low * (1 - 1e-9) <= v <= self.high * (1 + 1e-9)]
        step = nice_step((self.high - self.low) / count)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1)]


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((f * power for f in STEPS if f * power >= least * (1 - 1e-9)), 10 * power)


def fit(
    values: Iterable[float | None],
    start: float,
    end: float,
    *,
    log: bool = False,
    include: Sequence[float] = (),
) -> Scale:
    """A scale that holds all `values`, with ends at round numbers (log: a little air).

    Values that are None, not finite or, for a log scale, not above 0 are left out; without any,
    the scale is 0 to 1 (log: 0.1 to 1).

    Args:
        include: values that must be on the scale, such as 0.
    """
    found = [v for v in (*values, *include) if v is not None and math.isfinite(v)]
    if log:
        found = [v for v in found if v > 0] or [0.1, 1.0]
        low, high = min(found), max(found)
        air = 1.04 * (high / low) ** 0.03
        return Scale(low=low / air, high=high * air, start=start, end=end, log=True)
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        air = 0.1 * abs(low) or 1.0
        low, high = low - air, high + air
    step = nice_step((high - low) / 8)
    # Round ends, by an integer: 3 * 0.1 is a little more than 0.3.
    low = step * math.floor(low / step + 1e-9)
    high = step * math.ceil(high / step - 1e-9)
    return Scale(low=low, high=high, start=start, end=end)


def tick_labels(ticks: Sequence[float], *, log: bool = False) -> list[str]:
    """The ticks as text: as few decimals as they need, the same for all unless `log`."""
    return [_text(v, [v] if log else ticks) for v in ticks]


def _text(value: float, beside: Sequence[float]) -> str:
    if value == 0:
        return "0"
    largest = max(map(abs, beside))
    if largest >= 1e6 or largest < 1e-3:
        return f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e").replace("-", MINUS)
    whole = (n for n in range(7) if all(abs(round(v, n) - v) < 1e-6 * largest for v in beside))
    return f"{value:,.{next(whole, 6)}f}".replace("-", MINUS)
