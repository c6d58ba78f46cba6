"""A tar from anywhere gives its whole regular files, by offset, and one sentence about the rest."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from featherdepth.data.tar import list_tar, read_member, tar_entry, whole_size
from featherdepth.errors import InputError


def write_tar(path: Path, files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


FILES = {"a.jpg": b"A" * 700, "deep/ä b.png": b"B" * 512, "x" * 150 + "/c.webp": b"C", "e.jpg": b""}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_files_of_every_format_are_read_by_offset(tmp_path: Path, form: int) -> None:
    path = write_tar(tmp_path / "t.tar", FILES, form)

    contents = list_tar(path)

    assert contents.fault is None
    found = {m.name: read_member(path, m.offset, m.size) for m in contents.members}
    assert found == FILES


def test_what_is_written_is_a_tar_that_others_read_and_of_the_size_that_was_said(
    tmp_path: Path,
) -> None:
    entries = b"".join(tar_entry(name, content) for name, content in FILES.items())
    path = tmp_path / "t.tar"
    path.write_bytes(entries + bytes(whole_size(len(entries)) - len(entries)))

    with tarfile.open(path) as tar:
        infos = tar.getmembers()
        contents = [tar.extractfile(info).read() for info in infos]  # type: ignore[union-attr]

    assert dict(zip([i.name for i in infos], contents, strict=True)) == FILES
    assert {(i.mtime, i.uid, i.gid, i.uname, i.mode) for i in infos} == {(0, 0, 0, "", 0o644)}
    assert path.stat().st_size == write_tar(tmp_path / "u.tar", FILES).stat().st_size


@pytest.mark.parametrize("size", [0, 1, 512, 9 * 1024, 9 * 1024 + 1, 10 * 1024])
def test_a_tar_ends_at_a_record_with_two_blocks_of_zeros_at_least(size: int) -> None:
    whole = whole_size(size)

    assert whole % 10240 == 0 and 1024 <= whole - size < 1024 + 10240


def test_links_devices_folders_and_names_that_lead_out_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    with tarfile.open(path, "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, b"3"):
            info = tarfile.TarInfo(f"special{kind.decode()}.jpg")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        for name in ("../out.jpg", "/etc/out.jpg", "a/../../out.jpg", "C:/out.jpg", "./in.jpg"):
            info = tarfile.TarInfo(name)
            info.size = 2
            tar.addfile(info, io.BytesIO(b"hi"))

    contents = list_tar(path)

    assert contents.fault is None
    assert [m.name for m in contents.members] == ["in.jpg"]
    assert [(name, reason.split(";")[0]) for name, reason in contents.refused] == [
        ("special2.jpg", "is a link, not the file itself"),
        ("special1.jpg", "is a link, not the file itself"),
        *((f"{place}out.jpg", "leads out of the tar") for place in ("../", "/etc/")),
        *((f"{place}out.jpg", "leads out of the tar") for place in ("a/../../", "C:/")),
    ]


def test_cut_at_any_place_it_gives_what_is_whole_and_one_line(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "t.tar", FILES)
    whole, members = path.read_bytes(), list_tar(path).members
    ends = [m.offset + -(-m.size // 512) * 512 for m in members]

    for length in [0, 1, 511, 512, 513, 1300, 2048, *ends, ends[-1] + 100, ends[-1] + 511]:
        path.write_bytes(whole[:length])
        contents = list_tar(path)
        assert contents.fault is not None and "\n" not in contents.fault, length
        assert contents.fault.startswith("t.tar: ")
        kept = [m for m in members if m.offset + m.size <= length]
        # An empty file has no byte that could be missing.
        assert contents.members in (kept, kept[:-1] if kept and kept[-1].size == 0 else kept)
    path.write_bytes(whole[: ends[-1] + 512])  # one block of zeros of the end
    assert list_tar(path).fault is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes, no tar"),
        (b"hello", "5 bytes, no tar"),
        (b"\x89PNG" + b"x" * 5000, "is no tar"),
        (b"\x1f\x8b\x08" + b"x" * 5000, "is compressed"),
    ],
)
def test_what_is_no_tar_is_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "t.tar").write_bytes(content)

    contents = list_tar(tmp_path / "t.tar")

    assert contents.members == [] and words in str(contents.fault)
    assert "expected a whole plain tar" in str(contents.fault)
    assert "Is a directory" in str(list_tar(tmp_path).fault)
    assert "No such file" in str(list_tar(tmp_path / "none.tar").fault)


def header(name: str, size: int, kind: bytes = b"0") -> bytes:
    """A header with any size, negative ones too, and a right checksum."""
    raw = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
    field = size % 2**88 if size < 0 else size
    raw[124:136] = (b"\xff" if size < 0 else b"\x80") + field.to_bytes(11, "big")
    raw[156:157] = kind
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


@pytest.mark.parametrize(
    "evil",
    [
        header("back.jpg", -512),  # leads back to itself, for ever
        header("holes.jpg", -512, b"S"),  # so does a sparse file, which states another size
        header("far.jpg", 2**70),
        header("name", 2**40, b"L"),  # a name of a terabyte
        header("pax", 2**40, b"x"),
        header("name", -512, b"L"),
        header("pax", 12, b"x") + b"99 path=a.j\n".ljust(512, b"\0"),
        b"".join(header("name", 2, b"L") + b"a\0".ljust(512, b"\0") for _ in range(3000)),
        b"\x01" * 512,
    ],
    ids=["back", "sparse", "far", "long name", "long pax", "negative", "bad pax", "chain", "noise"],
)
def test_headers_that_lie_end_the_list_at_once(tmp_path: Path, evil: bytes) -> None:
    path = tmp_path / "t.tar"
    path.write_bytes(tar_entry("good.jpg", b"good" * 100) + evil + bytes(2048))

    contents = list_tar(path)

    assert [m.name for m in contents.members] == ["good.jpg"]
    assert contents.fault is not None and "its first 1 files are whole" in contents.fault
    assert "\n" not in contents.fault


def test_random_damage_never_gives_a_file_outside_of_the_tar(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "t.tar", FILES)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)

    for _ in range(300):
        damaged = whole.copy()
        for place in rng.integers(0, len(whole), 20):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        for member in list_tar(path).members:
            assert member.offset >= 0 and member.offset + member.size <= len(whole)


def test_a_tar_that_became_shorter_or_went_away_is_one_line(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "t.tar", FILES)
    member = list_tar(path).members[0]
    path.write_bytes(path.read_bytes()[:600])

    with pytest.raises(InputError, match="ends at a file of 700 bytes"):
        read_member(path, member.offset, member.size)
    path.unlink()
    with pytest.raises(InputError, match="No such file"):
        read_member(path, member.offset, member.size)
