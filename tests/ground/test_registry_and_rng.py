"""Names resolve on first use; random streams do not shift each other."""

import os

import pytest

from featherdepth.errors import UsageError
from featherdepth.registry import Registry
from featherdepth.rng import derive, generator


def test_a_name_is_imported_on_use_and_listed_sorted():
    registry = Registry("thing", {"b": "json:dumps", "a": "not_there:x"})

    assert list(registry) == ["a", "b"]
    assert registry.load("b")({}) == "{}"


@pytest.mark.parametrize(
    ("name", "hint"), [("gemoetric", "did you mean 'geometric'"), ("zzz", "known: geometric, mse")]
)
def test_an_unknown_name_is_refused_with_a_hint(name, hint):
    registry = Registry("loss", {"geometric": "a:b", "mse": "a:c"})

    with pytest.raises(UsageError, match=hint):
        registry.load(name)


def test_streams_are_fixed_numbers_and_differ_by_name_and_seed():
    assert derive(0, "views", 17) == 7482738127995144528
    assert len({derive(s, n, i) for s in (0, 1) for n in "ab" for i in range(3)}) == 12
    assert generator(1, "x").random() == generator(1, "x").random()


def test_a_name_that_is_not_utf_8_has_a_stream_of_its_own() -> None:
    names = [os.fsdecode(b"caf\xe9.jpg"), os.fsdecode(b"caf\xe8.jpg")]

    assert len({derive(0, name) for name in names}) == 2
    assert derive(0, "holdout", "café.jpg") == 6334142655334776291  # as ever
