"""The page that computes depth in a browser."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from featherdepth.errors import UsageError

if TYPE_CHECKING:
    from featherdepth.app.server import PageServer
    from featherdepth.app.site import Site


def app_server(model: str | Path | None = None, *, port: int = 0) -> "PageServer":
    """The page's local server: `serve_forever()` runs it, `url` is where.

    Args:
        model: an embedded model or a model folder; the everyday model if None.
        port: on 127.0.0.1; 0 takes any that is free.

    Raises:
        UsageError: no such model, one that the page cannot run, or a port that is taken.
        WeightsError: a model folder that is missing, damaged or without model.onnx.
        BackendError: the engine of the page is not installed.
    """
    from featherdepth.app.server import PageServer

    return PageServer(_site(model), port)


def app_static(output: str | Path, model: str | Path | None = None) -> dict[str, Any]:
    """Write the page as a folder that any web server can host, whole or not at all.

    Returns:
        `path`, `files` and `bytes`.

    Raises:
        UsageError, WeightsError, BackendError: as `app_server`; or the folder holds something else.
        RunError: it cannot be written.
    """
    from featherdepth.app.static import write_static

    site = _site(model)
    written = write_static(site, Path(output))
    return {"path": str(output), "files": len(site) + 1, "bytes": written}


def _site(model: str | Path | None) -> "Site":
    from featherdepth.app.site import gather
    from featherdepth.runtime.reference import resolve

    found = resolve(model)
    if found.network is not None:
        raise UsageError(
            f"model {model}: foreign weights run on torch; export a model folder first"
        )
    return gather(found.path)
