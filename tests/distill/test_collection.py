"""A collection is known by the names and the contents of its photos."""

import shutil
from pathlib import Path

import pytest

from featherdepth.data.photos import Photos
from featherdepth.data.reader import Reader
from featherdepth.distill.collection import collection_sha256
from featherdepth.errors import InputError
from featherdepth.types import Sample


def opened(folder: Path) -> Photos:
    return Photos(Photos.Config(root=folder))


class Inner(Reader):
    """Photos without files of their own."""

    def __init__(self, photos: Photos, first: int = 0) -> None:
        super().__init__()
        self._photos, self.keys = photos, [f"{i}" for i in range(first, len(photos))]

    def _read(self, index: int) -> Sample:
        return self._photos[index]

    def _size(self, index: int) -> tuple[int, int]:
        raise NotImplementedError


@pytest.fixture
def folder(photo_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(photo_folder, tmp_path / "p"))


def test_the_same_photos_elsewhere_are_the_same_collection(
    photo_folder: Path, folder: Path
) -> None:
    told: list[tuple[int, int]] = []

    first = collection_sha256(opened(folder), progress=lambda *done: told.append(done))

    assert len(first) == 64
    assert collection_sha256(opened(photo_folder)) == first
    assert told == [(i, 14) for i in range(1, 15)]


def test_other_contents_other_names_and_other_photos_are_another_collection(folder: Path) -> None:
    seen = {collection_sha256(opened(folder))}
    one, two = folder / "first" / "00.png", folder / "first" / "02.png"
    content = one.read_bytes()

    one.write_bytes(two.read_bytes())
    seen.add(collection_sha256(opened(folder)))
    two.write_bytes(content)  # the two have changed places
    seen.add(collection_sha256(opened(folder)))
    two.rename(folder / "first" / "03.png")
    seen.add(collection_sha256(opened(folder)))
    (folder / "first" / "03.png").unlink()
    seen.add(collection_sha256(opened(folder)))

    assert len(seen) == 5


def test_photos_without_files_are_known_by_their_pixels(folder: Path) -> None:
    first = collection_sha256(Inner(opened(folder)))
    shutil.copy(folder / "first" / "02.png", folder / "first" / "00.png")

    assert collection_sha256(Inner(opened(folder))) != first


def test_a_photo_that_cannot_be_read_still_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, whole = opened(folder), collection_sha256(opened(folder))

    def gone(index: int) -> bytes:
        raise InputError("gone")

    monkeypatch.setattr(photos, "encoded", gone)

    assert collection_sha256(photos) == collection_sha256(photos) != whole
