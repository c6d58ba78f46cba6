"""Writing into a file what it says about itself; `featherdepth.runtime.exported` reads it."""

from typing import Any

import onnx

from featherdepth.runtime.exported import KEY, Exported


def write_onnx(model: onnx.ModelProto, exported: Exported) -> None:
    """Into the metadata properties of an ONNX model, in place of what was there."""
    model.producer_name, model.producer_version = KEY, exported.version
    del model.metadata_props[:]
    for key, value in {**exported.plain(), KEY: exported.to_text()}.items():
        model.metadata_props.add(key=key, value=value)


def write_openvino(model: Any, exported: Exported) -> None:
    """Into the run-time info of an OpenVINO model."""
    for key, value in {**exported.plain(), "model": exported.to_text()}.items():
        model.set_rt_info(value, [KEY, key])


def opset_of(model: onnx.ModelProto) -> int:
    """Version of the operators of an ONNX model."""
    return next(int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx"))
