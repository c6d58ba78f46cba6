"""Rows of a benchmark have names that tell them apart."""

import shutil
from pathlib import Path

import pytest

from featherdepth.errors import UsageError
from featherdepth.evaluation.speed.field import open_field
from featherdepth.evaluation.speed.names import references, row_names
from featherdepth.runtime.presets import embedded_folder


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with models of equal names in it."""
    for name in ("small", "ma/net", "mb/net", "mb/more/net"):
        shutil.copytree(embedded_folder("small"), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("models", "names"),
    [
        ([None], ["small"]),
        (["small", "mb/net"], ["small", "net"]),
        (["ma/net", "mb/net"], ["ma/net", "mb/net"]),
        (["mb/net", "mb/more/net", "small"], ["mb/net", "more/net", "small"]),
        (["small", "./small"], ["small", "./small"]),
        ([None, Path("small")], ["small", "./small"]),
    ],
)
@pytest.mark.usefixtures("beside")
def test_as_much_of_the_path_is_told_as_differs(
    models: list[str | Path | None], names: list[str]
) -> None:
    assert row_names(references(models)) == names


def test_a_long_path_is_told_from_a_short_one(
    beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(beside / "ma")

    assert row_names(["./net", "../mb/net"]) == ["./net", "mb/net"]


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (["small", "small"], "small: is the same model as small; name each once"),
        ([None, "small"], "small: is the same model as default"),
        (["ma/net", "./mb/../ma/net"], "./mb/../ma/net: is the same model as ma/net"),
    ],
)
@pytest.mark.usefixtures("beside")
def test_one_thing_that_is_named_twice_is_refused(models: list[str | None], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        row_names(models)


@pytest.mark.usefixtures("beside")
def test_models_of_one_name_are_rows_of_their_own() -> None:
    rows, left_out = open_field(["ma/net", Path("mb", "net")], ["onnx"], ["fp32"], 1)

    found = {name: reference for name, (reference, _) in rows.items()}
    assert found == {"ma/net onnx fp32": "ma/net", "mb/net onnx fp32": "mb/net"}
    assert left_out == []
