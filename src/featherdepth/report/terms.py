"""Everything that went into a student, and by which way it came."""

from collections.abc import Mapping
from typing import Any

from featherdepth.report.document import Distillation

Ingredient = tuple[str, Mapping[str, Any]]
"""Who brought it (teacher, photos, start), and its row of the bill of materials."""


def bill(run: Distillation) -> list[Ingredient]:
    """The ingredients, each once: what the student started from, the teacher's, the photos.

    A student's own bill names them all; what it leaves out is taken from the teacher and the
    photos themselves.
    """
    photos = {"name": run.photos.name, "terms": run.photos.terms, "use": "photos of this run"}
    rows: list[Ingredient] = []
    for material in run.student.materials:
        of_photos = material.get("name") == run.photos.name
        if material not in run.teacher.materials:
            rows.append(("photos" if of_photos else "start", material))
    rows += [("teacher", material) for material in run.teacher.materials]
    if not any(who == "photos" for who, _ in rows):
        rows.append(("photos", photos))
    once = [row for i, row in enumerate(rows) if row not in rows[:i]]
    return sorted(once, key=lambda row: ("start", "teacher", "photos").index(row[0]))
