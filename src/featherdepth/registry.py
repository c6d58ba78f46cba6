"""A table from short names to the things they stand for, imported on first use."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from featherdepth.errors import UsageError


class Registry(Mapping[str, str]):
    """Names of one room as strings `"module:attribute"`; nothing is imported until `load`."""

    def __init__(self, noun: str, table: Mapping[str, str]) -> None:
        self.noun = noun
        self._table = dict(table)

    def __getitem__(self, name: str) -> str:
        return self._table[name]

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._table))

    def load(self, name: str) -> Any:
        """Import and return what `name` stands for.

        Raises:
            UsageError: if no such name is known; the message offers the nearest name.
        """
        if name not in self._table:
            near = get_close_matches(name, self._table, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self)}"
            raise UsageError(f"unknown {self.noun} {name!r}; {hint}")
        module, _, attribute = self._table[name].partition(":")
        return getattr(import_module(module), attribute)
