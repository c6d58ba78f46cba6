"""distillation.json is read as it is promised, or refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from featherdepth.errors import InputError
from featherdepth.report.document import read_distillation

Make = Callable[[int], dict[str, Any]]


@pytest.fixture
def write(tmp_path: Path, make_document: Make) -> Callable[..., Path]:
    def make(change: Callable[[dict[str, Any]], Any] = lambda found: None) -> Path:
        found = make_document(3)
        change(found)
        (tmp_path / "distillation.json").write_text(json.dumps(found))
        return tmp_path

    return make


def test_values_arrive_in_their_places(write: Callable[..., Path]) -> None:
    found = read_distillation(write())

    assert found.teacher.input == (384, 512)
    assert found.student.bytes == 6_991_234
    assert len(found.agreement.photos) == 3
    assert found.agreement.gain.rms.high < 0


def test_keys_of_a_newer_version_are_left_out(write: Callable[..., Path]) -> None:
    def change(found: dict[str, Any]) -> None:
        found["news"] = found["teacher"]["news"] = found["agreement"]["photos"][0]["news"] = 1

    assert read_distillation(write(change)).teacher.name == "teacher-labelled"


def test_what_need_not_be_known_may_be_null(write: Callable[..., Path]) -> None:
    def change(found: dict[str, Any]) -> None:
        found["default"] = found["agreement"]["default"] = found["drift"] = None
        found["agreement"]["gain_over_default"] = found["teacher"]["params"] = None
        found["agreement"]["photos"][0]["default"] = found["teacher"]["ms"] = None

    assert read_distillation(write(change)).default is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("student"), "student: required"),
        (lambda d: d["student"].update(params="3M"), "student.params: expected int"),
        (lambda d: d["agreement"]["after"]["rms"].update(value=None), "after.rms.value: expected"),
        (lambda d: d["agreement"]["after"]["rms"].update(low=9.0), "low 9.0 is above high"),
        (lambda d: d["agreement"]["after"]["rms"].update(high=float("nan")), "got nan"),
        (lambda d: d["agreement"]["photos"][1]["after"].update(rms=float("inf")), "finite"),
        (lambda d: d["drift"].update(mean=[]), "differ in length"),
        (lambda d: d.update(pictures=[{"key": "a", "role": "best"}]), "role: 'best' is not one"),
    ],
)
def test_a_value_that_does_not_fit_is_named_in_one_line(
    write: Callable[..., Path], change: Callable[[dict[str, Any]], Any], words: str
) -> None:
    with pytest.raises(InputError, match=r"distillation\.json") as caught:
        read_distillation(write(change))

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
