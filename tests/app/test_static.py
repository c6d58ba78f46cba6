"""The folder for other servers is whole, and takes no place that is somebody's."""

import os
import re
import shutil
from pathlib import Path

import pytest

from featherdepth.app import site as site_room
from featherdepth.app import static
from featherdepth.app.site import PAGE, Site, SiteFile, gather
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


def test_an_earlier_page_is_replaced_whole(site: Site, small: Path, tmp_path: Path) -> None:
    other = shutil.copytree(small, tmp_path / "other")
    (other / "model.onnx").write_bytes((other / "model.onnx").read_bytes() + b"\0")
    old = gather(other)
    old["gone.js"] = SiteFile(content=b"// of an earlier version")
    old["service-worker.js"] = SiteFile(content=(PAGE / "service-worker.js").read_bytes())
    old["service-worker.js"] = site_room._service_worker(old)
    write_static(old, tmp_path / "page")
    (tmp_path / "page" / "index.html.gz").write_text("packed for nginx")

    write_static(site, tmp_path / "page")

    names = {p.name for p in (tmp_path / "page").iterdir()}
    assert names == {path.split("/")[0] for path in site} | {"_headers"}
    (tmp_path / "empty").mkdir()
    write_static(site, tmp_path / "empty")
    assert (tmp_path / "empty" / "index.html").is_file()


@pytest.mark.parametrize("name", [".git", "CNAME", "mine.html"])
def test_what_somebody_put_beside_the_page_is_not_taken_away(
    site: Site, tmp_path: Path, name: str
) -> None:
    page = tmp_path / "page"
    write_static(site, page)
    if name == ".git":
        (page / name).mkdir()
    else:
        (page / name).write_text("mine")

    with pytest.raises(UsageError, match=f"{re.escape(str(page / name))}: is no part of the page"):
        write_static(site, page)
    assert (page / name).exists() and (page / "index.html").is_file()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_to_a_folder_keeps_pointing_to_it(site: Site, tmp_path: Path) -> None:
    link, folder = tmp_path / "link", tmp_path / "there" / "page"
    folder.mkdir(parents=True)
    link.symlink_to(folder, target_is_directory=True)

    for _ in range(3):
        write_static(site, link)

    assert link.is_symlink() and (folder / "index.html").is_file()
    assert [p.name for p in folder.parent.iterdir()] == ["page"]


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_leftover_that_is_a_link_is_removed_and_not_what_it_points_to(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("text")
    for part in ("new", "old"):
        (tmp_path / f".page.{part}").symlink_to(tmp_path / "mine", target_is_directory=True)

    write_static(site, tmp_path / "page")
    write_static(site, tmp_path / "page")

    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "page", "vendor"]
    assert (tmp_path / "mine" / "file").read_text() == "text"


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
