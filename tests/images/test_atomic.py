"""A file is there whole or not at all, whatever goes wrong while it is written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from featherdepth.errors import RunError
from featherdepth.images.atomic import (
    atomic_file,
    check_writable,
    make_folder,
    remove_partials,
    write_atomic,
    write_together,
)


def test_a_file_takes_its_name_only_when_it_is_complete(tmp_path):
    path = tmp_path / "a.bin"

    with atomic_file(path) as stream:
        stream.write(b"half")
        seen = path.exists()
        stream.write(b" whole")

    assert not seen
    assert path.read_bytes() == b"half whole"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_error_the_older_file_is_there_and_nothing_else(tmp_path, fault):
    path = tmp_path / "a.bin"
    path.write_bytes(b"older")

    with pytest.raises(fault), atomic_file(path) as stream:
        stream.write(b"newer")
        raise fault

    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_name_as_long_as_the_system_allows_is_written(tmp_path):
    path = tmp_path / ("x" * 255)

    write_atomic(path, b"1")

    assert path.read_bytes() == b"1"


def test_a_link_keeps_pointing_where_it_did(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"older")
    link.symlink_to(target)

    write_atomic(link, b"newer")

    assert link.is_symlink()
    assert target.read_bytes() == b"newer"


def test_a_new_file_has_the_rights_that_the_user_asked_for(tmp_path):
    old = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", b"1")
    finally:
        os.umask(old)

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_missing_folder_and_a_folder_in_the_way_are_told_in_one_line(tmp_path):
    with pytest.raises(RunError, match=r"cannot write .*none/a: No such file or directory"):
        write_atomic(tmp_path / "none" / "a", b"1")
    with pytest.raises(RunError, match=r"cannot write .*: Is a directory"):
        write_atomic(tmp_path, b"1")

    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()

    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    with pytest.raises(RunError, match=r"cannot make folder .*file/c: Not a directory$"):
        make_folder(tmp_path / "file" / "c")

    assert (tmp_path / "a" / "b").is_dir()


def test_only_what_nobody_writes_any_more_is_removed(tmp_path):
    names = [".old.part", ".new.part", "old.part", ".old.txt"]
    for name in names:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, None if name == ".new.part" else (1, 1))

    assert remove_partials(tmp_path) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names[1:])
    assert remove_partials(tmp_path / "none") == 0


def test_of_several_files_all_are_written_or_none(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    missing = tmp_path / "gone" / "three"

    write_together({one: b"1", two: b"2"})
    with pytest.raises(RunError, match=r"cannot write .*gone/three"):
        write_together({one: b"11", missing: b"3"})
    with pytest.raises(RunError, match=r"cannot write .*gone/three"):
        write_together({missing: b"3", two: b"22"})

    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"2")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"]


def test_each_file_is_flushed_to_the_disk_once_and_before_any_takes_its_name(tmp_path, monkeypatch):
    seen: list[list[str]] = []
    flush = os.fsync

    def told(descriptor: int) -> None:
        flush(descriptor)
        seen.append([path.name for path in tmp_path.iterdir() if not path.name.startswith(".")])

    monkeypatch.setattr(os, "fsync", told)

    write_together({tmp_path / "one": b"1", tmp_path / "two": b"2"})
    with atomic_file(tmp_path / "three") as stream:
        stream.write(b"3")

    assert [sorted(names) for names in seen] == [[], [], ["one", "two"]]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are a POSIX matter")
def test_a_disk_that_fills_up_leaves_the_older_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"older")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "from pathlib import Path; from featherdepth.errors import RunError\n"
        "from featherdepth.images.atomic import write_atomic\n"
        "try: write_atomic(Path(sys.argv[1]), b'1' * 100_000)\n"
        "except RunError as error: print(error)\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )

    assert result.stdout == f"cannot write {path}: File too large\n"
    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def written_by_an_ordinary_user(path):
    """What `write_atomic` says. Root may write anywhere, and could even replace a device."""
    code = (
        "import os, sys; from pathlib import Path; from featherdepth.errors import RunError\n"
        "from featherdepth.images.atomic import write_atomic\n"
        "os.getuid() or os.setuid(65534)\n"
        "try: write_atomic(Path(sys.argv[1]), b'1' * 100_000)\n"
        "except RunError as error: print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    return result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="users and rights are a POSIX matter")
def test_a_read_only_folder_is_told_in_one_line(tmp_path):
    path = tmp_path / "sub" / "a.bin"
    path.parent.mkdir()
    path.parent.chmod(0o555)
    for folder in list(path.parents)[1:4]:
        folder.chmod(0o755)

    assert written_by_an_ordinary_user(path) == f"cannot write {path}: Permission denied\n"


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full on this system")
def test_a_full_device_is_told_in_one_line_and_stays_a_device():
    said = written_by_an_ordinary_user("/dev/full")

    assert said == "cannot write /dev/full: No space left on device\n"
    assert Path("/dev/full").is_char_device()


def test_a_place_that_can_be_written_is_told_from_one_that_cannot(tmp_path):
    (tmp_path / "file").write_text("")
    check_writable(tmp_path / "new" / "a.bin")
    check_writable(tmp_path / "file")
    assert list((tmp_path / "new").iterdir()) == []

    with pytest.raises(RunError, match=r"cannot write .*new: Is a directory"):
        check_writable(tmp_path / "new")
    with pytest.raises(RunError, match="cannot make folder"):
        check_writable(tmp_path / "file" / "a.bin")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc takes no files")
def test_a_folder_that_takes_no_files_is_told_and_a_device_is_none():
    with pytest.raises(RunError, match=r"cannot write /proc/a\.bin: "):
        check_writable(Path("/proc/a.bin"))
    check_writable(Path("/dev/null"))
