"""What is trained on the photos of the experiment says under which terms they are."""

import re
from typing import get_args

import pytest
from tools.ablation.__main__ import inline
from tools.ablation.photos import DOMAINS, TERMS, Kind

from featherdepth.config import set_keys


def test_every_kind_of_photos_has_terms() -> None:
    assert TERMS.keys() == DOMAINS.keys()
    for terms in TERMS.values():
        assert set(terms) == set(get_args(Kind))


@pytest.mark.parametrize(
    ("domain", "kind", "strictest"),
    [("rooms", "target", "B"), ("rooms", "source", "B"), ("streets", "target", "C")],
)
def test_terms_reach_the_recipe_whole(domain: str, kind: Kind, strictest: str) -> None:
    terms = TERMS[domain][kind]

    recipe = set_keys({}, [f"photo_terms={inline(terms)}"])

    assert recipe == {"photo_terms": terms}
    assert max(re.findall(r"class ([ABC])\b", terms)) == strictest
