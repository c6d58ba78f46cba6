"""The folder for other servers is whole, and takes no place that is somebody's."""

from pathlib import Path

import pytest

from featherdepth.app import static
from featherdepth.app.site import Site
from featherdepth.app.static import write_static
from featherdepth.errors import RunError, UsageError


def test_it_holds_every_file_as_the_page_reads_it(site: Site, tmp_path: Path) -> None:
    written = write_static(site, tmp_path / "public" / "page")

    files = {p for p in (tmp_path / "public" / "page").rglob("*") if p.is_file()}
    names = {p.relative_to(tmp_path / "public" / "page").as_posix() for p in files}
    assert names == {*site, "_headers"}
    for path, file in site.items():
        assert (tmp_path / "public" / "page" / path).read_bytes() == file.plain()
    assert written == sum(p.stat().st_size for p in files)
    assert [p.name for p in (tmp_path / "public").iterdir()] == ["page"]


def test_its_headers_file_names_what_threads_need(site: Site, tmp_path: Path) -> None:
    write_static(site, tmp_path / "page")

    assert (tmp_path / "page" / "_headers").read_text() == (
        "/*\n  Cross-Origin-Opener-Policy: same-origin\n"
        "  Cross-Origin-Embedder-Policy: require-corp\n"
    )


def test_an_earlier_page_is_replaced_whole(site: Site, tmp_path: Path) -> None:
    write_static(site, tmp_path / "page")
    (tmp_path / "page" / "old.js").write_text("left over")

    write_static(site, tmp_path / "page")

    assert not (tmp_path / "page" / "old.js").exists()
    (tmp_path / "empty").mkdir()
    write_static(site, tmp_path / "empty")
    assert (tmp_path / "empty" / "index.html").is_file()


def test_what_is_somebody_elses_is_left_alone(site: Site, tmp_path: Path) -> None:
    folder, file = tmp_path / "mine", tmp_path / "file"
    folder.mkdir()
    (folder / "about.json").write_text('{"schema": "another"}')
    file.write_text("text")

    for target in (folder, file):
        with pytest.raises(UsageError, match="expected a new or empty folder"):
            write_static(site, target)
    assert [p.name for p in folder.iterdir()] == ["about.json"]
    assert file.read_text() == "text"


def test_a_write_that_fails_leaves_the_earlier_page(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_static(site, tmp_path / "page")
    before = {p: p.read_bytes() for p in (tmp_path / "page").rglob("*") if p.is_file()}

    def full(site: Site, folder: Path) -> int:
        folder.mkdir()
        (folder / "index.html").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(static, "_write", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_static(site, tmp_path / "page")

    assert {p: p.read_bytes() for p in (tmp_path / "page").rglob("*") if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
