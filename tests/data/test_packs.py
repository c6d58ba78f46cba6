"""A unit's files become one tar with a mark: whole, or not there."""

import json
import tarfile
from pathlib import Path

import pytest

from featherdepth.data.packs import PackIndex, Part, join_parts, read_mark, write_part
from featherdepth.errors import RunError

BODIES = {"aa" * 32: b"first", "ab" * 32: b"", "ff" * 32: bytes(range(256)) * 5, "00" * 32: b"last"}


def files(*keys: str) -> list[tuple[str, bytes]]:
    return [(f"{key}.map", BODIES[key]) for key in keys]


def join(folder: Path, name: str, parts: list[Part], source: str = "s") -> None:
    row = {"photo": "x", "error": "broken \udcff"}
    join_parts(folder, name, parts, source=source, done=4, failed=[row])


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """The pack a/b, of two parts that came in the wrong order."""
    keys = list(BODIES)
    second = write_part(tmp_path, "a/b", 1, files(*keys[2:]))
    join(tmp_path, "a/b", [second, write_part(tmp_path, "a/b", 0, files(*keys[:2]))])
    return tmp_path


def test_a_pack_is_a_plain_tar_of_its_files_in_order(packed: Path) -> None:
    with tarfile.open(packed / "a" / "b.tar") as tar:
        found = [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]

    assert found == files(*BODIES)


def test_each_file_is_found_by_its_key_without_unpacking(packed: Path) -> None:
    index = PackIndex(packed, ".map")

    assert len(index) == 4
    assert {key: list(index.contents(key)) for key in BODIES} == {
        key: [body] for key, body in BODIES.items()
    }
    assert list(index.contents("ac" * 32)) == [] == list(index.contents("no key"))


def test_keys_that_begin_alike_are_both_given_and_told_apart_by_their_content(
    tmp_path: Path,
) -> None:
    alike = [("ab" * 8 + end + ".map", end.encode()) for end in ("1", "2")]
    join(tmp_path, "p", [write_part(tmp_path, "p", 0, alike)])

    assert list(PackIndex(tmp_path, ".map").contents("ab" * 8 + "2")) == [b"1", b"2"]


def test_a_mark_remembers_what_failed_and_holds_for_one_input_only(packed: Path) -> None:
    mark = read_mark(packed, "a/b", "s")

    assert mark is not None and (mark.done, len(mark.entries)) == (4, 4)
    assert mark.failed == ({"photo": "x", "error": "broken \udcff"},)
    assert read_mark(packed, "a/b", "another") is None
    assert read_mark(packed, "a/c", "s") is None


@pytest.mark.parametrize("harm", ["cut", "gone", "no mark", "torn mark", "other format"])
def test_what_is_not_whole_counts_as_missing(packed: Path, harm: str) -> None:
    tar, mark = packed / "a" / "b.tar", packed / "a" / "b.json"
    if harm == "cut":
        tar.write_bytes(tar.read_bytes()[:-1])
    elif harm == "gone":
        tar.unlink()
    elif harm == "no mark":
        mark.unlink()
    elif harm == "torn mark":
        mark.write_bytes(mark.read_bytes()[:-20])
    else:
        mark.write_text(json.dumps({**json.loads(mark.read_text()), "format": "x"}))

    assert read_mark(packed, "a/b", "s") is None


def test_parts_are_seen_by_nobody_and_gone_in_the_end(tmp_path: Path) -> None:
    part = write_part(tmp_path, "p", 0, files("aa" * 32))

    assert len(PackIndex(tmp_path, ".map")) == 0 and read_mark(tmp_path, "p", "s") is None
    join(tmp_path, "p", [part])

    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.json", "p.tar"]


def test_the_first_of_equal_names_counts(tmp_path: Path) -> None:
    keys = list(BODIES)
    parts = [
        write_part(tmp_path, "p", 0, files(*keys[:3])),
        write_part(tmp_path, "p", 1, [(f"{keys[1]}.map", b"again"), *files(keys[3])]),
    ]
    join(tmp_path, "p", parts)

    with tarfile.open(tmp_path / "p.tar") as tar:
        assert [m.name for m in tar] == [f"{key}.map" for key in keys]
    assert list(PackIndex(tmp_path, ".map").contents(keys[3])) == [b"last"]


def test_a_part_that_is_gone_ends_in_one_line_and_leaves_the_older_pack(packed: Path) -> None:
    before = (packed / "a" / "b.tar").read_bytes()
    part = write_part(packed, "a/b", 0, files("aa" * 32))
    (packed / "a" / ".b.parts" / "000000").unlink()

    with pytest.raises(RunError, match=r"block 0 of a/b is gone: No such file"):
        join(packed, "a/b", [part], source="new")

    assert (packed / "a" / "b.tar").read_bytes() == before
    assert read_mark(packed, "a/b", "s") is not None
