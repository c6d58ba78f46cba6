"""model.onnx: a graph without weights of its own.

Its initialisers are *external data*: byte ranges of model.safetensors in the same folder. Behind
each fp16 tensor stands a Cast to float32, behind each 8-bit one a Cast and a Mul by its scales, and
BatchNorm after a convolution is written as arithmetic on constants,

    weight' = weight * g      bias' = beta + (bias - mean) * g      g = gamma / sqrt(var + eps)

which a runtime evaluates once, when it loads the graph. So torch, onnxruntime and OpenVINO read the
same bytes, and the graph holds for any weights of the same layout. Left unfolded, onnxruntime does
not join BatchNorm and convolution itself; and DequantizeLinear it would keep and run at every call.

Batch, height and width are open; height and width must be multiples of the preset's `multiple`.
"""

import io
import logging
import warnings
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from featherdepth.errors import BackendError, WeightsError, needing
from featherdepth.images.atomic import write_atomic
from featherdepth.networks.eight_bit import SUFFIX
from featherdepth.networks.folder import GRAPH, WEIGHTS, Stored, layout
from featherdepth.networks.weights import load_model

with needing(f"writing {GRAPH}", "train"):
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnxscript import optimizer

logger = logging.getLogger(__name__)

TYPES = {"I8": TensorProto.INT8, "F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}
OPSET = 20
"""Of recorded graphs."""
RGB = 3
"""Channels of what a network sees, unless its `input_channels` says otherwise."""
INLINE_LIMIT = 1024
"""Bytes of a constant that may stay in the graph; anything larger must be a stored tensor."""


def write_graph(folder: Path) -> Path:
    """Write model.onnx beside the weights of a model folder; returns its path.

    Raises:
        WeightsError: the folder is damaged, or the graph needs a tensor that is not stored.
        BackendError: onnx or onnxscript is missing.
        RunError: the folder cannot be written.
    """
    preset, module = load_model(folder)
    stored = layout(folder)
    model = trace(module, multiple=preset.multiple)
    model = simplify(model, stored)
    folded = fold_batchnorm(model.graph)
    _point_into_weights(model.graph, stored, folder)
    strip(model)
    data = model.SerializeToString(deterministic=True)
    write_atomic(folder / GRAPH, data)
    logger.info(
        "%s: %d nodes, %d BatchNorm folded, %.2f MB",
        folder / GRAPH,
        len(model.graph.node),
        folded,
        len(data) / 1e6,
    )
    return folder / GRAPH


def trace(module: nn.Module, *, multiple: int = 64) -> onnx.ModelProto:
    """The module as an ONNX model with its parameters inside, named as in its state dict.

    A module whose attribute `unrolled` is true is recorded from one run instead of traced with
    symbols for its sizes: a thousand steps of a solver take a minute of symbols each way. Its
    forward must not turn a size into a number.
    """
    # Sizes that differ from each other and from every channel count, so that the tracer does not
    # take two of them for one; batch 2 because 1 would be kept as a constant.
    channels = int(getattr(module, "input_channels", RGB))
    example = torch.zeros(2, channels, 3 * multiple, 5 * multiple)
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter warns about its own insides, and that torchvision is not there.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
        if getattr(module, "unrolled", False):
            return _recorded(module.eval(), example)
        return _traced(module.eval(), example, multiple)


def _traced(module: nn.Module, example: torch.Tensor, multiple: int) -> onnx.ModelProto:
    batch, height, width = (
        torch.export.Dim(name, min=1, max=most)
        for name, most in (("batch", 1024), ("rows", 256), ("columns", 256))
    )
    program = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        # The exporter's own simplification renames parameters; ours comes after it.
        optimize=False,
        external_data=False,
        input_names=["images"],
        output_names=["depth"],
        dynamic_shapes=({0: batch, 2: multiple * height, 3: multiple * width},),
        verbose=False,
    )
    if program is None:
        raise BackendError("torch.onnx.export returned nothing; expected torch 2.5 or newer")
    model: onnx.ModelProto = program.model_proto
    return model


def _recorded(module: nn.Module, example: torch.Tensor) -> onnx.ModelProto:
    buffer = io.BytesIO()
    axes = {0: "batch", 2: "height", 3: "width"}
    torch.onnx.export(
        module,
        (example,),
        buffer,  # type: ignore[arg-type] # a stream is taken here
        dynamo=False,
        opset_version=OPSET,
        # BatchNorm stays, and so do the names of the parameters: folding comes after.
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        input_names=["images"],
        output_names=["depth"],
        dynamic_axes={"images": axes, "depth": axes},
    )
    return onnx.load_from_string(buffer.getvalue())


def simplify(model: onnx.ModelProto, stored: Container[str]) -> onnx.ModelProto:
    """Remove the bookkeeping of shapes that the tracer leaves.

    The simplifier may fold what it knows the value of. Stored tensors are therefore shown to it as
    inputs, and become initialisers again afterwards.
    """
    graph = model.graph
    weights = {t.name: t for t in graph.initializer if t.name in stored}
    rest = [t for t in graph.initializer if t.name not in stored]
    images = list(graph.input)
    graph.input.extend(
        helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in weights.values()
    )
    replace_all(graph.initializer, rest)
    model = optimizer.optimize(model, num_iterations=3)
    graph = model.graph
    replace_all(graph.input, images)
    used = {name for node in graph.node for name in node.input}
    graph.initializer.extend(t for name, t in weights.items() if name in used)
    return model


def fold_batchnorm(graph: onnx.GraphProto) -> int:
    """Turn each Conv -> BatchNormalization into a Conv with computed weight and bias.

    What else may read the convolution's output is its Shape, which BatchNormalization keeps.
    """
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    nodes, dropped, renamed = [], set(), {}
    for node in graph.node:
        others = readers.get(node.output[0], [])
        norms = [r for r in others if r.op_type == "BatchNormalization"]
        if node.op_type != "Conv" or len(norms) != 1 or len(others) != 1 + _shapes(others):
            nodes.append(node)
            continue
        nodes += _folded(node, norms[0])
        dropped.add(norms[0].output[0])
        renamed[node.output[0]] = norms[0].output[0]
    nodes = [n for n in nodes if n.op_type != "BatchNormalization" or n.output[0] not in dropped]
    _rename_inputs(nodes, renamed)
    if dropped:
        graph.initializer.append(numpy_helper.from_array(np.array([1, 2, 3]), "fold.axes"))
    replace_all(graph.node, nodes)
    drop_unused(graph)
    return len(dropped)


def _shapes(nodes: Iterable[onnx.NodeProto]) -> int:
    return sum(n.op_type == "Shape" for n in nodes)


def _rename_inputs(nodes: Iterable[onnx.NodeProto], renamed: Mapping[str, str]) -> None:
    for node in nodes:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)


def _folded(conv: onnx.NodeProto, norm: onnx.NodeProto) -> list[onnx.NodeProto]:
    _, gamma, beta, mean, var = norm.input
    weight = conv.input[1]
    eps = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
    at = norm.output[0]
    made = []

    def compute(operator: str, *inputs: str, name: str) -> str:
        made.append(helper.make_node(operator, list(inputs), [f"{at}.{name}"]))
        return f"{at}.{name}"

    constant = numpy_helper.from_array(np.array(eps, dtype=np.float32))
    made.append(helper.make_node("Constant", [], [f"{at}.eps"], value=constant))
    deviation = compute("Sqrt", compute("Add", var, f"{at}.eps", name="var"), name="deviation")
    gain = compute("Div", gamma, deviation, name="gain")
    column = compute("Unsqueeze", gain, "fold.axes", name="column")
    new_weight = compute("Mul", weight, column, name="weight")
    if len(conv.input) > 2 and conv.input[2]:
        mean_left = compute("Sub", mean, conv.input[2], name="mean_left")
    else:
        mean_left = mean
    new_bias = compute("Sub", beta, compute("Mul", mean_left, gain, name="moved"), name="bias")
    joined = helper.make_node("Conv", [conv.input[0], new_weight, new_bias], [at], conv.name)
    joined.attribute.extend(conv.attribute)
    return [*made, joined]


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove what reaches no output."""
    wanted = {o.name for o in graph.output}
    kept = []
    for node in reversed(graph.node):  # nodes are in order of execution
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    replace_all(graph.node, kept[::-1])
    replace_all(graph.initializer, [t for t in graph.initializer if t.name in wanted])


def _point_into_weights(graph: onnx.GraphProto, stored: Mapping[str, Stored], folder: Path) -> None:
    """Replace the value of each stored initialiser by its place in model.safetensors."""
    widened: list[onnx.NodeProto] = []
    renamed, initialisers = {}, []
    for tensor in graph.initializer:
        if tensor.name not in stored:
            if len(tensor.SerializeToString()) > INLINE_LIMIT:
                raise WeightsError(
                    f"{folder}: the graph needs {tensor.name} {tuple(tensor.dims)}, which"
                    f" {WEIGHTS} does not hold; make it a parameter or a persistent buffer"
                )
            initialisers.append(tensor)
            continue
        place = stored[tensor.name]
        if tuple(tensor.dims) != place.shape:
            raise WeightsError(
                f"{folder}: {tensor.name} is {place.shape} in {WEIGHTS}"
                f" and {tuple(tensor.dims)} in the graph"
            )
        initialisers.append(_external(tensor.name, place))
        if place.dtype == "F32":
            continue
        nodes = _widen(tensor.name, place)
        widened += nodes
        renamed[tensor.name] = nodes[-1].output[0]
        if place.dtype == "I8":
            initialisers.append(_external(tensor.name + SUFFIX, stored[tensor.name + SUFFIX]))
    _rename_inputs(graph.node, renamed)
    replace_all(graph.initializer, initialisers)
    replace_all(graph.node, [*widened, *graph.node])


def _widen(name: str, place: Stored) -> list[onnx.NodeProto]:
    """The stored values as float32: constant arithmetic, which a runtime does at load."""
    wide = f"{name}.float32"
    cast = helper.make_node("Cast", [name], [wide], to=TensorProto.FLOAT)
    if place.dtype != "I8":
        return [cast]
    return [cast, helper.make_node("Mul", [wide, name + SUFFIX], [f"{name}.scaled"])]


def _external(name: str, place: Stored) -> onnx.TensorProto:
    tensor = TensorProto(name=name, data_type=TYPES[place.dtype], dims=place.shape)
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": WEIGHTS, "offset": place.offset, "length": place.length}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def strip(model: onnx.ModelProto) -> None:
    """Remove what says how and where the graph was traced: source lines, intermediate shapes."""
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    del graph.value_info[:]
    graph.name = "featherdepth"


def replace_all(field: object, items: Iterable[object]) -> None:
    """Replace the content of a repeated protobuf field."""
    items = list(items)
    del field[:]  # type: ignore[attr-defined]
    field.extend(items)  # type: ignore[attr-defined]
