"""What the page about the browser tells people to type and to write works as it stands."""

import base64
import io
import re
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from browser import Browser, needs_browser
from engine_files import needs_engine
from featherdepth.app import engine
from featherdepth.app.site import ISOLATION
from featherdepth.runtime.model import DepthModel

DOCS = Path(__file__).parents[2] / "docs"
PAGE = "how-to/browser.md"


def text() -> str:
    return (DOCS / PAGE).read_text(encoding="utf-8")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_it_names_the_headers_that_are_sent() -> None:
    for name, value in ISOLATION.items():
        assert f"{name}: {value}\n" in text()
        assert f"add_header {name} {value};" in text()


def test_the_engine_it_imports_is_the_one_that_is_pinned() -> None:
    pinned = engine.read_engine()

    assert set(re.findall(r"engine-([\d.]+)/", text())) == {pinned.version}
    assert pinned.entry["wasm"] in text()


@pytest.mark.slow
@needs_browser
@needs_engine
@pytest.mark.usefixtures("traceable")
def test_the_program_of_the_page_sees_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_page: Callable[[str], int]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_page(PAGE) == 2
    (program,) = re.findall(r"^```html\n(.*?)^```$", text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "own.html").write_text(program, encoding="utf-8")
    next((tmp_path / "public").glob("engine-*")).rename(tmp_path / "engine-1.30.0")

    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = Browser(tmp_path / "profile")
        try:
            browser.open(f"http://127.0.0.1:{server.server_address[1]}/own.html", 800)
            browser.choose("input", DOCS / "photos" / "room_a.jpg")
            browser.wait("document.title === 'done'")
            url = browser.ask("document.querySelector('canvas').toDataURL()")
        finally:
            browser.close()
            server.shutdown()

    with PIL.Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        shown = np.asarray(picture.convert("L")).astype(np.float64)
    model = DepthModel.from_pretrained("small", backend="onnx", precision="fp32", threads=1)
    depth = model.infer(DOCS / "photos" / "room_a.jpg", out_size="model").values
    assert shown.shape == depth.shape == (256, 320)
    expected = 255 * (depth.max() - depth) / np.ptp(depth)
    assert np.abs(shown - expected).max() < 8  # of 255: the canvas resizes in its own way
