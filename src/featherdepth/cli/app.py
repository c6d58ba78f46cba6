"""`featherdepth app`: the page that computes depth in a browser."""

import logging
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

PORT = 8420


def run(
    *,
    model: Annotated[
        str | None, typer.Option("--model", help="Name or model folder; the everyday model.")
    ] = None,
    port: Annotated[
        int,
        typer.Option("--port", help="On 127.0.0.1; 0 takes any that is free.", min=0, max=65535),
    ] = PORT,
    static: Annotated[
        Path | None,
        typer.Option("--static", metavar="FOLDER", help="Write the page there, to be hosted."),
    ] = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Start no browser; only say where the page is.")
    ] = False,
) -> None:
    """Open a page that sees depth in the browser: photo or camera in, depth and points out.

    Served on 127.0.0.1 only, until Ctrl-C. Photos stay in the browser.
    """
    from featherdepth import api

    quiet = logging.getLogger().level > logging.WARNING
    if static is not None:
        written = api.app_static(static, model)
        if not quiet:
            size = f"{written['files']} files, {written['bytes'] / 1e6:.1f} MB"
            print(f"{written['path']}: {size}; see docs/how-to/browser.md for the headers")
        return
    with api.app_server(model, port=port) as server:
        print(server.url, flush=True)
        if not quiet:
            print("Ctrl-C ends it.", flush=True)
        if not no_open:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            if not quiet:
                print()  # behind the terminal's ^C
