"""A table from short names to the things they stand for, imported on first use."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from featherdepth.errors import UsageError, suggestion


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
            raise UsageError(f"unknown {self.noun} {name!r}; {suggestion(name, self)}")
        module, _, attribute = self._table[name].partition(":")
        return getattr(import_module(module), attribute)
