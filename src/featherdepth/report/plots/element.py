"""SVG elements as text, with everything that comes from outside escaped."""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Svg:
    """Finished markup: templates take it as it is (`__html__`), unlike plain text."""

    text: str

    def __html__(self) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text


def element(tag: str, *children: "Svg | str", **attributes: object) -> Svg:
    """An element; plain text among the children is escaped.

    Args:
        attributes: `stroke_width` stands for `stroke-width`, `class_` for `class`; None is left
            out; numbers get at most two decimals.
    """
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = "".join(c.text if isinstance(c, Svg) else escape(c) for c in children)
    return Svg(f"<{tag}{pairs}>{inside}</{tag}>" if inside else f"<{tag}{pairs}/>")


def drawing(width: float, height: float, description: str, *children: Svg) -> Svg:
    """A whole picture that grows with its container.

    Args:
        description: what someone who cannot see it is told.
    """
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        class_="plot",
        role="img",
        aria_label=description,
    )


def _value(value: object) -> str:
    if isinstance(value, float):
        text = f"{value:.2f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    return str(value)
