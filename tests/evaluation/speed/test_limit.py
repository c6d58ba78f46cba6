"""What the machine can do at most."""

import onnx
import pytest
from onnx import TensorProto, helper

from featherdepth.evaluation.speed.limit import GRAPHS, OPERATIONS, products, rates


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


def test_the_best_runtime_of_each_precision_is_the_limit() -> None:
    found = rates({"fp32/onnx": 100.0, "fp32/openvino": 80.0, "int8/onnx": 50.0})

    assert OPERATIONS == 2 * 2048**3
    assert found["fp32"] == {
        "gflops": pytest.approx(OPERATIONS / 0.080 / 1e9),
        "runtime": "openvino",
        "matrix": 2048,
    }
    assert found["int8"]["gflops"] == pytest.approx(OPERATIONS / 0.050 / 1e9)


def test_products_run_and_the_result_is_a_product() -> None:
    calls = products(1, frozenset({"fp32"}))

    assert set(calls) == {"fp32/onnx", "fp32/openvino"}
    found = calls["fp32/onnx"]()
    assert isinstance(found, list)
    assert found[0].shape == (2048, 2048)
    assert found[0].mean() == pytest.approx(2048 / 4, rel=0.01)  # numbers in 0..1
