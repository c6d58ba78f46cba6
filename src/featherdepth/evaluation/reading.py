"""Documents of `evaluate` that come back from files: JSON that only looks like one is named."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import numpy as np

from featherdepth.errors import InputError
from featherdepth.evaluation.summary import figures
from featherdepth.metrics.map_measures import DECLARED

PROTOCOL = (
    *("name", "measures", "aggregate", "alignment", "space"),
    *("crop", "min_depth", "max_depth", "clip"),
)


@contextmanager
def reading(name: str, expected: str) -> Iterator[None]:
    """Say in one line what a file lacks or holds of another type.

    Raises:
        InputError: reading it ended in an error.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{name}: damaged: {error!r}; expected {expected}") from error


def check_figures(document: Mapping[str, Any]) -> None:
    """Read once all that figures are made of; within `reading`."""
    protocol, rows = document["protocol"], document["images"]
    itemgetter("name", "split")(document["data"])
    itemgetter(*PROTOCOL)(protocol)
    itemgetter(*protocol["measures"])(DECLARED)
    for row in rows:
        itemgetter("key", *protocol["measures"])(row)
    if rows and not np.isfinite(figures(rows, protocol, np.ones((1, len(rows))))).all():
        raise ValueError("figures that are not finite")
