"""A message is one line that a terminal shows as it is, whatever a file is called."""

import os
import pickle

import pytest

from featherdepth.errors import InputError


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("café 日本.jpg", "café 日本.jpg"),
        ("two\nlines\t.jpg", "two lines .jpg"),
        ("\x1b[31mred\x07.jpg", r"\x1b[31mred\x07.jpg"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\xe9.jpg"),
    ],
)
def test_what_a_terminal_would_act_on_is_shown(name, shown):
    error = InputError(f"{name}: not found")

    assert str(error) == f"{shown}: not found"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
