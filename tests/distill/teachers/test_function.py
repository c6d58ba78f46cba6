"""Any Python callable that says its kind can teach."""

import sys
import textwrap
from pathlib import Path

import pytest
import torch

from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import RunError, UsageError
from featherdepth.types import DepthKind

SOURCE = """
    import torch

    def near_first(images):
        return 1 - images.mean(1)          # b h w
    near_first.kind = "affine_invariant_disparity"
    near_first.size = (64, 96)
    near_first.license = "MIT"

    def silent(images):
        return images[:, :1]

    def in_place(images):
        return images.mul_(2)[:, :1]

    def color(images):
        return images

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 1, 1)
            self.drop = torch.nn.Dropout()
        def forward(self, images):
            return self.drop(self.conv(images))

    torch.manual_seed(0)
    network = Network()
    network.kind = "metric"
    number = 3

    class Wrong(torch.nn.Module):
        def forward(self, images):
            return images @ images[0, 0]
    wrong = Wrong()

    @torch.no_grad()
    def fails(images):
        return [images][1]

    def greedy(images):
        raise MemoryError

    def too_much(images):
        return torch.empty(1 << 50)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that lies in the working folder; its name."""
    name = f"mine_{abs(hash(str(tmp_path))):x}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield name
    sys.modules.pop(name, None)


def test_a_function_of_the_working_folder_teaches(module):
    teacher = open_teacher(f"py:{module}:near_first")

    assert isinstance(teacher, Teacher)
    assert teacher.card.kind is DepthKind.AFFINE_INVARIANT_DISPARITY
    assert teacher.card.license == "MIT"
    assert teacher.card.commercial
    assert teacher.input_size(480, 640) == (64, 96)
    assert teacher(torch.full((2, 3, 64, 96), 0.25)).eq(0.75).all()


def test_the_reference_may_state_what_the_function_does_not(module):
    teacher = open_teacher(f"py:{module}:silent?kind=metric&size=96&multiple=8")

    assert teacher.card.kind is DepthKind.METRIC
    assert teacher.input_size(100, 100) == (96, 96)
    assert not teacher.card.commercial  # nobody states its terms


def test_the_reference_wins_over_the_function(module):
    assert open_teacher(f"py:{module}:near_first?size=128").input_size(1, 1) == (128, 128)


def test_a_silent_function_is_refused_with_how_to_state_its_kind(module):
    with pytest.raises(UsageError) as caught:
        open_teacher(f"py:{module}:silent")

    assert f"set silent.kind in {module}, or name it py:{module}:silent?kind=KIND" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)


def test_a_function_that_works_in_place_does_not_reach_the_pictures(module):
    teacher = open_teacher(f"py:{module}:in_place?kind=metric")
    images = torch.ones(1, 3, 4, 4)

    assert teacher(images).eq(2).all()
    assert images.eq(1).all()


def test_a_torch_module_is_frozen_and_its_weights_are_in_the_digest(module):
    teacher = open_teacher(f"py:{module}:network")
    network = sys.modules[module].network

    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    assert teacher.card.params == 4
    with torch.no_grad():
        network.conv.bias += 1
    assert open_teacher(f"py:{module}:network").card.digest != teacher.card.digest


def test_a_digest_of_the_functions_own_changes_its_card(module):
    before = open_teacher(f"py:{module}:near_first").card.digest
    sys.modules[module].near_first.digest = "weights 2"

    assert open_teacher(f"py:{module}:near_first").card.digest != before


def test_maps_of_another_shape_are_refused(module):
    teacher = open_teacher(f"py:{module}:color?kind=metric")

    with pytest.raises(
        UsageError, match=r"gave float32 of shape \(2, 3, 4, 4\); expected a tensor"
    ):
        teacher(torch.rand(2, 3, 4, 4))


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("py:{m}", "expected py:module:function"),
        ("py::f", "expected py:module:function"),
        ("py:no_such_module_here:f", "cannot import no_such_module_here"),
        ("py:{m}:near_frist", "has no 'near_frist'; did you mean 'near_first'?"),
        ("py:{m}:number", "is int; expected a function"),
        ("py:{m}:Network", "is a class; expected a function"),
        ("py:{m}:near_first?kind=inverse", "kind is 'inverse'; expected one of metric"),
    ],
)
def test_what_is_no_function_is_one_line(reference, words, module):
    with pytest.raises(UsageError) as caught:
        open_teacher(reference.format(m=module))

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_in_the_working_folder_hides_no_installed_module(tmp_path, monkeypatch):
    (tmp_path / "colorsys.py").write_text("def f(images): return images\nf.kind = 'metric'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    with pytest.raises(UsageError, match="colorsys has no 'f'"):
        open_teacher("py:colorsys:f")


def test_a_file_that_is_not_python_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "broken_teacher.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    with pytest.raises(UsageError, match=r"invalid syntax \(broken_teacher.py, line 1\)"):
        open_teacher("py:broken_teacher:f")


@pytest.mark.parametrize(
    ("name", "error", "line"),
    [
        ("fails", "IndexError: list index out of range", "return [images][1]"),
        ("wrong", "RuntimeError: ", "return images @ images[0, 0]"),
    ],
)
def test_an_error_in_the_users_code_is_one_line_that_says_where(
    name: str, error: str, line: str, module: str
) -> None:
    teacher = open_teacher(f"py:{module}:{name}?kind=metric")
    file = sys.modules[module].__file__
    lines = [text.strip() for text in Path(file).read_text().splitlines()]

    with pytest.raises(RunError) as caught:
        teacher(torch.rand(1, 3, 4, 8))

    said = str(caught.value)
    assert said.startswith(f"teacher py:{module}:{name}: {error}")
    assert said.endswith(f" at {file}:{lines.index(line) + 1}")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(("name", "error"), [("greedy", MemoryError), ("too_much", RuntimeError)])
def test_memory_that_runs_out_in_the_users_code_is_left_to_who_asked(
    name: str, error: type[Exception], module: str
) -> None:
    teacher = open_teacher(f"py:{module}:{name}?kind=metric")

    with pytest.raises(error):
        teacher(torch.rand(1, 3, 4, 4))


def test_an_error_while_the_users_file_is_read_is_one_line_that_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "careless_teacher.py"
    path.write_text("import json\n\nnames = json.loads('{')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    with pytest.raises(UsageError) as caught:
        open_teacher("py:careless_teacher:f")

    said = str(caught.value)
    assert said.startswith(
        "teacher 'py:careless_teacher:f': cannot import careless_teacher: JSONDecodeError: "
    )
    assert said.endswith(f" at {path}:3")
