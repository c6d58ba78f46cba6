"""What this machine can do at most: a product of matrices and a convolution, in each precision.

No network is faster than its multiplications; how near it comes says whether the network or what
runs it should be changed. The limit is the best rate of the installed runtimes on a product of
2048 x 2048 matrices, and of OpenVINO on a 3x3 convolution (faster than the product by 15 % on a CPU
with AVX-512 BF16), measured in the same rounds as the networks.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from featherdepth.runtime.intel import load_openvino

SIDE = 2048
GRAPHS = Path(__file__).parent / "graphs"
"""matmul.onnx and matmul_int8.onnx: one node each (tests/evaluation/speed builds them anew)."""
CHANNELS, EDGE, KERNEL = 512, 28, 3
OPERATIONS = {
    f"product of {SIDE}x{SIDE} matrices": 2 * SIDE**3,
    f"{KERNEL}x{KERNEL} convolution of {CHANNELS} channels at {EDGE}x{EDGE}": 2
    * (KERNEL * CHANNELS * EDGE) ** 2,
}
"""A multiplication and an addition count as two."""
PRODUCT, CONVOLUTION = OPERATIONS


def operations(threads: int, precisions: frozenset[str]) -> dict[str, Callable[[], object]]:
    """Calls to be timed, by PRECISION/RUNTIME/OPERATION: each does one of `OPERATIONS`.

    Args:
        precisions: of "fp32", "bf16" and "int8"; bf16 only where OpenVINO computes in it.
    """
    calls = {
        f"{precision}/onnx/{PRODUCT}": _onnx(precision, threads)
        for precision in sorted(precisions - {"bf16"})
    }
    if find_spec("openvino") is not None:
        calls |= {
            f"{precision}/openvino/{operation}": call
            for precision in sorted(precisions)
            for operation in OPERATIONS
            if (call := _openvino(operation, precision, threads)) is not None
        }
    return calls


def rates(milliseconds: dict[str, float]) -> dict[str, dict[str, Any]]:
    """Best rate of each precision in GFLOP/s (GOP/s for int8) out of the times of `operations`."""
    found: dict[str, dict[str, Any]] = {}
    for name, time in milliseconds.items():
        precision, runtime, operation = name.split("/")
        rate = OPERATIONS[operation] / time / 1e6
        if rate > found.get(precision, {"gflops": 0.0})["gflops"]:
            found[precision] = {"gflops": rate, "runtime": runtime, "operation": operation}
    return found


def _onnx(precision: str, threads: int) -> Callable[[], object]:
    onnxruntime: Any = import_module("onnxruntime")  # it has no __all__
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    graph = GRAPHS / ("matmul_int8.onnx" if precision == "int8" else "matmul.onnx")
    session = onnxruntime.InferenceSession(
        graph.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(0)
    if precision == "int8":
        feed: dict[str, np.ndarray] = {
            "a": random.integers(0, 256, (SIDE, SIDE)).astype(np.uint8),
            "b": random.integers(-127, 128, (SIDE, SIDE)).astype(np.int8),
        }
    else:
        feed = {name: random.random((SIDE, SIDE), dtype=np.float32) for name in "ab"}
    return lambda: session.run(None, feed)


def _openvino(operation: str, precision: str, threads: int) -> Callable[[], object] | None:
    openvino = load_openvino()
    ops: Any = import_module("openvino.opset13")
    core = openvino.Core()
    can = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "bf16" and "BF16" not in can:
        return None
    random = np.random.default_rng(0)
    product = operation == PRODUCT
    shape = (SIDE, SIDE) if product else (1, CHANNELS, EDGE, EDGE)
    weights = (SIDE, SIDE) if product else (CHANNELS, CHANNELS, KERNEL, KERNEL)
    left = ops.parameter(shape, np.float32)
    right = ops.constant(random.standard_normal(weights).astype(np.float32))
    first = left
    if precision == "int8":
        ends = [np.float32(v) for v in (0, 1, -5, 5)]
        first = ops.fake_quantize(left, ends[0], ends[1], ends[0], ends[1], 256)
        right = ops.fake_quantize(right, ends[2], ends[3], ends[2], ends[3], 255)
    if product:
        result = ops.matmul(first, right, False, False)
    else:
        margin = [KERNEL // 2] * 2
        result = ops.convolution(first, right, [1, 1], margin, margin, [1, 1])
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
    }
    model = openvino.Model([result], [left])
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    values = random.random(shape, dtype=np.float32)
    return lambda: request.infer({0: values})
