"""File names with fields: "{scene}/rgb_{frame}.jpg" finds files and names their partners."""

import re
from collections.abc import Mapping
from pathlib import Path


class Template:
    """A relative path in which `{field}` stands for any text without a slash."""

    def __init__(self, text: str) -> None:
        self.text = text
        seen: set[str] = set()
        pattern = ""
        for i, part in enumerate(re.split(r"\{(\w+)\}", text)):
            if i % 2 == 0:
                pattern += re.escape(part)
            elif part in seen:
                pattern += f"(?P={part})"  # a field that comes twice says the same twice
            else:
                seen.add(part)
                pattern += f"(?P<{part}>[^/]+)"
        self._pattern = re.compile(pattern)

    def match(self, name: str) -> dict[str, str] | None:
        """The fields of `name`; None if it has another form."""
        found = self._pattern.fullmatch(name)
        return None if found is None else found.groupdict()

    def fill(self, fields: Mapping[str, str]) -> str:
        """The name that `fields` lead to."""
        return self.text.format_map(dict(fields))

    def find(self, root: Path) -> list[tuple[str, dict[str, str]]]:
        """Names of all such files under `root` with their fields, sorted."""
        glob = re.sub(r"\{\w+\}", "*", self.text)
        names = sorted(p.relative_to(root).as_posix() for p in root.glob(glob) if p.is_file())
        return [(name, fields) for name in names if (fields := self.match(name)) is not None]
