"""Which reader fits is told from the files."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from featherdepth.data import READERS
from featherdepth.data.probe import open_data, recognise
from featherdepth.errors import InputError, UsageError


def test_each_layout_is_recognised(
    manifest_folder: Path, add_source: Callable[..., Path], tmp_path: Path
) -> None:
    source = add_source("s", 'kind = "relative depth"', "scale = 1")
    (tmp_path / "p" / "q").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "p" / "q" / "a.png")
    (tmp_path / "l.txt").write_text("p/q/a.png\n")

    assert recognise(manifest_folder) == "manifest"
    assert recognise(source) == recognise(source.parent) == "paired"
    assert recognise(tmp_path / "p") == recognise(tmp_path / "l.txt") == "photos"
    assert open_data(manifest_folder, "val").describe().startswith("set, split val: 2")
    assert open_data(source.parent, classes=("A",)).keys == ["s/a", "s/b"]
    assert len(open_data(tmp_path / "l.txt")) == 1


def test_nothing_known_names_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a known data set; expected manifest\.csv, a data"):
        open_data(tmp_path)
    with pytest.raises(InputError, match="not found"):
        open_data(tmp_path / "none")
    (tmp_path / "x.h5").touch()
    with pytest.raises(InputError, match="a file; expected a data folder"):
        open_data(tmp_path / "x.h5")


def test_a_split_where_there_are_none_and_unknown_options_are_usage_errors(
    manifest_folder: Path, add_source: Callable[..., Path]
) -> None:
    source = add_source("s", 'kind = "relative depth"', "scale = 1")

    with pytest.raises(UsageError, match="no splits"):
        open_data(source, "val")
    with pytest.raises(UsageError, match="clases: unknown key; did you mean 'classes'"):
        open_data(source, clases=("A",))


@pytest.mark.parametrize("name", sorted(READERS))
def test_every_reader_of_the_table_loads(name: str) -> None:
    assert READERS.load(name).Config
