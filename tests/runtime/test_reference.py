"""Models are found by name, folder or NETWORK@FILE; anything else is one line that helps."""

import re
from pathlib import Path

import pytest

from featherdepth.errors import UsageError, WeightsError
from featherdepth.runtime import presets
from featherdepth.runtime.reference import resolve


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that carries two models."""
    for name in ("small", "fast"):
        (tmp_path / "weights" / name).mkdir(parents=True)
        (tmp_path / "weights" / name / "config.json").write_text("{}")
    monkeypatch.setattr(presets, "EMBEDDED", tmp_path / "weights")
    return tmp_path / "weights"


def model_folder(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    return path


@pytest.mark.parametrize("name", [None, "default", "small"])
def test_nothing_default_and_its_name_are_the_everyday_model(
    name: str | None, embedded: Path
) -> None:
    assert resolve(name).path == embedded / presets.DEFAULT == embedded / "small"


def test_an_embedded_name_wins_over_a_folder_and_a_dot_names_the_folder(
    embedded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_folder(tmp_path / "here" / "small")
    monkeypatch.chdir(tmp_path / "here")

    assert resolve("small").path == embedded / "small"
    assert resolve("./small").path.resolve() == tmp_path / "here" / "small"
    assert resolve(Path("small")).path.resolve() == tmp_path / "here" / "small"


def test_a_folder_needs_no_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_folder(tmp_path / "run")
    monkeypatch.chdir(tmp_path)

    assert resolve("run").path == Path("run")
    assert resolve(str(tmp_path / "run")).path == tmp_path / "run"


def test_a_foreign_file_is_split_at_the_network(tmp_path: Path) -> None:
    (tmp_path / "res@50.pth").write_bytes(b"")

    found = resolve(f"leres-resnet50@{tmp_path / 'res@50.pth'}")

    assert (found.network, found.path) == ("leres-resnet50", tmp_path / "res@50.pth")


def test_a_folder_with_an_at_sign_is_a_folder(tmp_path: Path) -> None:
    model_folder(tmp_path / "a@b")

    assert resolve(f"{tmp_path}/a@b").path == tmp_path / "a@b"


@pytest.mark.parametrize(
    ("reference", "error", "words"),
    [
        ("", UsageError, "unknown model ''; embedded: "),
        ("smal", UsageError, "unknown model 'smal'; did you mean 'small'?"),
        ("huge", UsageError, "embedded: fast, small; or a folder, or NETWORK@FILE"),
        ("lers-resnet50@x.pth", UsageError, "did you mean 'leres-resnet50'?"),
        ("leres-resnet50@x.pth", WeightsError, "no file 'x.pth'"),
        ("hf:owner/name", UsageError, "models of the hub are teachers, for distill and label"),
        ("py:module:function", UsageError, "Python functions are teachers, for distill and label"),
        ("./nowhere", WeightsError, "nowhere: no such file or folder"),
        ("no/where", WeightsError, "where: no such file or folder"),
    ],
)
def test_what_is_no_model_is_one_line(
    reference: str, error: type[Exception], words: str, embedded: Path
) -> None:
    with pytest.raises(error) as caught:
        resolve(reference)
    assert words in str(caught.value)


def test_a_file_of_a_model_folder_points_to_the_folder(tmp_path: Path) -> None:
    (model_folder(tmp_path / "run") / "model.onnx").write_bytes(b"")

    with pytest.raises(UsageError, match="is a part of a model folder; name the folder"):
        resolve(tmp_path / "run" / "model.onnx")


def test_an_onnx_file_of_its_own_is_said_to_be_a_teacher(tmp_path: Path) -> None:
    (tmp_path / "depth.onnx").write_bytes(b"")

    with pytest.raises(UsageError, match="an ONNX file is a teacher, for distill and label"):
        resolve(tmp_path / "depth.onnx")


@pytest.mark.parametrize("name", ["student.onnx", "student.xml"])
def test_an_exported_file_is_a_model_where_files_are_taken(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")

    assert resolve(tmp_path / name, files=True).path == tmp_path / name
    assert resolve(str(tmp_path / name), files=True).path == tmp_path / name
    with pytest.raises(UsageError, match="a single file is not a model here"):
        resolve(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("student.bin", "of an OpenVINO model name the .xml, student.xml"),
        ("student.pt2", "is for programs with torch; export --to onnx or openvino"),
        ("photo.jpg", "expected a folder, an exported .onnx or .xml file, or NETWORK@FILE"),
    ],
)
def test_another_file_is_told_what_was_expected(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")

    with pytest.raises(UsageError, match=re.escape(words)):
        resolve(tmp_path / name, files=True)


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"has no config\.json; expected a model folder"):
        resolve(tmp_path)


def test_an_installation_without_weights_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presets, "EMBEDDED", tmp_path)

    with pytest.raises(WeightsError, match="carries no weights"):
        resolve(None)
