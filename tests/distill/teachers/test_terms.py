"""Terms are read from their words, and one line warns of those that bind a student."""

import pytest

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.distill.teachers.terms import (
    known_license,
    settle_license,
    standing,
    warning_line,
    with_itself,
)
from featherdepth.types import DepthKind


def card(name, license_text, ingredients=()):
    return TeacherCard(
        name=name,
        kind=DepthKind.METRIC,
        digest="",
        license=license_text,
        materials=with_itself(name, license_text, ingredients),
    )


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("Apache-2.0", "permissive"),
        ("apache license 2.0", "permissive"),
        ("mit", "permissive"),
        ("bsd-3-clause", "permissive"),
        ("cc-by-4.0", "permissive"),
        ("CC BY 4.0", "permissive"),
        ("cc0-1.0", "permissive"),
        ("cc-by-nc-4.0", "restricted"),
        ("CC BY-NC-SA 3.0", "restricted"),
        ("cc-by-sa-4.0", "restricted"),
        ("MIT, non-commercial use", "restricted"),
        ("noncommercial", "restricted"),
        ("Apache-2.0 code, research only weights", "restricted"),
        ("apple-amlr", "restricted"),
        ("KITTI (class C: evaluation)", "restricted"),
        ("other", "unknown"),
        ("", "unknown"),
        ("openrail", "unknown"),
        ("permit", "unknown"),
        ("sync", "unknown"),
    ],
)
def test_the_words_of_a_license_tell_its_standing(terms, expected):
    assert standing(terms) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("depth-anything/Depth-Anything-V2-Small-hf", "Apache-2.0"),
        ("depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf", "Apache-2.0"),
        ("depth-anything/Depth-Anything-V2-Base-hf", "CC-BY-NC-4.0"),
        ("Depth-Anything-V2-Metric-Outdoor-Large-hf", "CC-BY-NC-4.0"),
        ("depth_anything_v2_vitg", "CC-BY-NC-4.0"),
        ("LiheYoung/depth-anything-large-hf", ""),
        ("someone/large-network", ""),
    ],
)
def test_the_license_of_known_weights_is_found_by_their_name(name, expected):
    assert known_license(["", name]) == expected


def test_apples_own_terms_are_restricted():
    assert standing(known_license(["depth_pro"])) == "restricted"


@pytest.mark.parametrize(
    ("stated", "name", "expected"),
    [
        ("mit", "x/y", "mit"),
        ("", "x/y", ""),
        ("", "Depth-Anything-V2-Small-hf", "Apache-2.0"),
        ("apache-2.0", "Depth-Anything-V2-Large-hf", "CC-BY-NC-4.0"),
        ("cc-by-nc-4.0", "Depth-Anything-V2-Small-hf", "cc-by-nc-4.0"),
    ],
)
def test_of_stated_and_known_terms_the_stricter_count(stated, name, expected):
    assert settle_license(stated, [name]) == expected


@pytest.mark.parametrize(
    ("license_text", "classes", "expected", "commercial"),
    [
        ("Apache-2.0", [], "A", True),
        ("Apache-2.0", ["A", "B"], "B", True),
        ("Apache-2.0", ["C", "A"], "C", False),
        ("cc-by-nc-4.0", ["A"], "C", False),
        ("", [], "C", False),
    ],
)
def test_a_teacher_is_no_better_than_its_license_and_its_ingredients(
    license_text, classes, expected, commercial
):
    rows = [{"name": c, "class": c, "terms": "t"} for c in classes]

    made = card("t", license_text, rows)

    assert [row["class"] for row in made.materials] == [*classes, expected]
    assert made.materials[-1]["use"] == "teacher"
    assert made.commercial is commercial


def test_an_ingredient_without_a_class_gets_it_from_its_terms():
    rows = [{"name": "a", "terms": "CC BY 4.0"}, {"name": "b", "terms": "ask me"}, {"name": "c"}]

    materials = with_itself("t", "MIT", rows)

    assert [row["class"] for row in materials] == ["A", "C", "C", "C"]


def test_a_permissive_teacher_needs_no_warning():
    assert warning_line(card("t", "Apache-2.0", [{"name": "n", "class": "B"}])) is None


@pytest.mark.parametrize(
    ("license_text", "ingredients", "expected"),
    [
        (
            "cc-by-nc-4.0",
            [],
            "teacher t: non-commercial (cc-by-nc-4.0); the same holds for its student, whose card"
            " repeats it",
        ),
        (
            "Apache-2.0",
            [{"name": "KITTI", "class": "C", "terms": "CC BY-NC-SA 3.0"}],
            "teacher t: non-commercial (KITTI, CC BY-NC-SA 3.0); the same holds for its student,"
            " whose card repeats it",
        ),
        (
            "",
            [],
            "teacher t: the terms of it are not known (no terms stated); take its student for"
            " non-commercial until the author says otherwise",
        ),
        (
            "Apache-2.0",
            [{"name": "photos of a friend", "class": "C", "terms": ""}],
            "teacher t: the terms of photos of a friend are not known (no terms stated); take its"
            " student for non-commercial until the author says otherwise",
        ),
    ],
)
def test_one_line_warns_of_terms_that_bind_the_student(license_text, ingredients, expected):
    assert warning_line(card("t", license_text, ingredients)) == expected
