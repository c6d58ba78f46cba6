"""A model folder is read whole or refused with one line, and written whole or not at all."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from featherdepth.errors import RunError, WeightsError
from featherdepth.networks.folder import (
    layout,
    read_preset,
    read_tensors,
    write_folder,
)
from featherdepth.types import DepthKind, Preset

PRESET = Preset(
    name="toy",
    network="small",
    settings={"widths": [8, 16, 24]},
    kind=DepthKind.AFFINE_INVARIANT,
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
    params=10,
    macs=20,
    license="Apache-2.0",
    materials=({"name": "made up", "class": "A"},),
)
TENSORS = {
    "conv.weight": np.arange(6, dtype=np.float16).reshape(2, 3),
    "conv.bias": np.array([0.1, 0.2], dtype=np.float32),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "toy", PRESET, TENSORS, "# toy\n")
    return tmp_path / "toy"


def test_what_was_written_is_read_back(folder: Path) -> None:
    preset, tensors = read_tensors(folder)

    sha256 = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert preset == replace(PRESET, sha256=sha256) == read_preset(folder)
    assert {k: v.dtype for k, v in tensors.items()} == {k: v.dtype for k, v in TENSORS.items()}
    for name, values in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], values)
    assert (folder / "README.md").read_text() == "# toy\n"


def test_the_layout_are_the_tensors(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()

    places = layout(folder)

    for name, values in TENSORS.items():
        place = places[name]
        assert data[place.offset : place.offset + place.length] == values.tobytes()
        assert place.shape == values.shape


@pytest.mark.parametrize(
    ("name", "written"), [("été\u3000夏", "été\u3000夏"), ("a\x1b[31m\u202eb", "a_[31m_b")]
)
def test_a_folder_of_any_name_is_written_so_that_it_is_read(
    tmp_path: Path, name: str, written: str
) -> None:
    write_folder(tmp_path / "run", replace(PRESET, name=name), TENSORS, "")

    assert read_preset(tmp_path / "run").name == written


def test_new_weights_remove_the_graph_of_the_old_ones(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"graph")

    write_folder(folder, PRESET, TENSORS, "")

    assert not (folder / "model.onnx").exists()


def edit_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda f: (f / "config.json").unlink(), "config.json: cannot read it"),
        (lambda f: (f / "config.json").write_text("{"), "config.json: not JSON"),
        (lambda f: (f / "config.json").write_bytes(b"\xff\xfe\x00"), "config.json: not JSON"),
        (lambda f: edit_config(f, kindd="metric"), "kindd: unknown key"),
        (lambda f: edit_config(f, kind="depth"), "'depth' is not one of 'metric'"),
        (lambda f: edit_config(f, storage="int4"), "'int4' is not one of 'fp16', 'int8'"),
        (
            lambda f: edit_config(f, name="toy\x1b[31m"),
            r"config.json: name is 'toy\\x1b\[31m'; expected printable characters only",
        ),
        (lambda f: edit_config(f, license="free\nfor all"), r"license is 'free\\nfor all'"),
        (lambda f: edit_config(f, multiple=0), "config.json: multiple is 0; expected 1 or more"),
        (lambda f: edit_config(f, size=-1), "config.json: size is -1; expected 1 or more"),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors: cannot read it"),
        (lambda f: (f / "model.safetensors").write_bytes(b""), "differs from"),
        (
            lambda f: (f / "model.safetensors").write_bytes(
                (f / "model.safetensors").read_bytes()[:-1] + b"x"
            ),
            "the file is damaged",
        ),
    ],
)
@pytest.mark.parametrize("read", [read_preset, read_tensors])
def test_each_damage_is_one_line(damage, expected, read, folder: Path) -> None:  # type: ignore[no-untyped-def]
    damage(folder)

    with pytest.raises(WeightsError, match=expected) as caught:
        read(folder)
    assert "\n" not in str(caught.value) and "toy" in str(caught.value)


def test_a_file_with_the_right_sha256_that_is_no_safetensors_file_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not tensors")
    edit_config(folder, sha256=hashlib.sha256(b"not tensors").hexdigest())

    with pytest.raises(WeightsError, match="not a safetensors file"):
        read_tensors(folder)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        layout(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="nowhere: no such folder"):
        read_preset(tmp_path / "nowhere")


def test_a_folder_that_cannot_be_made_is_a_run_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RunError, match="cannot write"):
        write_folder(tmp_path / "file" / "toy", PRESET, TENSORS, "")
