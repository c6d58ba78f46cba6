"""An .xml and a .bin: what OpenVINO reads."""

from pathlib import Path
from typing import Any

from featherdepth.errors import needing
from featherdepth.export.metadata import write_openvino
from featherdepth.runtime.exported import Exported
from featherdepth.runtime.intel import load_openvino

with needing("writing for OpenVINO", "export", "openvino"):
    openvino = load_openvino()


def read_onnx(path: Path) -> Any:
    """An ONNX file as OpenVINO's model."""
    return openvino.Core().read_model(path)


def save_openvino(model: Any, path: Path, exported: Exported) -> None:
    """Write the .xml at `path` and the .bin beside it; fp16 stores weights in half."""
    write_openvino(model, exported)
    half = exported.precision == "fp16"
    openvino.save_model(model, path, compress_to_fp16=half)
