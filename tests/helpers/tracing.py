"""What recording a graph needs in tests."""

from collections.abc import Iterator
from contextlib import contextmanager

from jaxtyping import config


@contextmanager
def no_shape_checks() -> Iterator[None]:
    """Tracing hands symbols to functions that are annotated with int: the checks refuse them."""
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)
