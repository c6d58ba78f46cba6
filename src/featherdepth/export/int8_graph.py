"""model.int8.onnx: a second graph of a model folder, for 8-bit arithmetic, over the same weights.

Where model.onnx multiplies a stored weight out to float32, QuantizeLinear and DequantizeLinear
follow, and each activation passes such a pair, too; runtimes turn weights into 8 bits when they
load the graph and join the pairs to integer convolutions (tried: the result is bit for bit that of
a file with 8-bit weights inside, and as fast). So the graph holds scales and biases alone, and is
for these weights only: their sha256 stands in it.
"""

import logging
import tempfile
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from featherdepth.export import single_file as inside
from featherdepth.export.int8 import kept_nodes, quantize_onnx
from featherdepth.export.onnx import drop_unused, replace_all, strip
from featherdepth.export.pictures import Photos
from featherdepth.images.atomic import write_atomic
from featherdepth.networks.folder import GRAPH, GRAPH_INT8, SHA256, read_graph, read_preset
from featherdepth.networks.weights import load_model

logger = logging.getLogger(__name__)


def write_int8_graph(folder: Path, photos: Photos) -> Path:
    """Write model.int8.onnx beside model.onnx; returns its path.

    Args:
        photos: that the scales are taken from.

    Raises:
        WeightsError: the folder is damaged or has no model.onnx.
        InputError: a photo cannot be read.
        RunError: the folder cannot be written.
    """
    preset = read_preset(folder)
    stored = onnx.load_from_string(read_graph(folder))
    plain = inside.single_file(load_model(folder)[1], multiple=preset.multiple)
    with tempfile.TemporaryDirectory(prefix="featherdepth-", ignore_cleanup_errors=True) as name:
        rounded = quantize_onnx(plain, photos, kept_nodes(plain.graph), Path(name))
    joined = over_stored(rounded, plain.graph, stored.graph)
    strip(joined)
    joined.metadata_props.add(key=SHA256, value=preset.sha256)
    data = joined.SerializeToString(deterministic=True)
    write_atomic(folder / GRAPH_INT8, data)
    logger.info("%s: %.2f MB over %s", folder / GRAPH_INT8, len(data) / 1e6, GRAPH)
    return folder / GRAPH_INT8


def over_stored(
    rounded: onnx.ModelProto, plain: onnx.GraphProto, stored: onnx.GraphProto
) -> onnx.ModelProto:
    """The quantized graph with the weights of the one that points into model.safetensors.

    Args:
        rounded: `plain` after quantization.
        plain: with weights inside.
        stored: the same nodes, whose weights are computed from stored tensors.
    """
    constants, renamed = _computed(plain, stored)
    kinds = {t.name: t.data_type for t in rounded.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in rounded.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        source = node.input[0].removesuffix("_quantized")
        kind = kinds.get(node.input[0])
        if node.op_type == "DequantizeLinear" and kind == TensorProto.INT8 and source in renamed:
            codes = f"{source}.codes"
            made = helper.make_node("QuantizeLinear", [renamed[source], *node.input[1:]], [codes])
            made.attribute.extend(node.attribute)
            nodes.append(made)
            copy.input[0] = codes
        elif node.op_type == "DequantizeLinear" and kind == TensorProto.INT32:
            # A bias in whole numbers: its name is that of the computed one. Its zero points are all
            # 0, which is what is meant where there are none: a fifth of the file.
            del copy.input[2:]
            renamed[node.output[0]] = copy.output[0] = f"{node.output[0]}.rounded"
        else:
            for i, name in enumerate(node.input):
                copy.input[i] = renamed.get(name, name)
        nodes.append(copy)
    joined = onnx.ModelProto()
    joined.CopyFrom(rounded)
    computed = {name for node in constants for name in node.output}
    outside = {t.name: t for t in stored.initializer}
    inside = [
        t for t in joined.graph.initializer if t.name not in outside and t.name not in computed
    ]
    replace_all(joined.graph.initializer, [*inside, *outside.values()])
    replace_all(joined.graph.node, [*constants, *nodes])
    drop_unused(joined.graph)
    return joined


def _computed(
    plain: onnx.GraphProto, stored: onnx.GraphProto
) -> tuple[list[onnx.NodeProto], dict[str, str]]:
    """Nodes of `stored` that hang on no picture, and the weights of `plain` by their names there.

    Both graphs have the same nodes otherwise, in the same names.
    """
    known = {t.name for t in stored.initializer}
    constants = []
    for node in stored.node:
        if all(name in known for name in node.input):
            constants.append(node)
            known |= set(node.output)
    weights = {t.name for t in plain.initializer}
    at = {node.output[0]: node for node in stored.node}
    renamed = {
        name: other
        for node in plain.node
        if node.output[0] in at
        for name, other in zip(node.input, at[node.output[0]].input, strict=False)
        if name in weights and other in known
    }
    return constants, renamed
