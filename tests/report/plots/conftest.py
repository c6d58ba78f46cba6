"""Reading drawings back."""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from featherdepth.report.plots.element import Svg

Parts = Callable[[Svg, str], list[ElementTree.Element]]


@pytest.fixture
def parts() -> Parts:
    """All elements of a drawing with a tag, or, for ".name", of a class."""

    def find(svg: Svg, what: str) -> list[ElementTree.Element]:
        every = list(ElementTree.fromstring(svg.text).iter())
        if what.startswith("."):
            return [e for e in every if what[1:] in e.get("class", "").split()]
        return [e for e in every if e.tag == what]

    return find
