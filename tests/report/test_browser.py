"""A real browser opens the page: nothing is fetched, nothing complains, nothing sticks out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import CONTRAST, Browser, needs_browser
from featherdepth.report.distillation import write_report

pytestmark = [pytest.mark.slow, needs_browser]


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
