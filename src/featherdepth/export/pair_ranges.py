"""Ranges of 8-bit weights with which no sum of two products is cut off.

CPUs with AVX2 and no VNNI multiply two neighboring input channels at once and add the products in
16 bits (`vpmaddubsw`). There 255 * 127 + 255 * 127 has no place: what is above 32,767 is cut off.
With the largest weight of each output channel at 127 that moved the maps of `small` by 1.4 % of
their range on average, where .6 % are due to 8 bits. With the largest pair at 127 nothing is cut
off, every CPU computes the same, and it is .7 %. (Half of the steps for all weights, onnxruntime's
`reduce_range`, would fit as well, and costs more: a large weight seldom stands beside another of
its sign.)
"""

from typing import Any

import numpy as np
import onnx
from jaxtyping import Float
from onnx import numpy_helper


def pair_ranges(graph: onnx.GraphProto) -> dict[str, list[dict[str, Any]]]:
    """Weights of convolutions to the range of each output channel, as onnxruntime takes them.

    Depthwise convolutions have no pairs, and keep the range of their weights.
    """
    weights = {tensor.name: tensor for tensor in graph.initializer}
    found = {}
    for node in graph.node:
        if node.op_type == "Conv" and node.input[1] in weights:
            values = numpy_helper.to_array(weights[node.input[1]])
            if values.shape[1] > 1:
                found[node.input[1]] = [
                    {"axis": 0, "rmin": -end, "rmax": end} for end in largest_pairs(values)
                ]
    return found


def largest_pairs(weights: Float[np.ndarray, "o i h w"]) -> Float[np.ndarray, " o"]:
    """The largest sum of two neighboring input channels of one sign, in each output channel.

    As 127 steps it is 128 at most when both are rounded up, and 255 * 128 is below 32,768.
    """
    outputs, inputs = weights.shape[:2]
    even = np.zeros((outputs, inputs + inputs % 2, *weights.shape[2:]), weights.dtype)
    even[:, :inputs] = weights
    above, below = np.maximum(even, 0), np.maximum(-even, 0)
    pairs = np.maximum(above[:, 0::2] + above[:, 1::2], below[:, 0::2] + below[:, 1::2])
    largest: np.ndarray = pairs.reshape(outputs, -1).max(axis=1)
    return largest
