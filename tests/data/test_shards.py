"""Tars of photos are a collection like any other: stable keys, tar by tar, nothing unpacked."""

import io
import json
import logging
import pickle
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.data.packs import join_parts, write_part
from featherdepth.data.photos import Photos
from featherdepth.data.probe import open_data, recognise
from featherdepth.data.reader import stream
from featherdepth.data.shards import Shards, tars_of
from featherdepth.errors import InputError, UsageError


def jpeg(seed: int, height: int = 12, width: int = 16) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "jpeg")
    return buffer.getvalue()


def write_tar(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def open_shards(root: Path) -> Shards:
    return Shards(Shards.Config(root=root))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tars as webdataset writes them, in two folders."""
    root = tmp_path / "tars"
    write_tar(
        root / "b.tar",
        {"0001.jpg": jpeg(1), "0001.cls": b"7", "0001.json": b'{"a": 1}', "0002.cls": b"3"},
    )
    write_tar(
        root / "a" / "x.tar", {"p/0001.mask.png": jpeg(9), "p/0001.JPG": jpeg(2), "3.webp": b"?"}
    )
    return root


def test_keys_are_tar_and_name_in_the_order_of_the_files(folder: Path) -> None:
    reader = open_shards(folder)

    assert reader.keys == ["a/x/p/0001", "a/x/3", "b/0001"]
    assert reader.groups == ["a/x", "a/x", "b"]
    assert len(reader) == 3 and reader.describe() == "tars: 3 photos"
    assert open_shards(folder / "b.tar").keys == ["b/0001"]


def test_a_photo_is_the_one_that_was_packed(folder: Path) -> None:
    sample = open_shards(folder)[2]

    for index, seed in ((0, 2), (2, 1)):
        with PIL.Image.open(io.BytesIO(jpeg(seed))) as picture:
            assert np.array_equal(open_shards(folder)[index].image.pixels, np.asarray(picture))
    assert sample.key == sample.image.name == "b/0001"
    assert sample.depth is None and sample.image.intrinsics is None
    assert open_shards(folder).usable(2) == (0, 0, 12, 16)


def test_photos_that_cannot_be_decoded_are_faults_of_their_own(folder: Path) -> None:
    reader = open_shards(folder)

    good = [sample.key for _, sample in stream(reader, workers=2)]

    assert good == ["a/x/p/0001", "b/0001"]
    assert [s.key for s in reader.skipped] == ["a/x/3"]


def test_a_json_of_ours_gives_the_camera_and_one_of_others_does_not(tmp_path: Path) -> None:
    camera = {"fx": 20.0, "fy": 21, "cx": 7.5, "cy": 5.5, "width": 16, "height": 12}
    wrong = [
        {**camera, "width": 17},
        {**camera, "fx": -1},
        {**camera, "fx": float("nan")},
        {**camera, "fx": "x"},
        {"fx": 20.0},
        [20],
    ]
    files = {"a.jpg": jpeg(0), "a.json": json.dumps({"intrinsics": camera}).encode()}
    files |= {"b.json": json.dumps({"intrinsics": {**camera, "source": "exif"}}).encode()}
    files |= {"b.jpg": jpeg(1), "c.jpg": jpeg(2), "c.json": b"\xff{"}
    for i, table in enumerate(wrong):
        files |= {f"w{i}.jpg": jpeg(i), f"w{i}.json": json.dumps({"intrinsics": table}).encode()}
    reader = open_shards(write_tar(tmp_path / "t.tar", files))

    cameras = [sample.image.intrinsics for sample in reader]

    assert cameras[0] is not None and (cameras[0].fx, cameras[0].cy) == (20.0, 5.5)
    assert cameras[1] is not None and (cameras[0].source, cameras[1].source) == ("given", "exif")
    assert cameras[2:] == [None] * 7


def test_of_one_key_the_first_photo_counts(tmp_path: Path) -> None:
    files = {"a.png": jpeg(0), "a.jpg": jpeg(1), "b.jpg": jpeg(2), "e.jpg": b""}
    path = write_tar(tmp_path / "t.tar", files)
    with tarfile.open(path, "a") as tar:
        info = tarfile.TarInfo("a.jpg")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"two"))

    reader = open_shards(path)

    assert reader.keys == ["t/a", "t/b"]
    with PIL.Image.open(io.BytesIO(jpeg(0))) as picture:
        assert np.array_equal(reader[0].image.pixels, np.asarray(picture))
    assert [s.reason for s in reader.skipped] == [
        "t/a: twice in this tar; the first counts",
        "t/e: empty file",
    ]


def test_photos_whose_names_have_many_dots_are_photos(tmp_path: Path) -> None:
    camera = {"fx": 20.0, "fy": 21, "cx": 7.5, "cy": 5.5, "width": 16, "height": 12}
    files = {"PXL_1.MP.jpg": jpeg(0), "at 10.20.30.JPG": jpeg(1), "s/a.left.jpg": jpeg(2)}
    files |= {"s/a.right.jpg": jpeg(3)}
    files |= {"s/a.right.json": json.dumps({"intrinsics": camera}).encode()}
    files |= {".hidden.jpg": jpeg(4), "notes.v1.txt": b"-"}

    reader = open_shards(write_tar(tmp_path / "t.tar", files))

    assert reader.keys == ["t/PXL_1.MP", "t/at 10.20.30", "t/s/a.left", "t/s/a.right"]
    assert [sample.image.intrinsics is not None for sample in reader] == [False] * 3 + [True]


def test_pictures_that_are_left_out_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"a.jpg": jpeg(0), "a.webp": jpeg(1), "a.mask.png": jpeg(2), "../b.jpg": jpeg(3)}

    reader = open_shards(write_tar(tmp_path / "t.tar", files | {"../notes.txt": b"-"}))

    assert reader.keys == ["t/a"]
    assert [s.reason for s in reader.skipped] == [
        "t: '../b.jpg' leads out of the tar; pack it under another name"
    ]
    (said,) = [record.getMessage() for record in caplog.records]
    assert "endings alone: 1," in said and "a.webp beside a.jpg" in said


def test_a_tar_that_was_cut_gives_what_is_whole_and_one_line(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cut = folder / "c.tar"
    whole = write_tar(cut, {f"{i}.jpg": jpeg(i, 50, 60) for i in range(5)}).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])

    reader = open_shards(folder)

    kept = [key for key in reader.keys if key.startswith("c/")]
    assert 1 <= len(kept) < 5 and kept == [f"c/{i}" for i in range(len(kept))]
    assert all(reader[reader.keys.index(key)].image.size == (50, 60) for key in kept)
    assert [r.getMessage() for r in caplog.records] == [reader.skipped[0].reason]
    assert f"c.tar: cut off at byte {len(whole) // 2}" in reader.skipped[0].reason


def test_threads_and_copies_of_the_reader_read_the_same(tmp_path: Path) -> None:
    files = {f"{i:03d}.jpg": jpeg(i) for i in range(60)}
    reader = open_shards(write_tar(tmp_path / "t.tar", files))
    copy = pickle.loads(pickle.dumps(reader))
    order = np.random.default_rng(0).permutation(60).tolist()

    with ThreadPoolExecutor(8) as pool:
        pixels = list(pool.map(lambda i: copy[i].image.pixels, order))

    for i, found in zip(order, pixels, strict=True):
        assert np.array_equal(found, reader[i].image.pixels)


def test_each_reader_finds_what_is_its_own(folder: Path, tmp_path: Path) -> None:
    assert recognise(folder) == recognise(folder / "b.tar") == "shards"
    assert open_data(folder).keys == open_shards(folder).keys
    (folder / "cover.jpg").write_bytes(jpeg(0))
    assert recognise(folder) == "photos"  # tars beside photos are luggage ...
    (folder / "shards.json").write_text("{}")
    assert recognise(folder) == "shards"  # ... unless they are known as shards
    with pytest.raises(UsageError, match="have no splits"):
        open_data(folder, "val")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", "not found; expected a .tar or a folder"),
        ("empty", "no .tar in it"),
        ("text.tar", r"no photo found in its tars; text.tar: 5 bytes, no tar"),
        ("noise.tar", r"no photo found in its tars; noise.tar: is no tar"),
        ("words.tar", r"no photo found in its tars; known endings"),
    ],
)
def test_nothing_to_read_is_one_line(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.tar").write_text("hello")
    (tmp_path / "noise.tar").write_bytes(np.random.default_rng(0).bytes(3000))
    write_tar(tmp_path / "words.tar", {"a.txt": b"hi"})

    with pytest.raises(InputError, match=words) as caught:
        open_shards(tmp_path / name)

    assert "\n" not in str(caught.value)


def test_a_folder_with_results_alone_says_that_they_are_results(tmp_path: Path) -> None:
    part = write_part(tmp_path, "a", 0, [("0.npy", b"map")])
    join_parts(tmp_path, "a", [part], source="s", done=1, failed=[])
    assert (tmp_path / "a.tar").is_file()

    with pytest.raises(
        InputError, match=r": only tars of results, such as a\.tar; name the tars of"
    ):
        tars_of(tmp_path)
    with pytest.raises(InputError, match=r"a\.tar: is a result of featherdepth, not photos; "):
        tars_of(tmp_path / "a.tar")


def test_what_the_index_lists_and_the_folder_lacks_is_told(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    size = (folder / "b.tar").stat().st_size
    rows = [{"name": "gone.tar", "bytes": 1}, {"name": "b.tar", "bytes": size - 512}]
    (folder / "shards.json").write_text(json.dumps({"complete": False, "shards": rows}))

    reader = open_shards(folder)
    (folder / "shards.json").write_text("{")
    damaged = open_shards(folder)

    assert [s.key for s in reader.skipped] == ["gone"] and len(reader) == len(damaged) == 3
    said = [r.getMessage() for r in caplog.records]
    assert "was not finished" in said[0] and "gone.tar: missing" in said[1]
    assert "b.tar: another file" in said[2] and "not readable as a list of shards" in said[3]
    assert all(r.levelno == logging.WARNING for r in caplog.records)


def test_a_folder_of_photos_knows_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(0))
    photos = Photos(Photos.Config(root=tmp_path))

    assert photos.encoded(0) == jpeg(0) and photos.size_bytes(0) == len(jpeg(0))
    (tmp_path / "a.jpg").unlink()
    assert photos.size_bytes(0) == -1
