"""model.int8.onnx: 8-bit arithmetic over the weights that the folder holds once."""

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from safetensors.numpy import load_file

from featherdepth.errors import WeightsError
from featherdepth.export import single_file as inside
from featherdepth.export.int8 import kept_nodes, quantize_onnx
from featherdepth.export.int8_graph import write_int8_graph
from featherdepth.export.onnx import write_graph
from featherdepth.export.pictures import Photos
from featherdepth.export.sensitivity import network_of
from featherdepth.export.source import Source
from featherdepth.networks.folder import CONFIG, GRAPH_INT8, WEIGHTS, read_config, write_folder
from featherdepth.networks.weights import save_model
from featherdepth.runtime.backends import BACKENDS
from featherdepth.runtime.model import DepthModel
from tracing import no_shape_checks

PICTURE = np.random.default_rng(0).random((1, 3, 64, 128), dtype=np.float32)


@pytest.fixture(scope="module")
def folder(
    source: Source, recorded: onnx.ModelProto, photo_folder: Path, tmp_path_factory: Any
) -> Path:
    """The random `small` with both graphs."""
    made: Path = tmp_path_factory.mktemp("both") / "small"
    save_model(made, source.preset, source.module, "card", storage="fp16")
    with no_shape_checks():
        write_graph(made)
    calibration = Photos([photo_folder], source.preset, fixed=None, channels=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inside, "single_file", lambda *_, **__: copy.deepcopy(recorded))
        write_int8_graph(made, calibration)
    return made


@pytest.mark.slow
def test_weights_that_are_stored_in_8_bits_are_read_too(
    make_model: Callable[..., Path], photo_folder: Path
) -> None:
    made = make_model("small", graph=False, size=64, storage="int8")
    with no_shape_checks():
        write_graph(made)
        preset = read_config(made)
        write_int8_graph(made, Photos([photo_folder], preset, fixed=None, channels=3))
    exact = BACKENDS.load("onnx").open(made, preset, 1, "fp32")(PICTURE)

    for backend in ("onnx", "openvino"):
        found = BACKENDS.load(backend).open(made, preset, 1, "int8")(PICTURE)
        assert 0 < np.abs(found - exact).mean() < 0.1 * np.ptp(exact)


def test_it_holds_scales_and_no_weights(folder: Path) -> None:
    graph = onnx.load(folder / GRAPH_INT8, load_external_data=False).graph

    inside = [t for t in graph.initializer if t.data_location != TensorProto.EXTERNAL]
    assert not [t.name for t in inside if len(t.dims) > 1]
    assert (folder / GRAPH_INT8).stat().st_size < 0.15 * (folder / WEIGHTS).stat().st_size
    quantized = {n.op_type for n in graph.node if n.op_type in ("QuantizeLinear", "Conv")}
    assert quantized == {"QuantizeLinear", "Conv"}


def test_it_computes_what_a_file_with_8_bit_weights_inside_computes(
    folder: Path, recorded: onnx.ModelProto, photo_folder: Path, tmp_path: Path
) -> None:
    preset = read_config(folder)
    calibration = Photos([photo_folder], preset, fixed=None, channels=3)
    whole = quantize_onnx(
        copy.deepcopy(recorded), calibration, kept_nodes(recorded.graph), tmp_path
    )
    expected = network_of(whole)(PICTURE)
    exact = BACKENDS.load("onnx").open(folder, preset, 1, "fp32")(PICTURE)
    span = np.ptp(exact)

    found = BACKENDS.load("onnx").open(folder, preset, 1, "int8")(PICTURE)

    # Codes may differ where a product lies between two of them.
    assert np.abs(found - expected).max() < 0.02 * span
    assert 0 < np.abs(found - exact).mean() < 0.1 * span
    other = BACKENDS.load("openvino").open(folder, preset, 1, "int8")(PICTURE)
    assert np.abs(other - found).mean() < 0.05 * span


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_other_weights_under_it_are_refused(folder: Path, backend: str, tmp_path: Path) -> None:
    preset = read_config(folder)
    tensors = load_file(folder / WEIGHTS)
    name = next(n for n, t in tensors.items() if t.dtype == np.float16 and t.ndim == 4)
    tensors[name] = tensors[name] * np.float16(1.5)
    graph = (folder / GRAPH_INT8).read_bytes()
    written = write_folder(tmp_path, dataclasses.replace(preset, verified={}), tensors, "card")
    assert not (tmp_path / GRAPH_INT8).exists()
    (tmp_path / GRAPH_INT8).write_bytes(graph)

    with pytest.raises(WeightsError, match=r"model\.int8\.onnx: is for other weights"):
        BACKENDS.load(backend).open(tmp_path, written, 1, "int8")


def test_what_was_verified_does_not_outlive_the_weights(folder: Path, tmp_path: Path) -> None:
    preset = read_config(folder)
    tensors = load_file(folder / WEIGHTS)
    said = dataclasses.replace(preset, verified={"int8": 0.004})

    same = write_folder(tmp_path / "same", said, tensors, "card")
    name = next(iter(tensors))
    tensors[name] = tensors[name] * 0
    other = write_folder(tmp_path / "other", said, tensors, "card")

    assert same.verified == {"int8": 0.004}
    assert other.verified == {}
    assert json.loads((tmp_path / "same" / CONFIG).read_text())["verified"] == {"int8": 0.004}


def test_a_model_says_that_it_computes_in_8_bits(folder: Path) -> None:
    depth = DepthModel.from_pretrained(folder, precision="int8", threads=1).infer(
        np.zeros((64, 64, 3), np.uint8)
    )

    assert depth.provenance.precision == "int8"
