"""An ONNX file teaches with the kind, size and normalization that are stated for it."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from featherdepth.distill.teachers.onnx_file import _session
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import BackendError, UsageError, WeightsError
from featherdepth.types import DepthKind


def write_graph(
    path: Path,
    *,
    shape=("b", 3, "h", "w"),
    dtype=TensorProto.FLOAT,
    outputs=("map",),
    keepdims=1,
    metadata=None,
    gain=2.0,
    location=None,
    inputs=1,
) -> Path:
    """map = gain * mean over the channels; `location` puts the gain into a file beside it."""
    number = np.array([gain], dtype=np.float32 if dtype == TensorProto.FLOAT else np.float16)
    weight = numpy_helper.from_array(number, "gain")
    if location is not None:
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value=location)
    names = ["images", *(f"more{i}" for i in range(inputs - 1))]
    nodes = [helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=keepdims)]
    nodes += [helper.make_node("Mul", ["mean", "gain"], [name]) for name in outputs]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, dtype, shape) for name in names],
        [helper.make_tensor_value_info(name, dtype, None) for name in outputs],
        [weight, numpy_helper.from_array(np.array([1], dtype=np.int64), "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    path.write_bytes(model.SerializeToString())
    return path


FREE = {"kind": "affine_invariant_disparity", "size": "96", "multiple": "8"}


def test_what_its_metadata_states_is_taken(tmp_path):
    metadata = FREE | {"license": "MIT", "mean": "0.5,0.5,0.5", "std": "0.25,0.25,0.25"}
    teacher = open_teacher(write_graph(tmp_path / "d.onnx", metadata=metadata))

    assert isinstance(teacher, Teacher)
    assert teacher.card.name == "d.onnx"
    assert teacher.card.kind is DepthKind.AFFINE_INVARIANT_DISPARITY
    assert teacher.card.commercial
    assert teacher.input_size(100, 100) == (96, 96)
    # (0.75 - 0.5) / 0.25 = 1 in every channel, times the gain of 2.
    torch.testing.assert_close(
        teacher(torch.full((2, 3, 8, 16), 0.75)), torch.full((2, 1, 8, 16), 2.0)
    )


def test_the_reference_states_what_the_file_does_not_and_wins_where_it_does(tmp_path):
    path = write_graph(tmp_path / "d.onnx", metadata={"size": "64"})

    teacher = open_teacher(f"{path}?kind=metric&size=128")

    assert teacher.card.kind is DepthKind.METRIC
    assert teacher.input_size(10, 10) == (128, 128)
    assert not teacher.card.commercial


def test_a_file_that_states_no_kind_is_refused_with_how_to_state_it(tmp_path):
    path = write_graph(tmp_path / "d.onnx")

    with pytest.raises(UsageError) as caught:
        open_teacher(str(path))

    assert f"write `kind` into its metadata, or name it {path}?kind=KIND; one of metric," in str(
        caught.value
    )


def test_pictures_go_in_as_they_are_unless_mean_and_std_are_stated(tmp_path):
    teacher = open_teacher(write_graph(tmp_path / "d.onnx", metadata=FREE))

    assert teacher(torch.full((1, 3, 8, 8), 0.75)).eq(1.5).all()


def test_a_photo_keeps_its_aspect_where_the_size_is_free(tmp_path, photo):
    teacher = open_teacher(write_graph(tmp_path / "d.onnx", metadata=FREE))

    assert teacher.prepare(photo(90, 160)).shape == (3, 72, 128)
    assert teacher.prepare(photo(90, 160), (64, 64)).shape == (3, 64, 64)


def test_a_fixed_size_is_stretched_to_and_no_other_is_taken(tmp_path, photo):
    path = write_graph(tmp_path / "d.onnx", shape=(1, 3, 48, 64), metadata=FREE)
    teacher = open_teacher(path)

    assert teacher.prepare(photo(300, 100)).shape == (3, 48, 64)
    with pytest.raises(UsageError, match=r"d\.onnx: sees every photo at 48x64, not at 96"):
        open_teacher(path, size=96)


def test_a_graph_for_one_picture_is_run_picture_by_picture(tmp_path):
    teacher = open_teacher(
        write_graph(tmp_path / "d.onnx", shape=(1, 3, 8, 8), metadata=FREE, keepdims=0)
    )
    images = torch.rand(3, 3, 8, 8)

    torch.testing.assert_close(teacher(images), 2 * images.mean(1, keepdim=True))


def test_a_half_precision_graph_gives_float32_maps(tmp_path):
    teacher = open_teacher(
        write_graph(tmp_path / "d.onnx", dtype=TensorProto.FLOAT16, metadata=FREE)
    )

    maps = teacher(torch.full((1, 3, 8, 8), 0.75))

    assert maps.dtype == torch.float32
    assert maps.eq(1.5).all()


def test_of_several_outputs_the_one_called_depth_is_taken(tmp_path):
    named = write_graph(tmp_path / "a.onnx", outputs=("x", "predicted_depth"), metadata=FREE)
    unnamed = write_graph(tmp_path / "b.onnx", outputs=("x", "y"), metadata=FREE)

    assert open_teacher(named)(torch.ones(1, 3, 8, 8)).eq(2).all()
    with pytest.raises(UsageError, match="its outputs are x, y; expected one, or one that is"):
        open_teacher(unnamed)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": ("b", 1, "h", "w")}, r"\['b', 1, 'h', 'w'\]; expected \(batch, 3, h, w\)"),
        ({"shape": (4, 3, 8, 8)}, "with batch 1 or free"),
        ({"shape": ("b", 3, 8, "w")}, "both fixed or both free"),
        ({"shape": ("b", 3, "h")}, "expected one of float RGB"),
        ({"inputs": 2}, "expected one of float RGB"),
    ],
)
def test_a_graph_that_does_not_take_rgb_is_refused(changes, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        open_teacher(write_graph(tmp_path / "d.onnx", metadata=FREE, **changes))


def test_weights_beside_it_are_read_and_are_in_its_digest(tmp_path):
    path = write_graph(tmp_path / "d.onnx", metadata=FREE, location="w.bin")
    (tmp_path / "w.bin").write_bytes(np.float32(4).tobytes())

    teacher = open_teacher(path)

    assert teacher(torch.ones(1, 3, 8, 8)).eq(4).all()
    (tmp_path / "w.bin").write_bytes(np.float32(5).tobytes())
    assert open_teacher(path).card.digest != teacher.card.digest


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "a/../../secret.bin"])
def test_no_file_outside_of_its_folder_is_read(location, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.bin").write_bytes(np.float32(4).tobytes())
    path = write_graph(tmp_path / "in" / "d.onnx", metadata=FREE, location=location)

    with pytest.raises(WeightsError, match="data is read from its own folder only"):
        open_teacher(path)


def test_onnxruntime_itself_reads_no_file_outside_either(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.bin").write_bytes(np.float32(4).tobytes())
    path = write_graph(tmp_path / "in" / "d.onnx", metadata=FREE, location="../secret.bin")

    with pytest.raises(WeightsError, match="onnxruntime cannot load it"):
        _session(path, None)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.bin").write_bytes(np.float32(4).tobytes())
    (tmp_path / "in" / "w.bin").symlink_to(tmp_path / "secret.bin")
    path = write_graph(tmp_path / "in" / "d.onnx", metadata=FREE, location="w.bin")

    with pytest.raises(WeightsError, match="data is read from its own folder only"):
        open_teacher(path)


def test_data_of_a_branch_is_looked_at_too(tmp_path):
    path = write_graph(tmp_path / "d.onnx", metadata=FREE)
    model = onnx.load(path)
    inner = TensorProto(name="v", data_type=TensorProto.FLOAT, dims=[1])
    inner.data_location = TensorProto.EXTERNAL
    inner.external_data.add(key="location", value="../secret.bin")
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=inner))
    path.write_bytes(model.SerializeToString())

    with pytest.raises(WeightsError, match=r"wants the file '\.\./secret\.bin'"):
        open_teacher(path)


@pytest.mark.parametrize("content", [b"", b"not onnx at all", b"\x00" * 100])
def test_a_file_that_is_no_graph_is_one_line(content, tmp_path):
    path = tmp_path / "d.onnx"
    path.write_bytes(content)

    with pytest.raises((WeightsError, UsageError)) as caught:
        open_teacher(f"{path}?kind=metric")

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(WeightsError, match=r"no such file; expected an ONNX file"):
        open_teacher(f"{tmp_path}/d.onnx?kind=metric")
    path = write_graph(tmp_path / "d.onnx", metadata=FREE, location="w.bin")
    with pytest.raises(WeightsError, match=r"its data file 'w\.bin' is missing"):
        open_teacher(path)


def test_the_graph_of_a_model_folder_points_to_the_folder(tmp_path):
    write_graph(tmp_path / "model.onnx", metadata=FREE)
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(UsageError, match="is a part of a model folder; name the folder"):
        open_teacher(tmp_path / "model.onnx")


def test_a_size_that_the_graph_cannot_compute_is_one_line(tmp_path):
    # Joined to a constant of 8 columns, the map has only this width.
    path = write_graph(tmp_path / "d.onnx", metadata=FREE)
    model = onnx.load(path)
    row = numpy_helper.from_array(np.ones((1, 1, 8, 8), np.float32), "row")
    model.graph.initializer.append(row)
    model.graph.node.append(helper.make_node("Concat", ["map", "row"], ["both"], axis=1))
    model.graph.node.append(helper.make_node("ReduceMax", ["both", "axes"], ["depth"]))
    model.graph.output.append(helper.make_tensor_value_info("depth", TensorProto.FLOAT, None))
    path.write_bytes(model.SerializeToString())
    teacher = open_teacher(path)

    assert teacher(torch.ones(1, 3, 8, 8)).shape == (1, 1, 8, 8)
    with pytest.raises(BackendError, match=r"d\.onnx: onnxruntime cannot run it at 16x16"):
        teacher(torch.ones(1, 3, 16, 16))


def test_disparity_stays_disparity_and_depth_stays_depth(tmp_path):
    # Brighter is larger: whatever the numbers are said to mean, they come as the graph gives them.
    path = write_graph(tmp_path / "d.onnx", metadata={"size": "64"})
    ramp = torch.linspace(0, 1, 8).expand(1, 3, 8, 8).contiguous()

    disparity = open_teacher(f"{path}?kind=affine_invariant_disparity")
    depth = open_teacher(f"{path}?kind=affine_invariant")

    assert (disparity.card.kind.larger_is, depth.card.kind.larger_is) == ("nearer", "farther")
    assert torch.equal(disparity(ramp), depth(ramp))
    assert disparity(ramp)[0, 0, 0].diff().gt(0).all()
    assert disparity.card.digest != depth.card.digest
