"""Photos that a teacher was asked about in training and had no depth for."""

import logging
from collections.abc import Sequence
from typing import Any

from featherdepth.errors import RunError

logger = logging.getLogger(__name__)

PATIENCE = 5
"""So many steps in a row without one view that the teacher knows: it is the teacher."""


class Refusals:
    """What a teacher refused so far; a run that is resumed goes on with it.

    Args:
        teacher: its name.
    """

    def __init__(self, teacher: str) -> None:
        self.photos: dict[str, str] = {}
        """Why, by the keys of the photos."""
        self._teacher = teacher
        self._in_a_row = 0
        """Steps at the end without a view that it knows."""

    def note(self, step: int, keys: Sequence[str], known: Sequence[float]) -> None:
        """Note the views of a step.

        Args:
            keys: the photo of each view; empty where none can be named.
            known: the finite part of each view's map.

        Raises:
            RunError: this was the last of `PATIENCE` steps without a finite value.
        """
        for key, part in zip(keys, known, strict=False):
            if part < 1 and key not in self.photos:
                self.photos[key] = (
                    f"{key}: {self._teacher} gave NaN or infinity in {100 * (1 - part):.3g} % of a"
                    " view; expected finite depth"
                )
                logger.warning("left out there: %s", self.photos[key])
        if any(known):
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row >= PATIENCE:
            raise RunError(
                f"steps {step + 2 - PATIENCE} to {step + 1}: {self._teacher} gave NaN or infinity"
                " for every view; expected finite depth: check its weights, or its precision"
            )
        logger.warning(
            "step %d: %s gave NaN or infinity for every view; nothing is learned from it",
            step + 1,
            self._teacher,
        )

    def state_dict(self) -> dict[str, Any]:
        return {"photos": dict(self.photos), "in_a_row": self._in_a_row}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.photos = dict(state["photos"])
        self._in_a_row = int(state["in_a_row"])
