"""The packages of the extra `[data]`, imported when a reader needs them."""

from importlib import import_module
from typing import Any

from featherdepth.errors import BackendError


def need(module: str, what: str) -> Any:
    """Import `module` for reading `what`.

    Raises:
        BackendError: it is not installed; the message has the command.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise BackendError(
            f"{what}: reading it needs {package}; pip install 'featherdepth[data]'"
        ) from error
