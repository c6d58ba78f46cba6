"""Flags with several values are read, or refused with an example."""

import pytest

from featherdepth.cli.parse import network_size, numbers, shard
from featherdepth.errors import UsageError


def test_numbers_are_split_at_commas():
    assert numbers("1, 2.5,3e2,-4", "--x", 4, "") == (1.0, 2.5, 300.0, -4.0)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "1,b", "1,nan", "1,inf", "1;2"])
def test_other_numbers_are_refused_with_an_example(text):
    with pytest.raises(UsageError, match=r"--near-far .*expected 2 numbers, such as 1,10"):
        numbers(text, "--near-far", 2, "1,10")


@pytest.mark.parametrize(("text", "size"), [("448", 448), ("384x512", (384, 512)), ("1X2", (1, 2))])
def test_a_size_is_an_edge_or_a_pair(text, size):
    assert network_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-4", "4.5", "1x2x3", "x", "448x", "big", "0x64"])
def test_other_sizes_are_refused(text):
    with pytest.raises(UsageError, match="such as 448, or HxW such as 384x512"):
        network_size(text)


def test_a_shard_counts_from_one():
    assert shard("1/1") == (1, 1)
    assert shard("3/16") == (3, 16)


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "a/b", "1/4/2", "-1/4"])
def test_other_shards_are_refused(text):
    with pytest.raises(UsageError, match="expected i/n"):
        shard(text)
