"""The bill of a student names each ingredient once."""

from collections.abc import Callable
from typing import Any

from featherdepth.config import from_table
from featherdepth.report.document import Distillation
from featherdepth.report.terms import bill

Make = Callable[[int], dict[str, Any]]


def row(name: str) -> dict[str, str]:
    return {"name": name, "class": "A", "terms": "own", "use": "training"}


def test_what_came_by_the_teacher_stands_once_and_photos_last(make_document: Make) -> None:
    found = make_document(2)
    found["teacher"]["materials"] = [row("t")]
    found["student"]["materials"] = [row("rooms"), row("t"), row("s"), row("s")]

    names = [(who, m["name"]) for who, m in bill(from_table(Distillation, found, "test"))]

    assert names == [("start", "s"), ("teacher", "t"), ("photos", "rooms")]


def test_photos_that_the_student_does_not_name_are_named(make_document: Make) -> None:
    found = make_document(2)
    found["student"]["materials"] = []

    rows = bill(from_table(Distillation, found, "test"))

    assert rows[-1][0] == "photos"
    assert rows[-1][1]["terms"] == "CC BY 4.0"
