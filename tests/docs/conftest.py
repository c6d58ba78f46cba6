"""Runs the code blocks of a page, in order, in the current folder."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from featherdepth.cli import main as cli

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def run_page() -> Callable[[str], int]:
    """Run every bash line that begins with `featherdepth`, and every Python block.

    Returns how many were run.
    """

    def run(name: str) -> int:
        count = 0
        names: dict[str, Any] = {}
        for language, code in BLOCK.findall((DOCS / name).read_text(encoding="utf-8")):
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
