"""Templates to pages: everything inline, everything from outside escaped."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featherdepth.errors import needing
from featherdepth.report import wording

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
WORDS = (
    "figure signed percent points interval percent_interval change_interval points_interval"
    " count megabytes milliseconds duration times"
)


def render(template: str, **values: Any) -> bytes:
    """A page in UTF-8. It runs no script and fetches nothing: its own policy forbids both.

    Text that is not Unicode, as file names can be, is written with question marks.

    Raises:
        BackendError: jinja2 is not installed.
    """
    return _environment().get_template(template).render(**values).encode("utf-8", "replace")


@cache
def _environment() -> "jinja2.Environment":
    with needing("a report", "train"):
        import jinja2
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(wording, name) for name in WORDS.split()}
    return environment
