"""OpenVINO without its telemetry, and without what nobody here asks it for.

`import openvino` reports itself to its makers and leaves a folder in the user's home. Depth of a
photo is nobody's business: what reports is hidden while it is imported, for which OpenVINO has a
stub of its own. So is its converter of other formats, which comes when somebody first asks for it:
the import is shorter by a tenth of a second each.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

TELEMETRY = "openvino_telemetry"
CONVERTER = "openvino.tools.ovc"
CONVERT = "convert_model"


def load_openvino() -> Any:
    """The package `openvino`; as it is where the program that uses us has imported it before.

    Raises:
        ImportError: it is not installed.
    """
    if "openvino" in sys.modules:
        return import_module("openvino")
    with _hidden(TELEMETRY, CONVERTER):
        openvino: Any = import_module("openvino")
    if not hasattr(openvino, CONVERT):
        openvino.__getattr__ = _converter
    return openvino


def _converter(name: str) -> Any:
    """`openvino.convert_model`, as OpenVINO's own import would have left it there."""
    if name != CONVERT:
        raise AttributeError(f"module 'openvino' has no attribute {name!r}")
    with _hidden(TELEMETRY):
        return getattr(import_module(CONVERTER), CONVERT)


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Modules that are not there for a while, but for those that are loaded already."""
    names = tuple(name for name in names if name not in sys.modules)
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type] # Python's way to say so
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
