"""A real browser runs the page: the same map as Python, by hand, by keys, on a phone, offline."""

import base64
import functools
import http.server
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from browser import CONTRAST, Browser, needs_browser
from engine_files import needs_engine
from featherdepth.app.server import PageServer
from featherdepth.app.site import Site, SiteFile, gather
from featherdepth.app.static import write_static
from featherdepth.geometry.camera import distances
from featherdepth.geometry.resize import resize_map
from featherdepth.images.colormap import colorize
from featherdepth.images.read import read_image
from featherdepth.images.read_depth import read_depth
from featherdepth.runtime.fit import fit
from featherdepth.runtime.model import DepthModel
from featherdepth.runtime.presets import embedded_folder
from featherdepth.types import Depth, DepthKind, Image

PHOTOS = Path(__file__).parents[2] / "docs" / "photos"
pytestmark = [
    pytest.mark.slow,
    needs_browser,
    needs_engine,
]
FLAGS = (
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
READY = "document.getElementById('status').textContent === 'Ready.'"
DONE = "document.getElementById('status').textContent.startsWith('Done')"
STATE = "import(new URL('app.js', document.baseURI).href).then(({state}) => %s)"
LIMIT = 1e-2
"""Difference from Python, as a share of the map's range."""


@contextmanager
def serving(server: http.server.HTTPServer) -> Iterator[str]:
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def real_site() -> Site:
    return gather(embedded_folder("small"))


@pytest.fixture(scope="module")
def url(real_site: Site) -> Iterator[str]:
    with serving(PageServer(real_site, 0)) as found:
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("profile"), *FLAGS)
    yield found
    found.close()


@pytest.fixture(scope="module")
def model() -> DepthModel:
    # The page computes in fp32; here "auto" may take 8 bits.
    return DepthModel.from_pretrained("small", backend="onnx", precision="fp32", threads=1)


@pytest.fixture
def page(browser: Browser, url: str) -> Browser:
    browser.open(url, 1200)
    browser.wait(READY)
    return browser


def see(page: Browser, photo: Path, *, seconds: float = 60) -> None:
    """Choose a photo and wait for its depth."""
    page.ask("document.getElementById('status').textContent = ''")
    page.choose("#file", photo)
    page.wait(f"{DONE} || !document.getElementById('problem').hidden", seconds)
    assert page.ask("document.getElementById('problem').textContent") == ""


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=np.float32)


TO_TEXT = """(values => { const bytes = new Uint8Array(values.buffer, values.byteOffset,
  values.byteLength); let text = ''; for (const b of bytes) text += String.fromCharCode(b);
  return btoa(text); })"""


def seen_map(page: Browser) -> np.ndarray:
    """The last map, at the size at which the network saw the photo."""
    values = floats(page.ask(STATE % f"{TO_TEXT}(state.result.values)"))
    height, width = page.ask(STATE % "[state.result.height, state.result.width]")
    return values.reshape(height, width)


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.ptp(expected))


def large(path: Path) -> Path:
    """A photo of fine detail that shrinks much, lying on its side by its EXIF."""
    with PIL.Image.open(PHOTOS / "coffee.jpg") as photo:
        picture = photo.resize((1500, 1000), PIL.Image.Resampling.BICUBIC)
    pixels = np.asarray(picture).astype(np.int32)
    pixels += np.random.default_rng(0).integers(-60, 60, pixels.shape)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    picture = PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    picture.save(path, quality=92, exif=exif)
    return path


def transparent(path: Path) -> Path:
    with PIL.Image.open(PHOTOS / "chelsea.jpg") as photo:
        picture = photo.convert("RGBA")
    alpha = np.zeros(picture.size[::-1], dtype=np.uint8)
    alpha[:, 100:] = 255
    picture.putalpha(PIL.Image.fromarray(alpha))
    picture.save(path)
    return path


def strip(path: Path) -> Path:
    with PIL.Image.open(PHOTOS / "hills.jpg") as photo:
        photo.crop((0, 100, 320, 150)).save(path)
    return path


# --- The same map -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["room_a.jpg", "coffee.jpg", "street_a.jpg"])
def test_it_sees_what_python_sees(page: Browser, model: DepthModel, name: str) -> None:
    see(page, PHOTOS / name)

    assert difference(seen_map(page), model.infer(PHOTOS / name, out_size="model").values) < LIMIT


@pytest.mark.parametrize(
    ("make", "name"), [(large, "turned.jpg"), (transparent, "cut.png"), (strip, "strip.png")]
)
def test_odd_photos_look_the_same_to_both(
    page: Browser, model: DepthModel, tmp_path: Path, make: Callable[[Path], Path], name: str
) -> None:
    photo = make(tmp_path / name)

    see(page, photo)

    # Read whole: of a large JPEG `infer(path)` takes the decoder's own smaller picture.
    expected = model.infer(read_image(photo), out_size="model").values
    assert difference(seen_map(page), expected) < LIMIT


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("prepare.js", "(color * rows + y)", "((2 - color) * rows + y)"),
        ("prepare.js", "pixels[from + color] / 255", "pixels[from + color] / 256 - 0.02"),
        ("resize.js", "Math.max(scale, 1)", "1"),
        ("resize.js", "(i + 0.5) * scale", "i * scale"),
    ],
    ids=["BGR", "other range", "no antialiasing", "whole-pixel centers"],
)
def test_the_comparison_can_fail(
    browser: Browser,
    model: DepthModel,
    real_site: Site,
    tmp_path: Path,
    file: str,
    right: str,
    wrong: str,
) -> None:
    text = real_site[file].plain().decode()
    assert text.count(right) == 1
    wrong_site = {**real_site, file: SiteFile(content=text.replace(right, wrong).encode())}
    photo = large(tmp_path / "photo.jpg")

    with serving(PageServer(wrong_site, 0)) as url:
        browser.open(url, 1200)
        browser.wait(READY)
        see(browser, photo)
        found = seen_map(browser)

    expected = model.infer(read_image(photo), out_size="model").values
    assert difference(found, expected) > LIMIT


@pytest.mark.parametrize(
    "size",
    [(480, 640), (640, 480), (213, 320), (100, 401), (401, 100), (37, 900), (900, 37), (1, 1)],
)
def test_photos_are_prepared_as_in_python_to_one_gray_level(
    page: Browser, size: tuple[int, int]
) -> None:
    height, width = size
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    rgba = np.dstack([pixels, np.full(size, 255, dtype=np.uint8)])
    for rules in (
        {"size": 288, "multiple": 64, "resize": "keep"},
        {"size": 448, "multiple": 64, "resize": "stretch"},
    ):
        text = base64.b64encode(rgba.tobytes()).decode()
        found = page.ask(
            f"""import('/prepare.js').then(({{prepare}}) => {{
              const rgba = Uint8ClampedArray.from(atob('{text}'), c => c.charCodeAt(0));
              const {{images, place}} = prepare(rgba, {height}, {width}, {json.dumps(rules)});
              return [{TO_TEXT}(images), place]; }})"""
        )

        expected, window = fit(
            Image(pixels=pixels),
            size=int(rules["size"]),
            multiple=64,
            rule=rules["resize"],  # type: ignore[arg-type]
        )
        place = found[1]
        assert place["outer"] == list(expected.shape[1:])
        # Versions of Pillow differ in which direction comes first, and so in the rounding between.
        apart = np.abs(floats(found[0]).reshape(expected.shape) - expected) * 255
        assert apart.max() < 1.01
        inside = np.zeros(expected.shape[1:])[window]
        assert place["inner"] == list(inside.shape)
        assert [place["top"], place["left"]] == [window[0].start or 0, window[1].start or 0]


@pytest.mark.parametrize("kind", list(DepthKind))
def test_colors_and_distances_mean_what_they_mean_in_python(
    page: Browser, real_site: Site, kind: DepthKind
) -> None:
    values = np.random.default_rng(3).uniform(0.4, 30, (48, 64)).astype(np.float32)
    depth = Depth(values=values, valid=np.ones(values.shape, dtype=bool), kind=kind)
    text = base64.b64encode(values.tobytes()).decode()

    colors, distance, larger = page.ask(
        f"""Promise.all([import('/meaning.js'), import('/paint.js'), import('/resize.js'),
          fetch('/about.json').then(r => r.json())]).then(([meaning, paint, resize, about]) => {{
          const bytes = Uint8Array.from(atob('{text}'), c => c.charCodeAt(0));
          const values = new Float32Array(bytes.buffer);
          const table = paint.readColors(about.colors);
          return [{TO_TEXT}(paint.colored(values, 48, 64, '{kind}', table).data),
            {TO_TEXT}(meaning.distances(values, '{kind}', about.near_far)),
            {TO_TEXT}(resize.resizeMap(values, 48, 64, 100, 150))]; }})"""
    )

    picture = np.frombuffer(base64.b64decode(colors), dtype=np.uint8).reshape(48, 64, 4)
    # Arithmetic in double there and single here: a value on the border may fall on either side.
    painted = np.abs(picture[..., :3].astype(int) - colorize(depth).astype(int)).max(axis=2)
    assert (painted > 0).mean() < 0.005 and painted.max() <= 8
    affine = kind in (DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY)
    expected, _ = distances(depth, (1, 10) if affine else None)
    assert np.allclose(floats(distance).reshape(48, 64), expected, rtol=1e-5)
    assert np.allclose(floats(larger).reshape(100, 150), resize_map(values, (100, 150)), rtol=1e-6)


def test_the_saved_file_is_read_back_by_the_package(
    page: Browser, model: DepthModel, tmp_path: Path
) -> None:
    see(page, PHOTOS / "room_a.jpg")

    text = page.ask(
        STATE % f"state.network.save(state.about, state.result).then(f => f.arrayBuffer())"
        f".then(b => {TO_TEXT}(new Uint8Array(b)))"
    )

    (tmp_path / "room.png").write_bytes(base64.b64decode(text))
    found, expected = read_depth(tmp_path / "room.png"), model.infer(PHOTOS / "room_a.jpg")
    assert found.kind is DepthKind.AFFINE_INVARIANT and found.valid.all()
    assert difference(found.values, expected.values) < LIMIT
    with PIL.Image.open(io.BytesIO(base64.b64decode(text))) as picture:
        picture.load()
        sidecar = json.loads(picture.text["featherdepth"])  # type: ignore[attr-defined]
    assert sidecar["model"]["sha256"] == model.preset.sha256
    assert sidecar["source"] == {"name": "room_a.jpg", "height": 240, "width": 320}


def test_a_map_is_saved_after_another_way_to_compute_was_chosen(
    page: Browser, model: DepthModel, tmp_path: Path
) -> None:
    see(page, PHOTOS / "room_a.jpg")
    page.ask("""(() => { URL.createObjectURL = blob => { self.saved = blob; return '#'; }; })()""")

    # Twice at once: the first choice is closed while it loads, and nothing is said of it.
    page.ask(
        """(s => { for (const way of ['wasm', 'auto']) {
          s.value = way; s.dispatchEvent(new Event('change')); } })
          (document.getElementById('compute'))"""
    )
    page.wait(READY)
    page.ask("document.getElementById('save-depth').click()")
    page.wait("Boolean(self.saved) || !document.getElementById('problem').hidden")

    assert page.ask("document.getElementById('problem').textContent") == ""
    text = page.ask(f"saved.arrayBuffer().then(b => {TO_TEXT}(new Uint8Array(b)))")
    (tmp_path / "room.png").write_bytes(base64.b64decode(text))
    found, expected = read_depth(tmp_path / "room.png"), model.infer(PHOTOS / "room_a.jpg")
    assert difference(found.values, expected.values) < LIMIT


def test_the_depth_shown_is_painted_as_python_paints_it(page: Browser, model: DepthModel) -> None:
    see(page, PHOTOS / "coffee.jpg")

    url = page.ask("document.getElementById('depth').toDataURL()")

    with PIL.Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        shown = np.asarray(picture.convert("RGB")).astype(int)
    expected = colorize(model.infer(PHOTOS / "coffee.jpg")).astype(int)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).max(axis=2).mean() < 0.1


# --- Ways to compute ----------------------------------------------------------------------------


def test_with_the_headers_it_uses_threads_and_says_how_many(page: Browser) -> None:
    threads = page.ask("Math.min(4, navigator.hardwareConcurrency)")

    told = page.ask("document.getElementById('fact-compute').textContent")

    assert page.ask("crossOriginIsolated") is True
    noun = f"{threads} threads" if threads > 1 else "1 thread"
    assert told == f"CPU (WebAssembly), {noun}"
    assert page.ask("document.getElementById('note').hidden")


def test_without_the_headers_it_runs_on_one_thread_and_says_so(
    browser: Browser, model: DepthModel, real_site: Site, tmp_path: Path
) -> None:
    write_static(real_site, tmp_path / "below" / "page")

    class Plain(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Plain, directory=str(tmp_path))
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)) as url:
        browser.open(f"{url}below/page/", 1200)
        browser.wait(READY)
        see(browser, PHOTOS / "room_a.jpg")
        told = browser.ask("document.getElementById('fact-compute').textContent")
        note = browser.ask("document.getElementById('note').textContent")
        found = seen_map(browser)

    assert browser.ask("crossOriginIsolated") is False
    assert told == "CPU (WebAssembly), 1 thread"
    assert "one thread only" in note and "COOP and COEP" in note
    expected = model.infer(PHOTOS / "room_a.jpg", out_size="model").values
    assert difference(found, expected) < LIMIT


def test_a_gpu_sees_the_same(page: Browser, model: DepthModel) -> None:
    if not page.ask("navigator.gpu?.requestAdapter().then(Boolean)"):
        pytest.skip("this browser offers no GPU, not even a played one")
    # A played one is not taken by itself: it is slower than the CPU.
    assert "CPU" in page.ask("document.getElementById('fact-compute').textContent")

    page.ask("""(s => { s.value = 'webgpu'; s.dispatchEvent(new Event('change')); })
        (document.getElementById('compute'))""")
    page.wait("document.getElementById('fact-compute').textContent === 'GPU (WebGPU)'", 300)
    page.wait(READY)
    see(page, PHOTOS / "room_a.jpg", seconds=300)  # a played one takes its time

    expected = model.infer(PHOTOS / "room_a.jpg", out_size="model").values
    assert difference(seen_map(page), expected) < LIMIT


def test_a_gpu_that_fails_gives_way_to_the_cpu(browser: Browser, real_site: Site) -> None:
    path = next(path for path in real_site if path.endswith("ort.webgpu.min.mjs"))
    broken = {**real_site, path: SiteFile(content=b"throw new Error('planted')", lasting=True)}

    with serving(PageServer(broken, 0)) as url:
        browser.open(url, 1200)
        browser.wait(READY)
        if not browser.ask("navigator.gpu?.requestAdapter().then(Boolean)"):
            pytest.skip("this browser offers no GPU, not even a played one")
        browser.ask("""(s => { s.value = 'webgpu'; s.dispatchEvent(new Event('change')); })
            (document.getElementById('compute'))""")
        browser.wait("document.getElementById('note').textContent.includes('planted')")
        browser.wait(READY)
        see(browser, PHOTOS / "room_a.jpg")

    assert "CPU" in browser.ask("document.getElementById('fact-compute').textContent")


# --- Offline ------------------------------------------------------------------------------------


def test_it_works_after_the_server_has_gone(
    browser: Browser, model: DepthModel, real_site: Site
) -> None:
    with serving(PageServer(real_site, 0)) as url:
        browser.open(url, 1200)
        browser.wait(READY)
        browser.wait("document.getElementById('offline').textContent.includes('without a network')")

    browser.open(url, 1200)
    browser.wait(READY)
    see(browser, PHOTOS / "hall_b.jpg")

    expected = model.infer(PHOTOS / "hall_b.jpg", out_size="model").values
    assert difference(seen_map(browser), expected) < LIMIT
    assert browser.ask("crossOriginIsolated") is True


def test_another_model_on_the_same_address_is_the_one_that_runs(
    browser: Browser, real_site: Site
) -> None:
    server = PageServer(real_site, 0)
    port = server.server_address[1]
    with serving(server) as url:
        browser.open(url, 1200)
        browser.wait(READY)
    about = json.loads(real_site["about.json"].plain())
    about["model"]["name"] = "another"
    other = {**real_site, "about.json": SiteFile(content=json.dumps(about).encode())}

    with serving(PageServer(other, port)) as url:
        browser.open(url, 1200)
        browser.wait(READY)

        assert browser.ask("document.getElementById('fact-model').textContent").startswith(
            "another"
        )


# --- By hand ------------------------------------------------------------------------------------


def test_it_opens_without_a_complaint_or_a_request_elsewhere(page: Browser, url: str) -> None:
    see(page, PHOTOS / "room_a.jpg")
    page.ask("document.querySelector('input[value=points]').click()")

    asked = [e["request"]["url"] for e in page.of("Network.requestWillBeSent")]
    assert all(address.startswith((url, "data:", "blob:")) for address in asked)
    assert not page.of("Runtime.consoleAPICalled") and not page.of("Runtime.exceptionThrown")
    assert not [e for e in page.of("Log.entryAdded") if e["entry"]["level"] == "error"]


def test_a_photo_can_be_dropped(page: Browser) -> None:
    text = base64.b64encode((PHOTOS / "coffee.jpg").read_bytes()).decode()

    page.ask(
        f"""(() => {{ const data = new DataTransfer();
          const bytes = Uint8Array.from(atob('{text}'), c => c.charCodeAt(0));
          data.items.add(new File([bytes], 'dropped.jpg', {{type: 'image/jpeg'}}));
          const options = {{dataTransfer: data, bubbles: true, cancelable: true}};
          document.body.dispatchEvent(new DragEvent('drop', options)); }})()"""
    )
    page.wait(DONE)

    assert page.ask("document.getElementById('photo-words').textContent") == (
        "dropped.jpg, 320 x 213"
    )


def test_the_camera_takes_a_photo_and_is_let_go(page: Browser) -> None:
    page.ask("document.getElementById('use-camera').click()")
    page.wait("document.getElementById('video').videoWidth > 0")
    assert page.ask("document.activeElement.id") == "shoot"
    page.ask("self.stream = document.getElementById('video').srcObject")

    page.ask("document.getElementById('shoot').click()")
    page.wait(DONE)

    assert page.ask("document.getElementById('photo-words').textContent").startswith("camera, ")
    assert page.ask("stream.getTracks().every(t => t.readyState === 'ended')")
    assert page.ask("document.getElementById('camera').hidden")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"not a photo at all", "cannot be read as a photo; expected JPEG, PNG or WebP"),
        ((PHOTOS / "coffee.jpg").read_bytes()[:300], "cannot be read as a photo"),
    ],
    ids=["empty", "text", "cut short"],
)
def test_what_is_no_photo_is_said_and_the_next_one_works(
    page: Browser, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "bad.jpg").write_bytes(content)

    page.choose("#file", tmp_path / "bad.jpg")
    page.wait("!document.getElementById('problem').hidden")

    told = page.ask("document.getElementById('problem').textContent")
    assert told.startswith("bad.jpg: ") and said in told
    see(page, PHOTOS / "room_a.jpg")
    assert page.ask("document.getElementById('problem').hidden")


def test_a_browser_that_hands_out_noise_for_pixels_is_told_of(
    browser: Browser, real_site: Site
) -> None:
    noise = b"""
      const told = OffscreenCanvasRenderingContext2D.prototype.getImageData;
      OffscreenCanvasRenderingContext2D.prototype.getImageData = function (...place) {
        const found = told.apply(this, place);
        found.data[40] ^= 1;
        return found;
      };"""
    text = real_site["worker.js"].plain() + noise

    with serving(PageServer({**real_site, "worker.js": SiteFile(content=text)}, 0)) as url:
        browser.open(url, 800)
        browser.wait(READY)

    note = browser.ask("document.getElementById('note').textContent")
    assert "changes the pixels that pages read" in note


def test_a_photo_too_large_for_canvases_keeps_its_size(page: Browser, tmp_path: Path) -> None:
    with PIL.Image.open(PHOTOS / "coffee.jpg") as photo:
        photo.resize((5400, 3600)).save(tmp_path / "large.jpg")

    see(page, tmp_path / "large.jpg")

    assert page.ask(STATE % "state.result.photoSize") == {"height": 3600, "width": 5400}
    assert "5400 x 3600" in page.ask("document.getElementById('photo-words').textContent")
    see(page, PHOTOS / "coffee.jpg")


def test_without_webassembly_it_says_so(browser: Browser, url: str) -> None:
    made = browser.call("Page.addScriptToEvaluateOnNewDocument", source="delete self.WebAssembly")
    try:
        browser.open(url, 800)
        browser.wait("!document.getElementById('problem').hidden")
        assert "no WebAssembly" in browser.ask("document.getElementById('problem').textContent")
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", **made)


def test_a_missing_weights_file_is_said(browser: Browser, real_site: Site) -> None:
    gone = {path: f for path, f in real_site.items() if not path.endswith(".safetensors")}

    with serving(PageServer(gone, 0)) as url:
        browser.open(url, 800)
        browser.wait("!document.getElementById('problem').hidden")

    told = browser.ask("document.getElementById('problem').textContent")
    assert "model.safetensors: 404" in told


# --- By keys, and on a phone --------------------------------------------------------------------

FOCUS = """(e => e.id || e.value || e.textContent.trim())(document.activeElement)"""


def tab_to(page: Browser, wanted: str, *, shift: bool = False) -> list[str]:
    """Press Tab until something has the focus; what was passed."""
    passed: list[str] = []
    while not passed or passed[-1] != wanted:
        assert len(passed) < 20, passed
        page.press("Tab", shift=shift)
        passed.append(page.ask(FOCUS))
    return passed


def test_everything_can_be_done_by_keys(page: Browser) -> None:
    assert tab_to(page, "example") == ["file", "use-camera", "example"]
    page.press("Enter")
    page.wait(DONE)

    assert tab_to(page, "depth")[-1] == "depth"  # the choice between depth and points
    page.press("ArrowRight")
    assert page.ask("document.querySelector('input[name=view]:checked').value") == "points"
    page.wait(STATE % "Boolean(state.points)")
    assert tab_to(page, "points") == ["points"]

    for key in ("ArrowLeft", "ArrowDown", "ArrowDown", "+"):
        page.press(key)
    yaw, pitch, zoom = page.ask(STATE % "[state.points.yaw, state.points.pitch, state.points.zoom]")
    assert (yaw > 0, pitch > 0, zoom > 1) == (True, True, True)
    page.press("0")
    after = page.ask(STATE % "[state.points.yaw, state.points.pitch, state.points.zoom]")
    assert after == [0, 0, 1]

    assert tab_to(page, "compute") == ["reset", "save-depth", "save-picture", "compute"]


def test_what_has_the_focus_shows_it(page: Browser) -> None:
    see(page, PHOTOS / "room_a.jpg")
    page.ask("document.querySelector('input[value=points]').click()")
    page.ask("document.activeElement.blur()")
    outline = """(e => { const s = getComputedStyle(e.closest('.button') ??
      (e.matches('.choice input') ? e.nextElementSibling : e));
      return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; })
      (document.activeElement)"""

    seen = set()
    for _ in range(14):
        page.press("Tab")
        if page.ask("document.activeElement !== document.body"):
            seen.add(page.ask(FOCUS))
            assert page.ask(outline), seen

    assert {"file", "points", "save-depth", "compute"} <= seen


def test_every_control_has_a_name(page: Browser) -> None:
    see(page, PHOTOS / "room_a.jpg")

    page.call("Accessibility.enable")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    page.call("Accessibility.disable")

    roles = {"button", "radio", "combobox", "link", "img", "application", "radiogroup", "textbox"}
    found = [(n["role"]["value"], n["name"]["value"]) for n in nodes if n.get("name")]
    controls = [(role, name) for role, name in found if role in roles]
    assert len(controls) >= 10
    assert [role for role, name in controls if not name.strip()] == []
    assert ("button", "Choose a photo") in controls
    assert ("radiogroup", "Seen as") in controls
    assert any(role == "status" for role, _ in [(n["role"]["value"], n) for n in nodes])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_sticks_out_and_all_is_large_enough_to_touch_and_read(
    browser: Browser, url: str, scheme: str
) -> None:
    browser.open(url, 375, height=812, scheme=scheme)
    browser.wait(READY)
    assert browser.ask("document.documentElement.scrollWidth") <= 375
    assert browser.ask("document.getElementById('example').getBoundingClientRect().bottom") < 812
    see(browser, PHOTOS / "room_a.jpg")

    for view in ("depth", "points"):
        browser.ask(f"document.querySelector('input[value={view}]').click()")
        assert browser.ask("document.documentElement.scrollWidth") <= 375
        # Nearly as wide as the phone, and whole without scrolling.
        place = browser.ask(
            f"(r => [r.width, r.bottom])(document.getElementById('{view}').getBoundingClientRect())"
        )
        assert place[0] > 320 and place[1] < 812
        worst = browser.ask(CONTRAST)
        assert worst["ratio"] >= 4.5, worst
        sizes = browser.ask(
            """[...document.querySelectorAll('button, .button, select, .choice label')]
              .map(e => e.getBoundingClientRect()).filter(r => r.width)
              .map(r => [r.width, r.height])"""
        )
        assert min(map(min, sizes)) >= 32, sizes


def test_the_points_sway_only_where_motion_is_welcome(page: Browser) -> None:
    see(page, PHOTOS / "room_a.jpg")
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.call("Emulation.setEmulatedMedia", features=features)

    page.ask("document.querySelector('input[value=points]').click()")
    still = [shot(page), shot(page)]
    page.call("Emulation.setEmulatedMedia", features=[])
    see(page, PHOTOS / "coffee.jpg")
    moving = [shot(page), shot(page)]

    assert still[0] == still[1]
    assert moving[0] != moving[1]


def test_dragging_turns_the_points(page: Browser) -> None:
    see(page, PHOTOS / "room_a.jpg")
    page.ask("document.querySelector('input[value=points]').click()")
    place = page.ask(
        "(r => [r.left + r.width / 2, r.top + r.height / 2])"
        "(document.getElementById('points').getBoundingClientRect())"
    )

    for kind, by in (("mousePressed", 0), ("mouseMoved", 60), ("mouseReleased", 60)):
        where: dict[str, Any] = {"x": place[0] + by, "y": place[1] + by / 2}
        page.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)

    yaw, pitch = page.ask(STATE % "[state.points.yaw, state.points.pitch]")
    assert yaw < -0.1 and pitch > 0.05
    page.ask("document.getElementById('reset').click()")
    assert page.ask(STATE % "state.points.yaw") == 0


def shot(page: Browser) -> str:
    box = page.ask(
        "(r => ({x: r.x + scrollX, y: r.y + scrollY, width: r.width, height: r.height, scale: 1}))"
        "(document.getElementById('points').getBoundingClientRect())"
    )
    found: str = page.call("Page.captureScreenshot", clip=box)["data"]
    return found
