"""A picture is embedded only from within the run folder, and only if it is one."""

import base64
import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.errors import InputError
from featherdepth.report.pictures import LARGEST, embed


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a picture in it, one beside it, and a link from here to there."""
    folder = tmp_path / "run"
    (folder / "report").mkdir(parents=True)
    picture = PIL.Image.fromarray(np.zeros((3, 5, 3), dtype=np.uint8))
    picture.save(folder / "report" / "a.jpg")
    picture.save(tmp_path / "outside.jpg")
    (folder / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (folder / "circle.jpg").symlink_to(folder / "circle.jpg")
    return folder


def test_the_bytes_of_the_file_arrive_with_its_size(run: Path) -> None:
    found = embed(run, "report/a.jpg")

    kind, _, text = found.uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    assert base64.b64decode(text) == (run / "report" / "a.jpg").read_bytes()
    assert (found.width, found.height) == (5, 3)


@pytest.mark.parametrize(
    "name",
    [
        "../outside.jpg",
        "report/../../outside.jpg",
        "link.jpg",
        "..\\outside.jpg",
        "C:\\outside.jpg",
        "/etc/passwd",
        "a\0.jpg",
    ],
)
def test_a_picture_outside_of_the_folder_is_refused(run: Path, name: str) -> None:
    with pytest.raises(InputError, match="outside of the run folder"):
        embed(run, name)


def test_an_absolute_path_into_the_folder_is_refused_too(run: Path) -> None:
    with pytest.raises(InputError, match="outside of the run folder"):
        embed(run, str(run / "report" / "a.jpg"))


@pytest.mark.parametrize("name", ["report/b.jpg", "report", "", "circle.jpg"])
def test_a_picture_that_is_not_there_is_named(run: Path, name: str) -> None:
    with pytest.raises(InputError, match="picture not found"):
        embed(run, name)


@pytest.mark.parametrize("content", [b"", b"<svg onload='alert(1)'/>", b"\xff\xd8\xff"])
def test_a_file_that_is_no_picture_is_refused(run: Path, content: bytes) -> None:
    (run / "report" / "a.jpg").write_bytes(content)

    with pytest.raises(InputError, match="not a picture"):
        embed(run, "report/a.jpg")


def test_a_picture_of_megabytes_is_refused(run: Path) -> None:
    with (run / "report" / "a.jpg").open("ab") as file:
        file.truncate(LARGEST + 1)

    with pytest.raises(InputError, match="expected at most 1 MB"):
        embed(run, "report/a.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_not_waited_for(run: Path) -> None:
    os.mkfifo(run / "pipe.jpg")

    with pytest.raises(InputError, match="picture not found"):
        embed(run, "pipe.jpg")
