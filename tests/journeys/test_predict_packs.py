"""`predict` on tars: one tar of results for each, with the files that loose photos get."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from featherdepth import api
from featherdepth.cli import main as cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(small_model: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Predict with the random model at a small input size."""

    def call(*arguments: object) -> tuple[int, str, str]:
        flags = ("--model", small_model, "--backend", "onnx", "--threads", 1, "--size", 64)
        code = cli.run(["predict", *map(str, (*arguments, *flags))])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def tars(tmp_path: Path, photographs: list[PIL.Image.Image]) -> Path:
    """Six photos in photos/, and as tars in tars/."""
    (tmp_path / "photos").mkdir()
    for i in range(6):
        exif = PIL.Image.Exif()
        exif[0x0112] = 6 if i == 0 else 1  # turned by a quarter
        photographs[i].resize((600, 400)).save(tmp_path / "photos" / f"{i}.jpg", exif=exif)
    api.shard(tmp_path / "photos", tmp_path / "tars")
    return tmp_path / "tars"


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def unpacked(tar: Path) -> dict[str, bytes]:
    with tarfile.open(tar) as file:
        return {m.name: file.extractfile(m).read() for m in file}  # type: ignore[union-attr]


def without_source(files: dict[str, bytes]) -> dict[str, object]:
    """The name of a photo and of its file differ: in a tar keys have no ending."""
    found: dict[str, object] = {}
    for name, body in files.items():
        found[name] = body
        if name.endswith(".json"):
            found[name] = _without_source(json.loads(body), name[0])
        elif name.endswith(".color.png"):  # its own description is a text inside
            picture = PIL.Image.open(io.BytesIO(body))
            said = json.loads(picture.info["featherdepth"])
            found[name] = (picture.tobytes(), _without_source(said, name[0]))
    return found


def _without_source(document: dict[str, Any], name: str) -> dict[str, Any]:
    assert document["source"].pop("name") in (name, f"{name}.jpg")
    assert document["source"].pop("path") in (name, f"{name}.jpg")
    document["source"].pop("modified_ns", None)  # only files of their own have it
    return document


def test_a_tar_of_results_holds_what_loose_photos_get(run: Run, tars: Path, tmp_path: Path) -> None:
    save = ("--save", "npy,color")
    run(tmp_path / "photos", "-o", tmp_path / "loose", *save)

    code, out, _ = run(tars, "-o", tmp_path / "out", *save, "--json")

    assert (code, json.loads(out)["done"]) == (0, 6)
    assert set(files_in(tmp_path / "out")) == {"shard-000000.json", "shard-000000.tar"}
    made = unpacked(tmp_path / "out" / "shard-000000.tar")
    assert without_source(made) == without_source(files_in(tmp_path / "loose"))


def test_a_second_run_skips_and_another_option_does_not(
    run: Run, tars: Path, tmp_path: Path
) -> None:
    first = json.loads(run(tars, "-o", tmp_path / "out", "--save", "npy", "--json")[1])
    second = json.loads(run(tars, "-o", tmp_path / "out", "--save", "npy", "--json")[1])
    third = json.loads(run(tars, "-o", tmp_path / "out", "--save", "png16,npy", "--json")[1])

    assert [(r["done"], r["skipped"]) for r in (first, second, third)] == [(6, 0), (0, 6), (6, 0)]
    assert "0.png" in unpacked(tmp_path / "out" / "shard-000000.tar")


def test_results_may_lie_among_the_tars(run: Run, tars: Path) -> None:
    found = [json.loads(run(tars, "-o", tars / "depth", "--json")[1]) for _ in range(2)]

    assert [(r["done"], r["skipped"]) for r in found] == [(6, 0), (0, 6)]


def test_a_tar_of_results_is_no_tar_of_photos(run: Run, tars: Path, tmp_path: Path) -> None:
    run(tars, "-o", tmp_path / "out")

    code, _, err = run(tmp_path / "out" / "shard-000000.tar", "-o", tmp_path / "again")

    assert code == 3 and err.count("\n") == 1
    assert "shard-000000.tar: is a result of featherdepth, not photos; name the tar that" in err
    assert not (tmp_path / "again").exists()


def test_another_tar_of_equal_length_is_predicted(run: Run, tars: Path, tmp_path: Path) -> None:
    (tar,) = tars.glob("*.tar")
    save = ("-o", tmp_path / "out", "--save", "npy", "--json")
    first = json.loads(run(tars, *save)[1])
    os.utime(tar, ns=(1, 1))
    second = json.loads(run(tars, *save)[1])

    assert (first["done"], second["done"], second["skipped"]) == (6, 6, 0)


def test_a_name_may_be_longer_in_a_tar_than_on_a_disk(run: Run, tars: Path, tmp_path: Path) -> None:
    (tmp_path / "long").mkdir()
    name = f"{'y' * 252}.jpg"
    with tarfile.open(tmp_path / "long" / "a.tar", "w") as file:
        file.add(tmp_path / "photos" / "0.jpg", name)

    code, _, _ = run(tmp_path / "long", "-o", tmp_path / "out", "--save", "npy")

    assert code == 0
    assert f"{'y' * 252}.npy" in unpacked(tmp_path / "out" / "a.tar")


def test_a_cut_tar_gives_what_is_before_the_cut_and_says_so(
    run: Run, tars: Path, tmp_path: Path
) -> None:
    (tar,) = tars.glob("*.tar")
    tar.write_bytes(tar.read_bytes()[: tar.stat().st_size // 2])

    code, out, _ = run(tars, "-o", tmp_path / "out", "--save", "npy", "--json")

    document = json.loads(out)
    assert code == 3 and 0 < document["done"] < 6
    (row,) = document["failed"]
    assert "cut off at byte" in row["error"] and row["photo"] == "shard-000000"
    assert json.loads((tmp_path / "out" / "failures.jsonl").read_text()) == row


def test_tars_and_photos_are_not_mixed(run: Run, tars: Path, tmp_path: Path) -> None:
    code, out, err = run(tars, tmp_path / "photos", "-o", tmp_path / "out")

    assert (code, out) == (2, "")
    assert "many photos in a file; name such files alone" in err


def test_a_pack_of_maps_in_another_format_is_not_replaced_unasked(
    tars: Path, tmp_path: Path, run: Run
) -> None:
    assert run(tars, "-o", tmp_path / "out", "--save", "npy,png16")[0] == 0
    before = files_in(tmp_path / "out")

    code, _, said = run(tars, "-o", tmp_path / "out", "--save", "color,png16")

    assert code == 2 and "holds npy, which color,png16 would take the place of" in said
    assert files_in(tmp_path / "out") == before
    assert run(tars, "-o", tmp_path / "out", "--save", "npy,png16,color")[0] == 0
    assert run(tars, "-o", tmp_path / "out", "--save", "color", "--overwrite")[0] == 0
    (pack,) = (tmp_path / "out").glob("*.tar")
    assert all(".color.png" in name for name in unpacked(pack))
