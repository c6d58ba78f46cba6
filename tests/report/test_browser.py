"""A real browser opens the page: nothing is fetched, nothing complains, nothing sticks out."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from featherdepth.report.distillation import write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None or os.name != "posix", reason="no chromium is installed"),
]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
]


class Browser:
    """Chromium, spoken to over two pipes: commands go to its descriptor 3, answers come from 4."""

    def __init__(self, profile: Path) -> None:
        read_end, self._out = os.pipe()
        self._in, write_end = os.pipe()
        # A shell puts the ends where the browser looks for them.
        wires = f'exec "$@" 3<&{read_end} 4>&{write_end}'
        self._process = subprocess.Popen(
            ["bash", "-c", wires, "bash", str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(read_end, write_end),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_end)
        os.close(write_end)
        self._number = 0
        self._rest = b""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    _session: str | None = None

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command; what happens meanwhile goes to `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def open(self, page: Path, width: int, *, scheme: str = "light") -> None:
        """Show a page at a width in CSS pixels, and wait until it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not self.of("Page.loadEventFired"):
            self.events.append(self._message())

    def of(self, method: str) -> list[dict[str, Any]]:
        return [e["params"] for e in self.events if e.get("method") == method]

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    def close(self) -> None:
        os.close(self._out)  # the end of its orders is the end of the browser
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._in, 1 << 20)
            assert data, "the browser ended"
            self._rest += data
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_opens_without_a_request_a_complaint_or_a_part_that_sticks_out(
    browser: Browser, make_run: Callable[..., Path], width: int
) -> None:
    page = write_report(make_run(with_long_names, pictures=4))

    browser.open(page, width)

    asked = {e["request"]["url"].partition(":")[0] for e in browser.of("Network.requestWillBeSent")}
    files = [e for e in browser.of("Network.requestWillBeSent") if "file:" in e["request"]["url"]]
    assert asked == {"file", "data"}
    assert len(files) == 1
    complaints = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    assert not [e for name in complaints for e in browser.of(name)]
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert browser.ask("document.images.length") == 16


def test_a_name_that_holds_a_script_is_read_and_not_run(
    browser: Browser, make_run: Callable[..., Path]
) -> None:
    hostile = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"

    def change(found: dict[str, Any]) -> None:
        found["student"]["name"] = found["agreement"]["photos"][0]["key"] = hostile
        found["pictures"][0]["key"] = hostile

    browser.open(write_report(make_run(change)), 800)

    assert browser.ask("document.title").startswith("<img src=x")
    assert browser.ask("document.scripts.length") == 0
    assert "<script>" in browser.ask("document.querySelector('.shot h3').textContent")


def test_the_page_itself_forbids_requests(browser: Browser, make_run: Callable[..., Path]) -> None:
    page = write_report(make_run())
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<footer>", "<img src='http://127.0.0.1:9/x.png'><footer>"))

    browser.open(page, 800)

    assert any(
        "Content Security Policy" in e["entry"]["text"] for e in browser.of("Log.entryAdded")
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_enough_to_be_read(
    browser: Browser, make_run: Callable[..., Path], scheme: str
) -> None:
    browser.open(write_report(make_run(with_everything)), 1200, scheme=scheme)

    worst = browser.ask(CONTRAST)

    assert worst["ratio"] >= 4.5, worst


def with_long_names(found: dict[str, Any]) -> None:
    with_everything(found)
    long = "a" * 300 + ".jpg"
    found["student"]["name"] = found["photos"]["name"] = found["teacher"]["name"] = long
    found["photos"]["failed"] = [{"photo": long, "error": "x" * 200}]
    found["agreement"]["photos"][0]["key"] = found["pictures"][0]["key"] = long
    found["initial"]["name"] = found["default"]["name"] + "b" * 100
    found["student"]["materials"][0] |= {"name": long, "terms": "t" * 400}


def with_everything(found: dict[str, Any]) -> None:
    found["teacher"] |= {"commercial": False, "license": "CC BY-NC 4.0"}
    found["drift"]["alarms"] = [{"step": 2400, "text": "the spread doubled"}]


# The least contrast (WCAG 2) of any text on the page with what lies behind it.
CONTRAST = """
(() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const [r, g, b] = c.map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c; }
    return [255, 255, 255]; };
  let worst = {ratio: 99};
  document.querySelectorAll('body *').forEach(e => {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) return;
    const style = getComputedStyle(e);
    const ink = parse(e.namespaceURI.endsWith('svg') ? style.fill : style.color);
    if (ink.length < 3 || e.tagName === 'title') return;
    const [a, b] = [light(ink.slice(0, 3)), light(behind(e).slice(0, 3))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst.ratio) worst = {ratio, text: e.textContent.slice(0, 40), on: e.tagName};
  });
  return worst;
})()
"""
