"""What scoring a prediction gives: numbers, or why there are none."""

from dataclasses import dataclass, field

from featherdepth.errors import InputError
from featherdepth.metrics.measures import Moments


class PredictionError(InputError):
    """A prediction of another size, with holes, or not of numbers: the model's fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """What one prediction got under a protocol."""

    values: dict[str, float]
    """Measure -> value."""
    negative_scale: bool
    """The fit was upside down or impossible, and the fallback was scored instead."""
    valid_fraction: float
    """Scored pixels over all pixels of the crop, 0..1."""
    clamped_fraction: float
    """Scored pixels that were moved by the clamp, 0..1."""
    dropped_fraction: float = 0.0
    """Chosen pixels that were left out for a prediction not above 0, 0..1."""
    pixels: int = 0
    """Scored pixels, or annotated pairs."""
    moments: dict[str, Moments] = field(default_factory=dict)
    """Measure -> means of its terms, for pooling over images."""
