"""A graph with its weights inside: the file that is given to others.

BatchNorm is folded and constants are evaluated here, since what reads the file need not be a
runtime that does so. Values are float32, those that the stored weights stand for.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from featherdepth.export.onnx import (
    drop_unused,
    fold_batchnorm,
    replace_all,
    simplify,
    strip,
    trace,
)
from featherdepth.geometry.resize import Size

FP16_FROM = 256
"""Values of a tensor from which half storage saves more than its Cast costs."""
ARITHMETIC = {"Add", "Cast", "Concat", "Constant", "Div", "Gather", "Mul", "Reshape", "Slice"}
ARITHMETIC |= {"Sqrt", "Squeeze", "Sub", "Unsqueeze"}
"""What is evaluated here where its inputs are constants; none of it makes much of little."""


def single_file(module: nn.Module, *, multiple: int, size: Size | None = None) -> onnx.ModelProto:
    """The graph of a network: `images` in, `depth` out, float32.

    Args:
        multiple: of height and width, where they are open.
        size: (height, width) to fix them at, with a batch of one; then every shape of the graph is
            a number.
    """
    model = trace(module, multiple=multiple)
    model = simplify(model, module.state_dict())
    _name_layers(model.graph)
    fold_batchnorm(model.graph)
    evaluate_constants(model.graph)
    if size is not None:
        model = _fixed(model, size)
    strip(model)
    return model


def evaluate_constants(graph: onnx.GraphProto) -> None:
    """Replace what depends on constants alone by its value."""
    known = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    kept = []
    for node in graph.node:
        names = [str(name) for name in node.input if name]
        constant = node.op_type in ARITHMETIC and all(name in known for name in names)
        if not constant or len(node.output) != 1:
            kept.append(node)
            continue
        feed = {name: known[name] for name in names}
        found: Any = ReferenceEvaluator(node).run(None, feed)
        value = np.asarray(found[0])
        known[node.output[0]] = value
        graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
    replace_all(graph.node, kept)
    drop_unused(graph)


def half_storage(model: onnx.ModelProto) -> None:
    """Store weights in fp16, each with a Cast behind it: arithmetic stays float32."""
    graph, casts, stored = model.graph, [], []
    for tensor in graph.initializer:
        large = tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= FP16_FROM
        if not large:
            stored.append(tensor)
            continue
        name = f"{tensor.name}.fp16"
        half = numpy_helper.to_array(tensor).astype(np.float16)
        stored.append(numpy_helper.from_array(half, name))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    replace_all(graph.initializer, stored)
    replace_all(graph.node, [*casts, *graph.node])


def layers(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Convolutions and matrix products: what 8-bit arithmetic is for."""
    return (n for n in graph.node if n.op_type in ("Conv", "Gemm", "MatMul"))


def _fixed(model: onnx.ModelProto, size: Size) -> onnx.ModelProto:
    for place, value in {0: 1, 2: size[0], 3: size[1]}.items():
        for port in (*model.graph.input, *model.graph.output):
            port.type.tensor_type.shape.dim[place].dim_value = value
    del model.graph.value_info[:]
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    _shapes_to_constants(model.graph)
    evaluate_constants(model.graph)
    return model


def _shapes_to_constants(graph: onnx.GraphProto) -> None:
    ports = (*graph.input, *graph.value_info, *graph.output)
    shapes = {
        p.name: [d.dim_value for d in p.type.tensor_type.shape.dim]
        for p in ports
        if p.type.tensor_type.HasField("shape")
    }
    for node in graph.node:
        shape = shapes.get(node.input[0]) if node.op_type == "Shape" else None
        if shape is not None and all(shape):
            ends: dict[str, int] = {a.name: a.i for a in node.attribute}
            part = shape[ends.get("start", 0) : ends.get("end", len(shape))]
            value = numpy_helper.from_array(np.array(part, dtype=np.int64))
            node.op_type = "Constant"
            del node.input[:], node.attribute[:]
            node.attribute.append(helper.make_attribute("value", value))


def _name_layers(graph: onnx.GraphProto) -> None:
    """Call each layer what its weights are called: reports and quantizers speak of layers."""
    taken: set[str] = set()
    for node in graph.node:
        of_weights = node.op_type == "Conv" and node.input[1].endswith(".weight")
        name = node.input[1].removesuffix(".weight") if of_weights else node.output[0]
        node.name = name if name not in taken else node.output[0]
        taken.add(node.name)
