"""Runs the code blocks of a page, in order, in the current folder."""

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from featherdepth.cli import main as cli

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(bash|python|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\w+\.toml)\n")


@pytest.fixture
def run_page() -> Callable[..., int]:
    """Run every bash line that begins with `featherdepth`, and every Python block.

    A TOML block that begins with `# NAME.toml` becomes that file. `instead` replaces texts of the
    page, such as the steps of a training. Returns how many were run.
    """

    def run(name: str, instead: Mapping[str, str] | None = None) -> int:
        count = 0
        names: dict[str, Any] = {}
        page = (DOCS / name).read_text(encoding="utf-8")
        for old, new in (instead or {}).items():
            assert old in page
            page = page.replace(old, new)
        for language, code in BLOCK.findall(page):
            if language == "toml":
                if named := NAMED.match(code):
                    Path(named[1]).write_text(code)
                continue
            if language == "python":
                exec(compile(code, name, "exec"), names)
                count += 1
                continue
            for line in code.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["featherdepth"]:
                    assert cli.run(words[1:]) == 0, line
                    count += 1
        return count

    return run
