"""The wheel, installed without an index where nothing else is, predicts offline without torch."""

import json
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from featherdepth.app.engine import FOLDER, PACKED
from featherdepth.runtime.presets import embedded_folder, embedded_models

ROOT = Path(__file__).parents[2]
LIMIT_BYTES = 250_000_000
"""Of the installed core without the weights."""


def core_distributions() -> dict[str, Distribution]:
    """What the package declares that it needs, without extras, and what that needs in turn."""
    found: dict[str, Distribution] = {}
    waiting = ["featherdepth"]
    while waiting:
        dist = distribution(waiting.pop())
        for text in dist.requires or []:
            need = Requirement(text)
            if need.marker and not need.marker.evaluate({"extra": ""}):
                continue
            if need.name not in found:
                found[need.name] = distribution(need.name)
                waiting.append(need.name)
    return found


def repack(dist: Distribution, wheelhouse: Path) -> None:
    """Put the files of an installed distribution back into the wheel they came from."""
    record = dist.read_text("WHEEL") or ""
    tags = [line.split(": ")[1] for line in record.splitlines() if line.startswith("Tag: ")]
    name = dist.name.replace("-", "_").replace(".", "_")
    # One of the tags is enough for this interpreter; the last is the most specific platform.
    path = wheelhouse / f"{name}-{dist.version}-{tags[-1]}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in dist.files or []:
            if ".." in file.parts or "__pycache__" in file.parts:
                continue  # scripts are made anew from the entry points
            archive.write(str(file.locate()), str(file))


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    house = tmp_path_factory.mktemp("house")
    flags = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", house]
    result = run(sys.executable, "-m", "pip", "wheel", "-q", *flags, ROOT)
    assert result.returncode == 0, result.stderr
    return next(house.glob("featherdepth-*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment outside the repository that holds the core and nothing else."""
    for dist in core_distributions().values():
        repack(dist, wheel.parent)
    folder = tmp_path_factory.mktemp("environment")
    made = run(sys.executable, "-m", "venv", "--without-pip", folder)
    assert made.returncode == 0, made.stderr
    python = next(folder.glob("[bS]*/python*"))
    flags = ["--no-index", "--find-links", wheel.parent, "--no-compile", "-q"]
    result = run(sys.executable, "-m", "pip", "--python", python, "install", *flags, "featherdepth")
    assert result.returncode == 0, result.stderr
    return folder


def test_the_wheel_holds_the_package_and_each_weights_file_once(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert "featherdepth/py.typed" in names and "featherdepth/networks/networks.json" in names
    assert "featherdepth/app/page/index.html" in names
    fetched = {path.name for path in FOLDER.glob(f"*{PACKED}")}  # by `make app`, if it ran
    assert {n.split("/")[-1] for n in names if "/app/vendor/" in n} == fetched
    assert not any(n.startswith(("tests/", "tools/")) or "__pycache__" in n for n in names)
    assert len(names) == len(set(names))
    for name in embedded_models():
        held = {n.split("/")[-1] for n in names if f"/weights/{name}/" in n}
        int8 = {"model.int8.onnx"} & {p.name for p in embedded_folder(name).iterdir()}
        assert held == {"config.json", "model.safetensors", "model.onnx", "README.md", *int8}


def test_it_predicts_offline_and_without_torch(
    environment: Path, small_model: Path, mixed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    model = [] if embedded_models() else ["--model", str(small_model)]
    arguments = ["predict", str(mixed[0] / "odd" / "turned.jpg"), "-o", "out", "--json", *model]
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise OSError('no network in this test')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from featherdepth.cli.main import run\n"
        f"code = run({arguments!r})\n"
        "import featherdepth; print(featherdepth.__file__, file=sys.stderr)\n"
        "try: import torch\n"
        "except ImportError: sys.exit(code)"
    )

    result = run(next(environment.glob("[bS]*/python*")), "-I", "-c", code, cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    assert str(environment) in result.stderr  # not the source tree
    document = json.loads(result.stdout)
    assert (document["done"], document["backend"]) == (1, "onnx")
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_its_command_is_installed(environment: Path, tmp_path: Path) -> None:
    command = next(environment.glob("[bS]*/featherdepth*"))

    result = run(command, "predict", "nope.jpg", cwd=tmp_path)

    assert result.returncode == 3 and "nope.jpg: not found" in result.stderr


def test_a_missing_extra_ends_in_its_install_line(
    environment: Path, small_model: Path, mixed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    command = next(environment.glob("[bS]*/featherdepth*"))
    photo = mixed[0] / "odd" / "grey.jpg"

    for backend, extra in (("openvino", "openvino"), ("torch", "train")):
        result = run(command, "predict", photo, "--model", small_model, "--backend", backend)
        assert result.returncode == 5
        assert f"pip install 'featherdepth[{extra}]'" in result.stderr


def test_the_installed_core_is_under_250_mb(environment: Path) -> None:
    packages = next(environment.glob("[lL]ib/**/site-packages"))

    files = [p for p in packages.rglob("*") if p.is_file() and "weights" not in p.parts]

    assert sum(p.stat().st_size for p in files) < LIMIT_BYTES
