"""Terms of weights and data, as far as their words tell, and the line that warns of them.

Classes as in the card of every model: A may be used for anything, B are research sets whose images
are restricted, C is non-commercial, share-alike, or without known terms.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from featherdepth.data.teacher_cards import TeacherCard

Standing = Literal["permissive", "restricted", "unknown"]

NONE_STATED = "no terms stated"

_RESTRICTED = re.compile(
    r"non[- ]?commercial|\bnc\b|share[- ]?alike|\bby[- ]sa\b|\bamlr\b|class c\b"
    r"|research[- ](purposes[- ])?only|(only|solely) for research|academic|evaluation only",
    re.IGNORECASE,
)
_PERMISSIVE = re.compile(
    r"\bapache\b|\bmit\b|\b0?bsd\b|\bisc\b|\bcc0\b|\bcc[- ]by([- ]\d|$)|\bunlicense\b"
    r"|public domain|own renders|class a\b",
    re.IGNORECASE,
)

# Cards of some of these were silent for years.
_KNOWN = (
    (re.compile(r"depth[-_]?anything[-_]?v2.*(base|large|giant|vitb|vitl|vitg)"), "CC-BY-NC-4.0"),
    (re.compile(r"depth[-_]?anything[-_]?v2.*(small|vits)"), "Apache-2.0"),
    (re.compile(r"depth[-_]?pro\b"), "Apple Machine Learning Research Model License (apple-amlr)"),
)


def standing(terms: str) -> Standing:
    """What the words of a license say of commercial use; restrictions win over everything else.

    Example:
        >>> standing("Apache-2.0"), standing("cc-by-nc-4.0"), standing("other")
        ('permissive', 'restricted', 'unknown')
    """
    if _RESTRICTED.search(terms):
        return "restricted"
    return "permissive" if _PERMISSIVE.search(terms) else "unknown"


def known_license(names: Iterable[str]) -> str:
    """The license of well-known weights by any of their names; empty for all others."""
    for name in names:
        for pattern, license_text in _KNOWN:
            if pattern.search(name.lower()):
                return license_text
    return ""


def settle_license(stated: str, names: Iterable[str]) -> str:
    """The license that counts: the stated one, unless known weights of these names say stricter."""
    known = known_license(names)
    if not stated or (standing(known) == "restricted" and standing(stated) != "restricted"):
        return known or stated
    return stated


def with_itself(
    name: str, license_text: str, ingredients: Iterable[Mapping[str, Any]] = ()
) -> tuple[dict[str, Any], ...]:
    """A teacher's bill of materials: its ingredients, then itself, no better than any of them."""
    rows = tuple(dict(row) | {"class": _class_of(row)} for row in ingredients)
    own = "A" if standing(license_text) == "permissive" else "C"
    itself = {
        "name": name,
        "class": max([own, *(row["class"] for row in rows)]),
        "terms": license_text or NONE_STATED,
        "use": "teacher",
    }
    return (*rows, itself)


def warning_line(card: TeacherCard) -> str | None:
    """One line for a teacher whose student is not for commercial use; None for all others."""
    if card.commercial:
        return None
    rows = [row for row in card.materials if _class_of(row) == "C"]
    texts = [(str(row.get("name", "")), str(row.get("terms") or NONE_STATED)) for row in rows]
    for name, terms in texts:
        # What the teacher itself inherits is told of the ingredient that brings it.
        if standing(terms) == "restricted":
            source = "" if name == card.name else f"{name}, "
            return (
                f"teacher {card.name}: non-commercial ({source}{terms}); the same holds for its"
                " student, whose card repeats it"
            )
    name, terms = texts[0] if texts else (card.name, NONE_STATED)
    source = "it" if name == card.name else name
    return (
        f"teacher {card.name}: the terms of {source} are not known ({terms}); take its student for"
        " non-commercial until the author says otherwise"
    )


def _class_of(row: Mapping[str, Any]) -> str:
    if row.get("class") in ("A", "B", "C"):
        return str(row["class"])
    return "A" if standing(str(row.get("terms", ""))) == "permissive" else "C"
