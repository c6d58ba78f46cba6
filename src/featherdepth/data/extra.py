"""The packages of the extras `[data]` and `[vision]`, imported when they are needed."""

from importlib import import_module
from typing import Any

from featherdepth.errors import needing


def need(module: str, what: str, *, package: str | None = None, extra: str = "data") -> Any:
    """Import `module` for `what`.

    Args:
        package: its name where it is installed from, if it is another one.
        extra: of featherdepth that brings it.

    Raises:
        BackendError: it is not installed; the message has the command.
    """
    subject = f"{what}: reading it" if extra == "data" else f"{what}:"
    with needing(subject, extra, package or module.partition(".")[0]):
        return import_module(module)
