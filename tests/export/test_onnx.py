"""model.onnx holds no weights, computes what torch computes, and costs nothing at run time."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from onnx import TensorProto
from torch import nn

from featherdepth.errors import BackendError, WeightsError
from featherdepth.export.onnx import write_graph
from featherdepth.export.parity import SIZES, TOLERANCE, differences, verify
from featherdepth.networks.folder import layout, write_folder
from featherdepth.networks.weights import load_model, save_model

pytestmark = pytest.mark.usefixtures("traceable")


@pytest.fixture
def folder(small_model: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(small_model, tmp_path / "small"))


def graph_of(folder: Path) -> onnx.GraphProto:
    return onnx.load(folder / "model.onnx", load_external_data=False).graph


@pytest.fixture(scope="module")
def eight_bit(make_model: Callable[..., Path]) -> Path:
    """The network `small` with its weights in 8-bit storage; not to be written into."""
    return make_model("small", storage="int8")


@pytest.fixture(params=["fp16", "int8"])
def stored(request: pytest.FixtureRequest) -> Path:
    """A model folder in each storage; not to be written into."""
    name = {"fp16": "small_model", "int8": "eight_bit"}[request.param]
    return Path(request.getfixturevalue(name))


@pytest.mark.parametrize("backend", sorted(TOLERANCE))
def test_a_backend_agrees_with_torch_at_ten_sizes(stored: Path, backend: str) -> None:
    found = differences(stored, backends=[backend], threads=1)

    assert [d.size for d in found] == list(SIZES) and len(SIZES) == 10
    assert max(d.share for d in found) <= TOLERANCE[backend], found


def test_every_large_tensor_is_a_byte_range_of_the_weights_file(stored: Path) -> None:
    places = layout(stored)

    graph = graph_of(stored)

    external = {t.name: t for t in graph.initializer if t.external_data}
    assert external.keys() == places.keys()  # nothing stored is unused, nothing used is elsewhere
    for name, tensor in external.items():
        entry = {e.key: e.value for e in tensor.external_data}
        assert entry["location"] == "model.safetensors"
        assert (int(entry["offset"]), int(entry["length"])) == places[name][2:]
    assert (stored / "model.onnx").stat().st_size < 150_000


def test_no_batchnorm_is_left_behind_a_convolution(stored: Path) -> None:
    kinds = [node.op_type for node in graph_of(stored).node]

    assert "BatchNormalization" not in kinds and kinds.count("Conv") == 57


def test_the_arithmetic_on_weights_is_gone_once_the_graph_is_loaded(
    stored: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(stored, tmp_path / "small"))
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "loaded.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 3  # it warns that the optimised file fits this machine only

    onnxruntime.InferenceSession(folder / "model.onnx", options)

    loaded = onnx.load(folder / "loaded.onnx", load_external_data=False).graph
    kinds = {node.op_type for node in loaded.node}
    assert not kinds & {"Cast", "Sqrt", "Unsqueeze"}, kinds
    # One subtraction and one division are left: those of the normalisation.
    assert [sum(n.op_type == k for n in loaded.node) for k in ("Sub", "Div")] == [1, 1]
    kept = {t.data_type for t in loaded.initializer}
    assert not kept & {TensorProto.INT8, TensorProto.FLOAT16}, kept


def test_openvino_keeps_no_8_bit_tensor_at_run_time(eight_bit: Path) -> None:
    compiled = openvino.Core().compile_model(eight_bit / "model.onnx", "CPU")

    types = {
        str(port.get_element_type())
        for node in compiled.get_runtime_model().get_ops()
        for port in node.outputs()
    }
    assert not [name for name in types if "8" in name], types


def test_8_bit_weights_are_multiplied_by_their_scales(eight_bit: Path) -> None:
    graph = graph_of(eight_bit)

    scales = {t.name for t in graph.initializer if t.name.endswith(".scale")}
    assert len(scales) == 36 and "DequantizeLinear" not in {n.op_type for n in graph.node}
    read = [name for node in graph.node if node.op_type == "Mul" for name in node.input]
    assert scales == {name for name in read if name.endswith(".scale")}


def test_the_graph_says_nothing_of_the_place_it_was_made_at(small_model: Path) -> None:
    data = (small_model / "model.onnx").read_bytes()

    assert b"forward" not in data and str(Path(__file__).parents[2]).encode() not in data


def test_the_graph_holds_for_other_weights_of_the_same_layout(folder: Path) -> None:
    graph = (folder / "model.onnx").read_bytes()
    preset, module = load_model(folder)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.01)
    save_model(folder, preset, module, "")
    (folder / "model.onnx").write_bytes(graph)

    assert all(d.within for d in verify(folder, sizes=[(128, 192)]))


def test_parity_fails_where_the_graph_computes_something_else(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    relu = next(n for n in model.graph.node if n.op_type == "Relu")
    relu.op_type = "Abs"
    (folder / "model.onnx").write_bytes(model.SerializeToString())

    with pytest.raises(BackendError, match="differs from torch by"):
        verify(folder, sizes=[(64, 64)])


def test_parity_fails_where_one_scale_is_added_instead_of_multiplied(
    eight_bit: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(eight_bit, tmp_path / "small"))
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    scaled = [n for n in model.graph.node if n.input and n.input[-1].endswith(".scale")]
    scaled[-1].op_type = "Add"
    (folder / "model.onnx").write_bytes(model.SerializeToString())

    with pytest.raises(BackendError, match="differs from torch by"):
        verify(folder, sizes=[(64, 64)])


class Hard(nn.Module):
    """What the folding must not trip over."""

    def __init__(self) -> None:
        super().__init__()
        self.normalize = nn.Module()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)  # bias, then BatchNorm
        self.stem_norm = nn.BatchNorm2d(8, eps=1e-3)
        self.deep = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)  # depthwise
        self.deep_norm = nn.BatchNorm2d(8)
        self.both = nn.Conv2d(8, 8, 1)  # its output is used before and after BatchNorm
        self.both_norm = nn.BatchNorm2d(8)
        self.alone = nn.BatchNorm2d(8)
        self.head = nn.Conv2d(8, 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.deep_norm(self.deep(self.stem_norm(self.stem(images)).relu()))
        raw = self.both(x)
        x = self.alone(self.both_norm(raw) + raw)
        x = nn.functional.interpolate(x, size=images.shape[-2:], mode="bilinear")
        depth: torch.Tensor = self.head(x)
        return depth


@pytest.mark.parametrize("storage", ["fp16", "int8"])
def test_bias_groups_and_convolutions_read_twice_survive_the_folding(
    storage: Literal["fp16", "int8"],
    small_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    randomize: object,
) -> None:
    torch.manual_seed(1)
    module = randomize(Hard())  # type: ignore[operator]
    preset, _ = load_model(small_model)
    monkeypatch.setattr("featherdepth.networks.eight_bit.FEWEST", 1)  # all of its filters are small
    save_model(tmp_path, preset, module, "", storage=storage)
    _, stored = load_hard(tmp_path, monkeypatch)

    write_graph(tmp_path)

    kinds = [node.op_type for node in graph_of(tmp_path).node]
    assert kinds.count("BatchNormalization") == 2  # `both_norm` and `alone`
    graph = (tmp_path / "model.onnx").read_bytes()
    assert write_graph(tmp_path).read_bytes() == graph  # made anew, it is the same
    images = torch.rand(2, 3, 128, 64)
    found = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(
        None, {"images": images.numpy()}
    )[0]
    with torch.no_grad():
        np.testing.assert_allclose(found, stored(images).numpy(), rtol=1e-4, atol=1e-5)


def load_hard(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, nn.Module]:
    """`load_model` for a network that is in no table."""
    monkeypatch.setattr("featherdepth.networks.weights.build_network", lambda *a, **k: Hard())
    return load_model(folder)


def test_a_graph_that_needs_an_unstored_tensor_is_refused(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("table", torch.rand(1, 3, 64, 64), persistent=False)
            self.conv = nn.Conv2d(3, 1, 1)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            grid = nn.functional.interpolate(self.table, size=images.shape[-2:])
            depth: torch.Tensor = self.conv(images + grid)
            return depth

    preset, _ = load_model(small_model)
    save_model(tmp_path, preset, Forgetful(), "")
    monkeypatch.setattr("featherdepth.networks.weights.build_network", lambda *a, **k: Forgetful())

    with pytest.raises(WeightsError, match=r"the graph needs table \(1, 3, 64, 64\)"):
        write_graph(tmp_path)
    assert not (tmp_path / "model.onnx").exists()


def test_a_damaged_folder_gets_no_graph(small_model: Path, tmp_path: Path) -> None:
    preset, _ = load_model(small_model)
    write_folder(tmp_path, preset, {"a": np.zeros(3, dtype=np.float32)}, "")

    with pytest.raises(WeightsError, match="does not fit network 'small': misses"):
        write_graph(tmp_path)
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["base", "fast", "topformer-lite"])
def test_the_other_networks_agree_too(name: str, make_model: object) -> None:
    folder = make_model(name)  # type: ignore[operator]

    assert all(d.within for d in verify(folder, sizes=[(64, 64), (128, 320), (384, 512)]))
