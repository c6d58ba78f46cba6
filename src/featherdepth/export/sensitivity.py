"""Which layers suffer most from 8 bits: each one alone is computed in them.

Its input is rounded to 256 steps between the least and the greatest value seen on the calibration
photos, its weights to 255 steps an output channel; everything else stays float32. The layer's error
is abs_rel to the map of the untouched graph (`featherdepth.export.verify`).
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import onnx
import onnxruntime
from jaxtyping import Float32
from onnx import helper, numpy_helper

from featherdepth.export.pictures import Picture
from featherdepth.export.single_file import layers
from featherdepth.export.verify import agreement
from featherdepth.runtime.backends import Network
from featherdepth.types import DepthKind

PICTURES = 2
"""Photos that each layer is tried on."""
RANGES = 8
"""Photos that ranges are taken from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensitivity:
    """How much one layer alone costs in 8 bits."""

    layer: str
    abs_rel: float


def sensitivities(
    model: onnx.ModelProto, pictures: Iterable[Picture], kind: DepthKind
) -> list[Sensitivity]:
    """The layers of a float graph with the input `images`, the most sensitive first."""
    seen = list(islice(iter(pictures), RANGES))
    ranges = _ranges(model, seen)
    values = {t.name: t for t in model.graph.initializer}
    original = network_of(model)
    tried = seen[:PICTURES]
    found = [
        Sensitivity(
            layer=layer.name,
            abs_rel=agreement(
                original, network_of(_with_one(model, i, values, ranges)), tried, kind
            ).abs_rel,
        )
        for i, layer in enumerate(layers(model.graph))
        if layer.input[1] in values
    ]
    return sorted(found, key=lambda s: -s.abs_rel)


def network_of(model: onnx.ModelProto) -> Network:
    """Run a graph with the input `images`."""
    session = _session(model)

    def run(images: Float32[np.ndarray, "b c h w"]) -> Float32[np.ndarray, "b d h w"]:
        depth: Float32[np.ndarray, "b d h w"] = session.run(["depth"], {"images": images})[0]
        return depth

    return run


def _session(model: onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()  # type: ignore[attr-defined] # it has no __all__
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(  # type: ignore[attr-defined]
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _ranges(model: onnx.ModelProto, pictures: Sequence[Picture]) -> dict[str, tuple[float, float]]:
    """Least and greatest value of each layer's input; 0 lies between."""
    watched = copy.deepcopy(model)
    names = sorted({layer.input[0] for layer in layers(model.graph)} - {"images"})
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = _session(watched)
    ends = dict.fromkeys(["images", *names], (0.0, 0.0))
    for picture in pictures:
        maps = dict(zip(names, session.run(names, {"images": picture}), strict=True))
        for name, values in {"images": picture, **maps}.items():
            low, high = ends[name]
            ends[name] = min(low, float(values.min())), max(high, float(values.max()))
    return ends


def _with_one(
    model: onnx.ModelProto,
    place: int,
    values: dict[str, onnx.TensorProto],
    ranges: dict[str, tuple[float, float]],
) -> onnx.ModelProto:
    """The graph with one layer in 8 bits."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    layer = list(layers(changed.graph))[place]
    low, high = ranges[layer.input[0]]
    scale = max(high - low, 1e-12) / 255
    zero = np.array(round(-low / scale), dtype=np.uint8)
    weights = numpy_helper.to_array(values[layer.input[1]])
    made: dict[str, np.ndarray] = {
        "try.scale": np.array(scale, dtype=np.float32),
        "try.zero": zero,
        "try.weights": rounded(weights, axis=0 if layer.op_type == "Conv" else weights.ndim - 1),
    }
    changed.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in made.items())
    around = ["try.scale", "try.zero"]
    there = list(changed.graph.node).index(layer)
    pair = [
        helper.make_node("QuantizeLinear", [layer.input[0], *around], ["try.codes"]),
        helper.make_node("DequantizeLinear", ["try.codes", *around], ["try.input"]),
    ]
    layer.input[0], layer.input[1] = "try.input", "try.weights"
    for node in reversed(pair):
        changed.graph.node.insert(there, node)
    return changed


def rounded(weights: Float32[np.ndarray, "..."], axis: int) -> Float32[np.ndarray, "..."]:
    """Weights on 255 symmetric steps, one scale for each place on `axis`.

    Example:
        >>> rounded(np.array([[1.0, 0.0039]], dtype=np.float32), 0).round(4).tolist()
        [[1.0, 0.0]]
    """
    others = tuple(i for i in range(weights.ndim) if i != axis)
    scale = np.abs(weights).max(axis=others, keepdims=True) / 127
    scale[scale == 0] = 1
    result: Float32[np.ndarray, ...] = (np.rint(weights / scale) * scale).astype(np.float32)
    return result
