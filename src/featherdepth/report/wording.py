"""Numbers as people read them."""

from featherdepth.report.document import Estimate
from featherdepth.report.plots.scale import MINUS

SPACE = "\N{NO-BREAK SPACE}"


def figure(value: float, decimals: int = 3) -> str:
    """0.2236 as "0.224", with a true minus sign."""
    return f"{value:.{decimals}f}".replace("-", MINUS)


def signed(value: float, decimals: int = 3) -> str:
    """A change: "+0.012", "−0.088", or "0.000" without a sign."""
    text = f"{value:+.{decimals}f}"
    return (text if float(text) else text[1:]).replace("-", MINUS)


def percent(share: float) -> str:
    """0.894 as "89.4 %", in one piece as all that follows with a unit."""
    return f"{figure(100 * share, 1)}{SPACE}%"


def points(share: float, decimals: int = 1) -> str:
    """A change of a share in percentage points: 0.082 as "+8.2"."""
    return signed(100 * share, decimals)


def interval(estimate: Estimate) -> str:
    """The ends of an interval: "0.213 to 0.235"."""
    return f"{figure(estimate.low)} to {figure(estimate.high)}"


def percent_interval(estimate: Estimate) -> str:
    """The ends in percent: "88.1 to 90.6 %"."""
    return f"{figure(100 * estimate.low, 1)} to {figure(100 * estimate.high, 1)}{SPACE}%"


def change_interval(estimate: Estimate) -> str:
    """The ends of a change, with signs."""
    return f"{signed(estimate.low)} to {signed(estimate.high)}"


def points_interval(estimate: Estimate) -> str:
    """The ends of a change of a share in points, with signs."""
    return f"{points(estimate.low)} to {points(estimate.high)}"


def count(value: int) -> str:
    """3456977 as "3.46 M", 12345 as "12,345", 3725737344 as "3.73 G"."""
    for unit, size in (("G", 1e9), ("M", 1e6)):
        if value >= size:
            return f"{_three_digits(value / size)}{SPACE}{unit}"
    return f"{value:,.0f}"


def megabytes(size: int) -> str:
    """Bytes as "7.0 MB"."""
    return f"{size / 1e6:.1f}{SPACE}MB"


def milliseconds(value: float) -> str:
    """412.31 as "412 ms", 4.213 as "4.21 ms"."""
    return f"{_three_digits(value)}{SPACE}ms"


def duration(seconds: float) -> str:
    """4350 as "1 h 12 min", 72 as "1 min 12 s", 9.4 as "9 s"."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def times(ratio: float) -> str:
    """11.84 as "11.8", 134.2 as "134"."""
    return _three_digits(ratio)


def _three_digits(value: float) -> str:
    return f"{value:,.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"
