"""From measured points and a depth map to dense metric depth: every method by its name."""

from pathlib import Path

from featherdepth.errors import UsageError
from featherdepth.registry import Registry

METHODS = Registry(
    "completion method",
    {
        "auto": "featherdepth.completion.auto:auto",
        "global": "featherdepth.completion.baselines:globally",
        "harmonic": "featherdepth.completion.poisson:harmonic",
        "hedge": "featherdepth.completion.hedge:hedge",
        "ip-basic": "featherdepth.completion.ip_basic:ip_basic",
        "kriging": "featherdepth.completion.kriging:kriging",
        "kriging-plain": "featherdepth.completion.kriging:plain",
        "learned": "featherdepth.completion.learned:learned",
        "linear": "featherdepth.completion.delaunay:linear",
        "linratio": "featherdepth.completion.delaunay:linratio",
        "local": "featherdepth.completion.baselines:locally",
        "nearest": "featherdepth.completion.baselines:nearest",
        "poisson": "featherdepth.completion.poisson:poisson",
        "pull-push": "featherdepth.completion.pull_push:pull_push_ratio",
    },
)
"""Name -> function from a `Scene` to log depth."""
DEFAULT = "learned"
"""Where there is no photo or no network `auto` stands in."""


def parse_method(text: str) -> tuple[str, Path | None]:
    """The name of `METHODS`, and the folder of another network: `NAME` or `learned@FOLDER`.

    Raises:
        UsageError: an unknown name, or a folder for a method without a network.
    """
    name, at, folder = text.partition("@")
    METHODS.load(name)
    if at and (name != DEFAULT or not folder):
        raise UsageError(
            f"method {text!r}; only {DEFAULT}@FOLDER names a network, the run folder of a recipe"
            " of completion"
        )
    return name, Path(folder) if at else None
