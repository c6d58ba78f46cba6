"""The card of a teacher that is none: what a cache of maps asks of it."""

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.types import DepthKind

CARD = TeacherCard(
    name="tiny",
    kind=DepthKind.AFFINE_INVARIANT,
    digest="d" * 64,
    license="Apache-2.0",
    materials=(
        {"name": "renders", "class": "A", "terms": "own renders (class A)", "use": "training"},
    ),
    params=7,
)
