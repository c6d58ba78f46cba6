"""Photos in parquet files are a collection like any other."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from featherdepth.data.parquet import Parquet
from featherdepth.data.probe import open_data, recognise
from featherdepth.errors import BackendError, InputError

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 7, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def write(path: Path, columns: dict[str, Any], group: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


def opened(root: Path) -> Parquet:
    return Parquet(Parquet.Config(root=root))


def test_rows_of_several_files_and_groups_are_read_by_their_place(tmp_path: Path) -> None:
    photos = [png(i) for i in range(5)]
    write(tmp_path / "b.parquet", {"image": photos[:1], "key": ["z"]})
    write(tmp_path / "a" / "x.parquet", {"n": [1, 2, 3, 4], "image": photos[1:]}, group=3)

    reader = open_data(tmp_path)

    assert reader.keys == [*(f"a/x/{i:08d}" for i in range(4)), "b/z"]
    assert isinstance(reader, Parquet)
    assert [reader.encoded(i) for i in (4, 3, 0, 1, 2)] == [photos[i] for i in (0, 4, 1, 2, 3)]
    assert reader[4].image.size == (6, 7)
    assert recognise(tmp_path / "b.parquet") == "parquet"


def test_pictures_with_a_path_inside_are_called_by_it(tmp_path: Path) -> None:
    cells = [{"bytes": png(i), "path": f"d/{i}.jpg"} for i in range(3)]
    path = write(tmp_path / "t.parquet", {"label": [b"x"] * 3, "image": cells})

    reader = opened(path)

    assert reader.keys == ["t/d/0", "t/d/1", "t/d/2"]
    assert reader.encoded(2) == png(2)


@pytest.mark.parametrize("name", ["../up.jpg", "/etc/x", "", None, "a\nb", "x" * 300, "c:x"])
def test_a_name_that_could_not_be_a_file_gives_way_to_the_number(
    tmp_path: Path, name: str | None
) -> None:
    names = pa.array(["a", "a", name], pa.string())
    path = write(tmp_path / "t.parquet", {"key": names, "jpg": [png(1)] * 3})

    assert opened(path).keys == ["t/a", "t/00000001", "t/00000002"]


def test_no_two_rows_have_one_key_where_names_are_numbers_of_rows(tmp_path: Path) -> None:
    names = pa.array(["00000001", None, "a"], pa.string())
    path = write(tmp_path / "t.parquet", {"key": names, "jpg": [png(1)] * 3})

    assert opened(path).keys == ["t/00000001", "t/00000001_", "t/a"]


def test_a_column_may_have_a_dot_in_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"cam.front": [png(1), png(2)]})
    cells = [{"bytes": png(3), "path": "d/x.jpg"}, None]
    inside = write(tmp_path / "b.parquet", {"cam.front": cells})

    assert opened(path).encoded(1) == png(2)
    assert opened(inside).keys == ["b/d/x", "b/00000001"]
    assert opened(inside).encoded(0) == png(3)


def test_an_empty_cell_and_a_broken_photo_are_told_and_the_others_are_read(tmp_path: Path) -> None:
    cells = pa.array([None, b"no photo", png(3)], pa.binary())
    reader = opened(write(tmp_path / "t.parquet", {"image": cells}))

    with pytest.raises(InputError, match="t/00000000: an empty cell; expected the bytes"):
        _ = reader[0]
    with pytest.raises(InputError, match="t/00000001"):
        _ = reader[1]
    assert reader[2].image.size == (6, 7)


def test_a_file_that_was_cut_is_one_line_and_those_beside_it_are_read(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.parquet", {"image": [png(1)]})
    (tmp_path / "b.parquet").write_bytes(whole.read_bytes()[:-30])

    reader = opened(tmp_path)

    assert reader.keys == ["a/00000000"]
    (fault,) = reader.skipped
    assert fault.key == "b" and "b.parquet" in fault.reason and "\n" not in fault.reason
    with pytest.raises(InputError, match="one that was cut off cannot be read at all"):
        opened(tmp_path / "b.parquet")


def test_a_table_without_photos_says_what_it_has(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", {"n": [1], "text": ["x"]})

    with pytest.raises(InputError, match=r"t\.parquet: columns n, text; expected one of type bin"):
        opened(path)


def test_without_pyarrow_there_is_a_line_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "t.parquet", {"image": [png(1)]})
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)

    with pytest.raises(BackendError, match=r"needs pyarrow; pip install 'featherdepth\[cluster\]'"):
        opened(path)
