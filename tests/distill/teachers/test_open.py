"""One door opens every teacher, and what is none is one line that helps."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from featherdepth.distill.teachers import TEACHERS
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import BackendError, FeatherDepthError, UsageError, WeightsError
from featherdepth.runtime import presets


@pytest.fixture
def embedded(tmp_path, monkeypatch):
    """An installation that carries a model called small."""
    (tmp_path / "weights" / "small").mkdir(parents=True)
    (tmp_path / "weights" / "small" / "config.json").write_text("{}")
    monkeypatch.setattr(presets, "EMBEDDED", tmp_path / "weights")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_way_of_opening_is_there():
    assert all(callable(TEACHERS.load(name)) for name in TEACHERS)


@pytest.mark.parametrize(
    ("reference", "error", "words"),
    [
        ("smal", UsageError, "unknown teacher 'smal'; did you mean 'small'?"),
        ("quite else", UsageError, "expected small, default, a folder, leres-resnet50@FILE, hf:"),
        ("lers-resnet50@x.pth", UsageError, "did you mean 'leres-resnet50@x.pth'?"),
        ("leres-resnet50@x.pth", WeightsError, "no file 'x.pth'"),
        ("./nowhere", WeightsError, "nowhere: no such file or folder"),
        ("hf:./nowhere", WeightsError, "teacher hf:./nowhere: no such folder"),
        ("hf:name", UsageError, "expected hf:owner/name[@revision]; or hf:./folder"),
        ("hf:weights", UsageError, "did you mean hf:./weights?"),
        ("hf:a/b/c", UsageError, "expected hf:owner/name[@revision]"),
        ("hf:a/b@", UsageError, "expected hf:owner/name[@revision]"),
        ("small?kind=metric", UsageError, "says itself what it is; name it 'small'"),
        ("py:nothing", UsageError, "expected py:module:function"),
        ("d.onnx", WeightsError, "no such file; expected an ONNX file"),
        (Path("d.onnx"), WeightsError, "no such file; expected an ONNX file"),
        ("a.xml", UsageError, "teacher 'a.xml': of single files only ONNX is a teacher"),
    ],
)
def test_what_is_no_teacher_is_one_line(reference, error, words, embedded):
    Path("a.xml").touch()

    with pytest.raises(error) as caught:
        open_teacher(reference)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"device": "gpu"}, UsageError, "device 'gpu' is unknown; expected cpu, cuda or cuda:0"),
        ({"device": "cuda"}, BackendError, "device 'cuda': torch sees no such device here"),
        ({"threads": 0}, UsageError, "threads is 0; expected 1 or more"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_is_opened(settings, error, words):
    if settings.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is one here")
    with pytest.raises(error, match=words):
        open_teacher("no such teacher", **settings)


def test_a_plain_folder_of_transformers_is_recognized(hub_folder, monkeypatch):
    folder = hub_folder("dpt")
    monkeypatch.chdir(folder.parent)

    by_path, by_name, by_hub = (open_teacher(r) for r in (folder, "dpt", f"hf:{folder}"))

    assert isinstance(by_path, Teacher)
    assert by_path.card == by_name.card == by_hub.card


WITHOUT_TRANSFORMERS = """
import sys
sys.modules["transformers"] = None  # importing it raises, and it is not found
from featherdepth.distill.teachers.open import open_teacher
print(open_teacher("py:own:f").card.name)
try:
    open_teacher("hf:./x")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_the_extra_others_open_and_hub_models_end_in_the_install_command(tmp_path):
    (tmp_path / "own.py").write_text("def f(images): return images[:, :1]\nf.kind = 'metric'\n")

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TRANSFORMERS],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert done.stdout.splitlines() == [
        "py:own:f",
        "BackendError teacher hf:./x: needs transformers, which is not installed;"
        " pip install 'featherdepth[teachers]'",
    ]


def test_all_refusals_are_errors_for_people(embedded):
    with pytest.raises(FeatherDepthError):
        open_teacher("")
