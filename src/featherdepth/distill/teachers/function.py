"""A Python callable as teacher: `py:module:function`.

    def teach(images):                       # b 3 h w, float32 RGB in 0..1, on their device
        return network(normalize(images))    # b 1 h w or b h w
    teach.kind = "affine_invariant_disparity"

`kind` is needed; `size` (448), `multiple` (32), `resize` ("keep") and `license` are optional, as
attributes of the callable or in the reference: `py:module:function?kind=metric`. The module is
also looked for in the working folder. What the callable loads is not seen: set its attribute
`digest` to a text that changes with it, or maps in a cache will outlive it.
"""

import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.distill.teachers.base import (
    BaseTeacher,
    Maps,
    Sizing,
    TorchTeacher,
    as_maps,
    digest_of,
)
from featherdepth.distill.teachers.stated import KEYS, Stated, needed_kind, read_stated
from featherdepth.distill.teachers.terms import with_itself
from featherdepth.errors import RunError, UsageError, suggestion
from featherdepth.geometry.resize import Size
from featherdepth.networks.counting import count_params
from featherdepth.training.memory import out_of_memory

PASSED = (__file__, importlib.__file__)
"""Files between us and the user's code."""


class FunctionTeacher(BaseTeacher):
    """Whatever the callable gives, without gradient."""

    def __init__(
        self,
        card: TeacherCard,
        sizing: Sizing,
        asked: int | Size | None,
        function: Callable[[Tensor], Tensor],
        file: str | None,
    ) -> None:
        super().__init__(card, sizing, asked)
        self._function = function
        self._file = file

    def __call__(self, images: Float32[Tensor, "b 3 h w"]) -> Maps:
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            with _guarded(self._card.name, self._file):
                # A copy: a function that works in place must not reach the student's pictures.
                maps = self._function(images.clone())
            return as_maps(maps, len(images), self._card.name)


class ModuleTeacher(TorchTeacher):
    """A torch module that a user's file holds."""

    def __init__(
        self,
        card: TeacherCard,
        sizing: Sizing,
        asked: int | Size | None,
        module: nn.Module,
        file: str | None,
    ) -> None:
        super().__init__(card, sizing, asked, module)
        self._file = file

    def _maps(self, images: Float32[Tensor, "b 3 h w"]) -> Any:
        with _guarded(self._card.name, self._file):
            return super()._maps(images)


def open_function(
    reference: str, stated: Stated, asked: int | Size | None
) -> FunctionTeacher | ModuleTeacher:
    """The callable that `py:module:function` names; a torch module is frozen.

    Raises:
        UsageError: no such module or function, one that does not say its kind, or a module that
            ends in an error of its own.
    """
    module_name, _, attribute = reference.removeprefix("py:").partition(":")
    if not module_name or not attribute:
        raise UsageError(f"teacher {reference!r}: expected py:module:function")
    module = _import(module_name, reference)
    function = _member(module, attribute, reference)
    own = read_stated({key: getattr(function, key, None) for key in KEYS}, f"teacher {reference!r}")
    stated = stated.over(own)
    kind = needed_kind(
        stated,
        f"teacher {reference!r}",
        f"set {attribute}.kind in {module_name}, or name it {reference}?kind=KIND",
    )
    weights = _fingerprint(function) if isinstance(function, nn.Module) else ""
    card = TeacherCard(
        name=reference,
        kind=kind,
        digest=digest_of(
            "py", reference, _source(module), getattr(function, "digest", ""), weights, stated
        ),
        license=stated.license or "",
        materials=with_itself(reference, stated.license or ""),
        params=count_params(function) if isinstance(function, nn.Module) else None,
    )
    sizing = Sizing(
        size=stated.size or 448, multiple=stated.multiple or 32, rule=stated.resize or "keep"
    )
    file = getattr(module, "__file__", None)
    if isinstance(function, nn.Module):
        return ModuleTeacher(card, sizing, asked, function, file)
    return FunctionTeacher(card, sizing, asked, function, file)


@contextmanager
def _guarded(name: str, file: str | None) -> Iterator[None]:
    """What goes wrong in the user's code, as one line that says where in `file`.

    Raises:
        RunError: anything did, but for memory, which is told elsewhere.
    """
    try:
        yield
    except Exception as error:  # a user's code may raise anything
        if out_of_memory(error):
            raise
        raise RunError(f"teacher {name}: {_told(error, file)}") from error


def _told(error: Exception, file: str | None = None) -> str:
    """The error, and the last line of the user's code that it came through."""
    frames = [f for f in extract_tb(error.__traceback__) if f.filename not in PASSED]
    frames = [f for f in frames if not f.filename.startswith("<")]
    own = [f for f in frames if f.filename == (file or frames[0].filename)] or frames[:1]
    said = ": ".join(filter(None, (type(error).__name__, str(error))))
    return f"{said} at {own[-1].filename}:{own[-1].lineno}" if own else said


def _import(name: str, reference: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last: a file that lies here by chance hides no package
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(
            f"teacher {reference!r}: cannot import {name}: {error}; expected an installed module"
            f" or {name.replace('.', '/')}.py in {here}"
        ) from error
    except SyntaxError as error:
        raise UsageError(
            f"teacher {reference!r}: cannot import {name}: {error}; expected Python"
        ) from error
    except Exception as error:  # a user's code may raise anything
        raise UsageError(f"teacher {reference!r}: cannot import {name}: {_told(error)}") from error


def _member(module: ModuleType, attribute: str, reference: str) -> Any:
    known = [name for name, value in vars(module).items() if callable(value)]
    if not hasattr(module, attribute):
        hint = suggestion(attribute, known, "expected a function there")
        raise UsageError(f"teacher {reference!r}: {module.__name__} has no {attribute!r}; {hint}")
    function = getattr(module, attribute)
    if isinstance(function, type) or not callable(function):
        found = "a class" if isinstance(function, type) else type(function).__name__
        raise UsageError(
            f"teacher {reference!r}: is {found}; expected a function, or an object made of a class,"
            " that takes images b 3 h w"
        )
    return function


def _source(module: ModuleType) -> str:
    try:
        return inspect.getsource(module)
    except (OSError, TypeError):  # compiled, or typed in
        return ""


def _fingerprint(module: nn.Module) -> str:
    total = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return total.hexdigest()
