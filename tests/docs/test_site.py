"""The site builds without a warning, and nothing on it leads nowhere or fetches from elsewhere."""

import html
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

ROOT = Path(__file__).parents[2]
TARGET = re.compile(r'(?:href|src)="([^"]+)"')
LOADED = re.compile(r'<(?:script|img|link)[^>]*(?:src|href)="(https?:[^"]+)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr.replace("WARNING=1", "")
    return folder


def test_every_page_of_the_docs_is_on_it(site: Path) -> None:
    pages = {p.relative_to(ROOT / "docs") for p in (ROOT / "docs").rglob("*.md")}
    readmes = {p for p in pages if p.name == "README.md"}
    expected = {p.parent if p.stem == "index" else p.with_suffix("") for p in pages - readmes} | {
        p.parent for p in readmes
    }

    assert [str(p) for p in expected if not (site / p / "index.html").is_file()] == []


def test_no_link_is_dead(site: Path) -> None:
    dead = []
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # its links are from the root of a server
            continue
        for link in TARGET.findall(page.read_text(encoding="utf-8")):
            target, anchor = urldefrag(html.unescape(unquote(link)))
            if re.match(r"[a-z]+:", target):
                continue
            path = (page.parent / target) if target else page
            path = path / "index.html" if path.is_dir() else path
            if not path.is_file():
                dead.append(f"{page.relative_to(site)}: {link}")
            elif anchor and path.suffix == ".html":
                text = path.read_text(encoding="utf-8")
                if f'id="{anchor}"' not in text and not anchor.startswith("__"):
                    dead.append(f"{page.relative_to(site)}: {link}")

    assert dead == []


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    loaded = {
        link
        for page in site.rglob("*.html")
        for link in LOADED.findall(page.read_text(encoding="utf-8"))
    }

    assert {link for link in loaded if "canonical" not in link} == set()
