"""What the machine can do at most."""

from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from featherdepth.evaluation.speed.limit import (
    CONVOLUTION,
    GRAPHS,
    OPERATIONS,
    PRODUCT,
    operations,
    rates,
)


def graph(operator: str, left: int, right: int, out: int) -> bytes:
    port = helper.make_tensor_value_info
    node = helper.make_node(operator, ["a", "b"], ["c"])
    made = helper.make_graph(
        [node],
        "limit",
        [port("a", left, ["m", "k"]), port("b", right, ["k", "n"])],
        [port("c", out, ["m", "n"])],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(made, opset_imports=opset, ir_version=9).SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("matmul", graph("MatMul", *(TensorProto.FLOAT,) * 3)),
        (
            "matmul_int8",
            graph("MatMulInteger", TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32),
        ),
    ],
)
def test_the_shipped_graphs_are_one_product(name: str, expected: bytes) -> None:
    shipped = (GRAPHS / f"{name}.onnx").read_bytes()

    onnx.checker.check_model(onnx.load_from_string(shipped))
    assert shipped == expected


def test_operations_are_counted_by_hand() -> None:
    assert OPERATIONS[PRODUCT] == 2 * 2048 * 2048 * 2048
    assert OPERATIONS[CONVOLUTION] == 2 * 3 * 3 * 512 * 512 * 28 * 28


def test_the_best_rate_of_each_precision_is_the_limit() -> None:
    found = rates(
        {
            f"fp32/onnx/{PRODUCT}": 100.0,
            f"fp32/openvino/{PRODUCT}": 80.0,
            f"int8/onnx/{PRODUCT}": 50.0,
            # Less time than the product, and fewer operations: a lower rate.
            f"fp32/openvino/{CONVOLUTION}": 18.0,
            f"int8/openvino/{CONVOLUTION}": 2.0,
        }
    )

    assert found["fp32"] == {
        "gflops": pytest.approx(OPERATIONS[PRODUCT] / 0.080 / 1e9),
        "runtime": "openvino",
        "operation": PRODUCT,
    }
    assert found["int8"]["gflops"] == pytest.approx(OPERATIONS[CONVOLUTION] / 0.002 / 1e9)
    assert found["int8"]["operation"] == CONVOLUTION


def test_operations_run_and_give_what_they_are_named_after() -> None:
    calls = operations(1, frozenset({"fp32"}))

    assert set(calls) == {
        f"fp32/{name}" for name in (f"onnx/{PRODUCT}", *(f"openvino/{o}" for o in OPERATIONS))
    }
    found = calls[f"fp32/onnx/{PRODUCT}"]()
    assert isinstance(found, list)
    assert found[0].shape == (2048, 2048)
    assert found[0].mean() == pytest.approx(2048 / 4, rel=0.01)  # numbers in 0..1
    convolved: Any = calls[f"fp32/openvino/{CONVOLUTION}"]()
    assert convolved[0].shape == (1, 512, 28, 28)
