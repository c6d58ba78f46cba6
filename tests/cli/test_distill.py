"""`distill` from the command line: what does not fit is one line and a code, and leaves nothing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from featherdepth.cli import main as cli
from featherdepth.distill.recipe import SHIPPED
from featherdepth.networks.folder import WEIGHTS

TINY = [
    *("--student", "fast", "--init", "random", "--device", "cpu", "--threads", "1"),
    *(
        part
        for key in (
            "steps=2",
            "size=[64,64]",
            "batch=2",
            "input_size=64",
            "long_side=96",
            "losses.1.trunk=random",
            "losses.1.points=64",
            "loop.precision=fp32",
            "loop.warmup=0",
            "loop.tensorboard=false",
        )
        for part in ("--set", key)
    ),
]

SICK = """
import torch

def teach(images):
    return images[:, :1] * torch.nan

teach.kind, teach.size, teach.license = "affine_invariant", 64, "MIT"
"""


def run(*arguments: object) -> int:
    return cli.run(["distill", *map(str, arguments)])


@pytest.fixture
def teacher(make_model: Callable[..., Path]) -> Path:
    return make_model("fast", graph=False, size=64)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder of the command, in which nothing may be left."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    before = set(sys.path)
    yield folder
    sys.path[:] = [place for place in sys.path if place in before]
    for name in [name for name in sys.modules if name.startswith("fd_teacher_")]:
        del sys.modules[name]


@pytest.fixture
def refused(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must fail with a code; returns its one line."""

    def call(code: int, *arguments: object) -> str:
        before = {p for p in here.rglob("*") if "__pycache__" not in p.parts}
        found = run(*arguments, *([] if "-o" in arguments else ["-o", "run"]))
        captured = capsys.readouterr()
        assert found == code, captured.err
        assert captured.out == "" and captured.err.count("\n") == 1
        assert captured.err.startswith("featherdepth: ")
        assert {p for p in here.rglob("*") if "__pycache__" not in p.parts} == before
        return captured.err.removeprefix("featherdepth: ").rstrip()

    return call


def test_a_name_that_does_not_exist_is_answered_with_the_nearest(
    refused: Callable[..., str], photo_folder: Path, teacher: Path
) -> None:
    asked = (photo_folder, *TINY, "--teacher")

    assert refused(2, *asked, "smal") == "unknown teacher 'smal'; did you mean 'small'?"
    assert "did you mean 'leres-resnet50@x.pth'?" in refused(2, *asked, "leres-resnet5@x.pth")
    assert "did you mean 'fast'?" in refused(2, *asked, teacher, "--student", "fastt")
    assert "shipped recipes: " in refused(2, *asked, teacher, "--recipe", "postr")
    assert "did you mean 'batch'?" in refused(2, *asked, teacher, "--set", "bach=3")
    assert "holdout must be above 0" in refused(2, *asked, teacher, "--holdout", "0.9")
    assert "needs labels" in refused(2, *asked, teacher, "--set", "losses.0.name=ilnr")


def test_photos_that_are_missing_or_too_few_are_named(
    refused: Callable[..., str], photo_folder: Path, teacher: Path, tmp_path: Path
) -> None:
    one, none = tmp_path / "one", tmp_path / "none"
    for folder in (one, none):
        folder.mkdir()
    shutil.copy(photo_folder / "first" / "00.png", one)
    asked = (*TINY, "--teacher", teacher, "--cache", "cache")

    assert "one: 1 photo; distillation needs 10 or more" in refused(3, one, *asked)
    assert "none: not a known data set" in refused(3, none, *asked)
    assert "not found" in refused(3, tmp_path / "gone", *asked)


def test_weights_of_another_network_are_refused_as_teacher_and_as_start(
    refused: Callable[..., str],
    photo_folder: Path,
    teacher: Path,
    make_model: Callable[..., Path],
    tmp_path: Path,
) -> None:
    small, mixed = make_model("small", graph=False), tmp_path / "mixed"
    shutil.copytree(small, mixed)
    shutil.copy(teacher / WEIGHTS, mixed)  # config.json of one, weights of the other
    renamed = tmp_path / "renamed"
    shutil.copytree(teacher, renamed)
    config = json.loads((renamed / "config.json").read_text())
    (renamed / "config.json").write_text(json.dumps(config | {"network": "topformer-lite"}))
    asked = (photo_folder, *TINY, "--teacher")

    assert "differs from" in refused(4, *asked, mixed)
    assert "does not fit network 'topformer-lite'" in refused(4, *asked, renamed)
    assert "no such file or folder" in refused(4, *asked, tmp_path / "gone")
    torch_file = f"leres-resnet50@{teacher / WEIGHTS}"
    assert refused(4, *asked, torch_file).startswith("model.safetensors: does not fit")
    assert "differs from" in refused(4, *asked, teacher, "--student", "small", "--init", mixed)
    start = refused(2, *asked, teacher, "--init", small)
    assert "of network 'small', the student is 'fast'; take --student small" in start


def test_init_takes_the_place_of_the_recipes_start_whatever_it_is(
    refused: Callable[..., str], photo_folder: Path, teacher: Path, tmp_path: Path
) -> None:
    recipe, one = tmp_path / "mine.toml", tmp_path / "one"
    poster = (SHIPPED / "poster.toml").read_text()
    recipe.write_text('encoder_weights = "gone.pth"\n' + poster)
    one.mkdir()
    shutil.copy(photo_folder / "first" / "00.png", one)
    asked = (one, "--recipe", recipe, "--teacher", teacher, "--device", "cpu", "--init", teacher)

    assert "one: 1 photo;" in refused(3, *asked)  # past the recipe
    both = refused(2, *asked, "--set", "encoder_weights=other.pth")
    assert "init and encoder_weights are two starts; give one" in both


@pytest.mark.parametrize("labels", [[], ["--cache", "../cache"]], ids=["online", "cached"])
def test_a_teacher_that_gives_nan_is_one_line(
    refused: Callable[..., str], here: Path, photo_folder: Path, labels: list[str]
) -> None:
    name = f"fd_teacher_{len(labels)}"
    (here / f"{name}.py").write_text(SICK)

    said = refused(6, photo_folder, *TINY, "--teacher", f"py:{name}:teach", "-q", *labels)

    assert f"py:{name}:teach" in said and "NaN or infinity" in said and "expected finite" in said


def test_an_output_that_is_a_file_is_refused(
    refused: Callable[..., str], here: Path, photo_folder: Path, teacher: Path
) -> None:
    (here / "run").write_text("mine")

    said = refused(6, photo_folder, *TINY, "--teacher", teacher)

    assert "run" in said
    assert (here / "run").read_text() == "mine"


@pytest.mark.parametrize("package", ["torch", "accelerate"])
def test_without_the_training_packages_it_says_what_to_install(
    package: str, photo_folder: Path, here: Path
) -> None:
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {package!r}:\n"
        f"            raise ModuleNotFoundError(name={package!r})\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from featherdepth.cli.main import run\n"
        f"sys.exit(run(['distill', {str(photo_folder)!r}, '--teacher', 'small', '-o', 'run']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=here
    )

    assert done.returncode == 5
    assert done.stderr == (
        f"featherdepth: distillation needs {package}; pip install 'featherdepth[train]'\n"
    )
    assert list(here.iterdir()) == []
