"""Preparation inside the graph: a picture as decoders give it, in; depth at its size, out.

    pixels  uint8 RGB, b h w 3  ->  / 255  ->  border pixels repeated up to the next multiple
            ->  the network  ->  cut back to h w

What the graph does not do is to resize: a program that resizes as it likes gets what it asked for.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from featherdepth.export.onnx import replace_all

PIXELS = "pixels"


def take_pixels(model: onnx.ModelProto, *, multiple: int) -> None:
    """Let a graph with the input `images` (RGB in 0..1) take `pixels` in its place.

    Args:
        multiple: of height and width that the network takes. Where they are open, other sizes are
            padded and the result is cut; a fixed size fits as it is.
    """
    graph = model.graph
    (images,), (depth,) = graph.input, graph.output
    batch, _, height, width = images.type.tensor_type.shape.dim
    fixed = bool(height.dim_value)
    sides = [d.dim_value or d.dim_param for d in (batch, height, width)]
    if not fixed:
        sides[1:] = ["height", "width"]  # multiples no longer
        for place, name in ((2, "height"), (3, "width")):
            depth.type.tensor_type.shape.dim[place].dim_param = name
    made = [
        helper.make_node("Transpose", [PIXELS], ["pixels.planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["pixels.planes"], ["pixels.float"], to=TensorProto.FLOAT),
        helper.make_node(
            "Div", ["pixels.float", "pixels.white"], ["images" if fixed else "pixels.unit"]
        ),
    ]
    constants = {"pixels.white": np.array(255, dtype=np.float32)}
    after = []
    if not fixed:
        constants |= {
            "pixels.multiple": np.array([multiple, multiple]),
            "pixels.none": np.zeros(6, dtype=np.int64),
            "pixels.start": np.array([0, 0]),
            "pixels.axes": np.array([2, 3]),
        }
        made += [
            helper.make_node("Shape", [PIXELS], ["pixels.size"], start=1, end=3),
            helper.make_node("Neg", ["pixels.size"], ["pixels.less"]),
            helper.make_node("Mod", ["pixels.less", "pixels.multiple"], ["pixels.missing"]),
            helper.make_node("Concat", ["pixels.none", "pixels.missing"], ["pixels.pads"], axis=0),
            helper.make_node("Pad", ["pixels.unit", "pixels.pads"], ["images"], mode="edge"),
        ]
        _rename_output(graph, depth.name, "depth.padded")
        after = [
            helper.make_node(
                "Slice",
                ["depth.padded", "pixels.start", "pixels.size", "pixels.axes"],
                [depth.name],
            )
        ]
    graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in constants.items())
    for node in (*made, *after):
        node.name = f"around.{node.output[0]}"
    replace_all(graph.node, [*made, *graph.node, *after])
    shape = [sides[0], sides[1], sides[2], 3]
    replace_all(graph.input, [helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, shape)])


def _rename_output(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                if name == old:
                    names[i] = new
