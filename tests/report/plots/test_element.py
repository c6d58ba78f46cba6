"""Markup from outside text is text."""

from xml.etree import ElementTree

from featherdepth.report.plots.element import Svg, drawing, element

HOSTILE = "<script>alert('1')</script>\"&"


def test_text_and_attributes_are_escaped() -> None:
    made = element("text", HOSTILE, aria_label=HOSTILE)

    read = ElementTree.fromstring(made.text)
    assert (read.text, read.get("aria-label")) == (HOSTILE, HOSTILE)
    assert "<script" not in made.text


def test_elements_within_elements_stay_elements() -> None:
    made = element("circle", element("title", "a < b"), cx=1.0)

    assert made.text == '<circle cx="1"><title>a &lt; b</title></circle>'


def test_names_follow_svg_and_numbers_are_short() -> None:
    made = element("line", stroke_width=1.256, class_="grid", x1=-0.001, y1=3, id=None)

    assert made.text == '<line stroke-width="1.26" class="grid" x1="0" y1="3"/>'


def test_a_drawing_says_what_it_shows_and_scales() -> None:
    made = drawing(400.0, 100.5, 'dots & "lines"', element("g"))

    read = ElementTree.fromstring(made.text)
    assert read.get("role") == "img"
    assert read.get("aria-label") == 'dots & "lines"'
    assert read.get("viewBox") == "0 0 400 100.5"
    assert read.get("width") is None


def test_templates_take_a_drawing_as_it_is() -> None:
    assert Svg("<g/>").__html__() == str(Svg("<g/>")) == "<g/>"
