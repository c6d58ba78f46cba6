"""What is fetched for the page is what was pinned, and nothing else of it is kept."""

import gzip
import hashlib
import io
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from tools import vendor

from featherdepth.app.engine import Engine, read_engine
from featherdepth.errors import InputError, RunError

CONTENT = {"ort.mjs": b"import()", "ort.wasm": b"\0asm" * 100}


def pack(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    members = {f"package/dist/{name}": content for name, content in CONTENT.items()}
    members |= {"package/dist/other.js": b"x", "../escape.js": b"x", "package/package.json": b"{}"}
    return pack(tmp_path / "package.tgz", members)


@pytest.fixture
def pinned(archive: Path) -> Engine:
    return Engine(
        package="onnxruntime-web",
        version="1.0.0",
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        entry={"wasm": "ort.mjs"},
        files={name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()},
    )


def test_only_the_pinned_files_are_kept_and_packed(
    archive: Path, pinned: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(engine: Engine, into: Path) -> Path:
        return Path(shutil.copy(archive, into / "x.tgz"))

    monkeypatch.setattr(vendor, "fetch", fetch)
    folder = tmp_path / "kept" / "vendor"
    folder.mkdir(parents=True)
    (folder / "older.wasm.gz").write_bytes(b"x")

    vendor.install(pinned, folder)

    assert {p.name for p in folder.iterdir()} == {"ort.mjs.gz", "ort.wasm.gz"}
    for name, content in CONTENT.items():
        assert gzip.decompress((folder / f"{name}.gz").read_bytes()) == content
    assert vendor.is_whole(pinned, folder)
    first = (folder / "ort.wasm.gz").read_bytes()
    vendor.install(pinned, folder)
    assert (folder / "ort.wasm.gz").read_bytes() == first


def test_another_archive_or_file_is_refused(archive: Path, pinned: Engine, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="differs from the pinned"):
        vendor.unpack(archive, replace(pinned, sha256="0" * 64))
    changed = {**pinned.files, "ort.wasm": "0" * 64}
    with pytest.raises(InputError, match=r"ort\.wasm: sha256 .* differs from the pinned"):
        vendor.unpack(archive, replace(pinned, files=changed))
    with pytest.raises(InputError, match=r"has no dist/gone\.mjs"):
        vendor.unpack(archive, replace(pinned, files={**pinned.files, "gone.mjs": "0" * 64}))


@pytest.mark.parametrize("damage", ["gone", "cut", "other", "garbage"])
def test_what_is_damaged_is_fetched_again(pinned: Engine, tmp_path: Path, damage: str) -> None:
    for name, content in CONTENT.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    assert vendor.is_whole(pinned, tmp_path)

    path = tmp_path / "ort.wasm.gz"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        other = {"cut": whole[:-9], "other": gzip.compress(b"other"), "garbage": b"garbage"}
        path.write_bytes(other[damage])

    assert not vendor.is_whole(pinned, tmp_path)


def test_without_npm_it_says_so(
    pinned: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(RunError, match="npm is not installed"):
        vendor.fetch(pinned, tmp_path)


def test_the_pins_name_every_part_by_a_hash() -> None:
    engine = read_engine()

    assert len(engine.sha256) == 64
    assert all(len(sha256) == 64 for sha256 in engine.files.values())
    assert set(engine.entry) == {"wasm", "webgpu"}
    assert set(engine.entry.values()) <= set(engine.files)
