"""Early stopping: which weights are the best so far, and whether to go on looking."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from featherdepth.errors import UsageError

HIGHER_IS_BETTER = frozenset({"delta1"})
"""Of all other figures lower is better."""


@dataclass(slots=True)
class Patience:
    """Watches one figure of the validations.

    Without a figure to watch the newest weights count as the best.
    """

    watch: str = ""
    limit: int = 0
    """Validations in a row without a better figure after which the run stops; 0 for never."""
    best: float = math.inf
    """The best figure so far, with its sign turned where higher is better."""
    step: int = 0
    """Of the best figure."""
    stale: int = 0
    """Validations since then."""
    figures: dict[str, float] = field(default_factory=dict)
    """All figures of that validation."""

    def improves(self, step: int, figures: Mapping[str, float]) -> bool:
        """Take the figures of a validation; whether the weights they belong to are the best.

        Raises:
            UsageError: the watched figure is not among them.
        """
        if self.watch and self.watch not in figures:
            found = ", ".join(figures) or "nothing"
            raise UsageError(f"loop.watch: {self.watch!r} is not validated; expected {found}")
        value = figures[self.watch] if self.watch else -math.inf
        if self.watch in HIGHER_IS_BETTER:
            value = -value
        better = value < self.best or not self.watch  # NaN is not better than anything
        if better:
            self.best, self.step, self.stale, self.figures = value, step, 0, dict(figures)
        else:
            self.stale += 1
        return better

    @property
    def exhausted(self) -> bool:
        """Whether the run should stop."""
        return 0 < self.limit <= self.stale

    def state_dict(self) -> dict[str, Any]:
        kept = {"best", "step", "stale", "figures"}
        return {name: value for name, value in asdict(self).items() if name in kept}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
