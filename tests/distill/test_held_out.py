"""Held-out photos get the teacher's maps, or one line that says what to change."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import RunError


class Greedy:
    """A teacher that memory is never enough for."""

    def __init__(self, teacher: Teacher, error: Exception) -> None:
        self._teacher, self._error = teacher, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._teacher, name)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        raise self._error


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_memory_that_runs_out_in_the_teacher_is_one_line_that_names_what_distill_has(
    distilling: ModuleType,
    photo_folder: Path,
    own_teacher: Teacher,
    tmp_path: Path,
    error: Exception,
    cached: bool,
) -> None:
    options = {"cache": tmp_path / "cache"} if cached else {}

    with pytest.raises(RunError, match=r"out of memory at .* photos? of 64x64") as caught:
        distilling.distill(photo_folder, Greedy(own_teacher, error), tmp_path, options=options)

    assert str(caught.value).endswith("use a smaller teacher_size (--set teacher_size=N)")
