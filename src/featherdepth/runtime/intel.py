"""OpenVINO without its telemetry.

`import openvino` reports itself to its makers and leaves a folder in the user's home. Depth of a
photo is nobody's business: what reports is hidden while it is imported, for which OpenVINO has a
stub of its own. The import is shorter by a tenth of a second, too.
"""

import sys
from importlib import import_module
from typing import Any

TELEMETRY = "openvino_telemetry"


def load_openvino() -> Any:
    """The package `openvino`; as it is where the program that uses us has imported it before.

    Raises:
        ImportError: it is not installed.
    """
    hidden = "openvino" not in sys.modules and TELEMETRY not in sys.modules
    if hidden:
        sys.modules[TELEMETRY] = None  # type: ignore[assignment] # Python's way to say: not there
    try:
        return import_module("openvino")
    finally:
        if hidden:
            del sys.modules[TELEMETRY]
