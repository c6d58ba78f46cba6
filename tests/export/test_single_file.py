"""One file with its weights inside sees what torch sees, at any size it says it takes."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from featherdepth.errors import UsageError
from featherdepth.export.maker import Maker
from featherdepth.export.onnx import replace_all
from featherdepth.export.parity import SIZES, made_up
from featherdepth.export.single_file import evaluate_constants, half_storage, layers, single_file
from featherdepth.export.source import Source, open_source
from featherdepth.runtime.backends import Network
from featherdepth.runtime.backends.pytorch import run_module
from featherdepth.runtime.exported import Exported
from featherdepth.runtime.model import DepthModel

pytestmark = pytest.mark.usefixtures("quick", "traceable")
OPEN = sorted(("onnx", "openvino"))


def made(source: Source, to: str, folder: Path, **said: object) -> tuple[Exported, Path, Network]:
    about = Exported(preset=source.preset, **({"precision": "fp32"} | said))  # type: ignore[arg-type]
    exported, files, network = Maker(source, about, to, folder, None).make(())
    return exported, files[0], network


def far(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.ptp(expected))


@pytest.mark.parametrize("to", OPEN)
def test_ten_sizes_agree_with_torch(source: Source, to: str, tmp_path: Path) -> None:
    _, _, network = made(source, to, tmp_path)
    original = run_module(source.module, None, "fp32")

    shares = {size: far(network(p := made_up(size, 3)), original(p)) for size in SIZES}

    assert len(shares) == 10 and max(shares.values()) <= 1e-3, shares


@pytest.mark.parametrize("to", OPEN)
@pytest.mark.parametrize("size", [(64, 128), (65, 127), (100, 1), (190, 130)])
def test_bytes_of_any_size_are_padded_with_their_border_and_cut(
    source: Source, to: str, size: tuple[int, int], tmp_path: Path
) -> None:
    exported, _, network = made(source, to, tmp_path, input="uint8")
    pixels = np.rint(made_up(size, 3) * 255) / np.float32(255)
    below, right = -size[0] % 64, -size[1] % 64
    padded = np.pad(pixels, ((0, 0), (0, 0), (0, below), (0, right)), mode="edge")

    found = network(pixels)

    expected = run_module(source.module, None, "fp32")(padded)[:, :, : size[0], : size[1]]
    assert found.shape == (1, 1, *size) and exported.port == "pixels"
    assert np.abs(found - expected).max() <= 1e-3 * np.ptp(expected) + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("input_", ["float", "uint8"])
def test_a_program_for_torch_agrees_too(source: Source, input_: str, tmp_path: Path) -> None:
    _, _, network = made(source, "pt2", tmp_path, input=input_)
    picture = np.rint(made_up((128, 192), 3) * 255) / np.float32(255)

    assert far(network(picture), run_module(source.module, None, "fp32")(picture)) <= 1e-5


@pytest.mark.slow
def test_a_program_that_cannot_take_every_size_wants_one(tmp_path: Path) -> None:
    _, _, network = made(open_source("fast"), "pt2", tmp_path)

    with pytest.raises(UsageError, match="fast: its record for torch needs one size; add --size"):
        network(made_up((64, 64), 3))


def test_nothing_lies_in_another_file_and_no_batchnorm_is_left(recorded: onnx.ModelProto) -> None:
    assert not any(t.external_data for t in recorded.graph.initializer)
    kinds = {node.op_type for node in recorded.graph.node}
    assert kinds == {"Conv", "Clip", "Add", "Relu", "Resize", "Sub", "Div"}


def test_layers_are_called_as_their_weights(recorded: onnx.ModelProto, source: Source) -> None:
    names = [layer.name for layer in layers(recorded.graph)]

    weights = {n.removesuffix(".weight") for n, p in source.module.named_parameters() if p.ndim > 1}
    assert set(names) == weights and len(names) == len(weights) == 57


def test_half_storage_is_half_and_near(
    recorded: onnx.ModelProto, source: Source, tmp_path: Path
) -> None:
    _, whole, _ = made(source, "onnx", tmp_path)
    before = whole.stat().st_size
    _, half, network = made(source, "onnx", tmp_path, precision="fp16")

    assert half.stat().st_size < 0.55 * before
    picture = made_up((128, 128), 3)
    assert far(network(picture), run_module(source.module, None, "fp32")(picture)) < 0.05
    stored = copy.deepcopy(recorded)
    half_storage(stored)
    large = [t for t in stored.graph.initializer if np.prod(t.dims) >= 256]
    assert {t.data_type for t in large} == {TensorProto.FLOAT16}


@pytest.mark.slow
def test_a_fixed_size_is_in_the_file_and_nothing_else_is_taken(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featherdepth.export.single_file.single_file", single_file)
    exported, path, network = made(source, "onnx", tmp_path, fixed=(64, 128))

    graph = onnx.load(path).graph
    shapes = [[d.dim_value for d in p.type.tensor_type.shape.dim] for p in graph.input]
    assert shapes == [[1, 3, 64, 128]] and "Shape" not in {n.op_type for n in graph.node}
    picture = made_up((64, 128), 3)
    assert far(network(picture), run_module(source.module, None, "fp32")(picture)) < 1e-4
    model = DepthModel.from_pretrained(path)
    photo = np.full((90, 70, 3), 99, dtype=np.uint8)
    depth = model.infer(photo)
    assert depth.size == (90, 70) and depth.provenance.input_size == (64, 128)
    with pytest.raises(UsageError, match="was exported for 64x128 and sees nothing else"):
        model.infer(photo, size=64)
    assert exported.size_for((64, 128)) == (64, 128)


@pytest.mark.slow
def test_the_completion_network_takes_five_channels(
    make_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featherdepth.export.single_file.single_file", single_file)
    completion = open_source("completion")
    for to in OPEN:
        _, _, network = made(completion, to, tmp_path, channels=5)
        original = run_module(completion.module, None, "fp32")
        for size in ((64, 64), (128, 192)):
            picture = made_up(size, 5)
            for plane in range(2):
                found, expected = network(picture)[:, plane], original(picture)[:, plane]
                assert far(found, expected) <= 1e-3


def test_constants_are_evaluated_and_what_depends_on_the_input_is_not() -> None:
    weights = onnx.numpy_helper.from_array(np.array([2.0], dtype=np.float32), "w")
    nodes = [
        onnx.helper.make_node("Mul", ["w", "w"], ["four"]),
        onnx.helper.make_node("Mul", ["images", "four"], ["depth"]),
    ]
    port = onnx.helper.make_tensor_value_info("images", TensorProto.FLOAT, [1])
    end = onnx.helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph(nodes, "g", [port], [end], [weights])

    evaluate_constants(graph)

    assert [n.op_type for n in graph.node] == ["Mul"]
    values = {t.name: onnx.numpy_helper.to_array(t).tolist() for t in graph.initializer}
    assert values == {"four": [4.0]}
    replace_all(graph.initializer, [])
    assert not graph.initializer
