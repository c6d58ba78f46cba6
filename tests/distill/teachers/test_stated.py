"""What a teacher cannot say itself is stated behind a question mark."""

import pytest

from featherdepth.distill.teachers.stated import Stated, needed_kind, read_stated, split_stated
from featherdepth.errors import UsageError
from featherdepth.types import DepthKind


def test_every_key_is_read():
    text = "a/d.onnx?kind=metric&size=384x512&multiple=14&resize=stretch"
    text += "&mean=0.5,0.4,0.3&std=0.2,0.2,0.1&license=MIT"

    plain, stated = split_stated(text)

    assert plain == "a/d.onnx"
    assert stated == Stated(
        kind=DepthKind.METRIC,
        size=(384, 512),
        multiple=14,
        resize="stretch",
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.2, 0.1),
        license="MIT",
    )


@pytest.mark.parametrize("text", ["small", "what?.onnx", "py:a:b", "./a?b/c"])
def test_a_reference_without_a_value_is_left_alone(text):
    assert split_stated(text) == (text, Stated())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("knd=metric", "unknown key 'knd'; did you mean 'kind'?"),
        ("zzz=1", "unknown key 'zzz'; known: kind, size"),
        ("kind=depth", "kind is 'depth'; expected one of metric, scale_invariant"),
        ("size=0", "size is '0'; expected an edge such as 448"),
        ("size=1x2x3", "expected an edge such as 448, or HEIGHTxWIDTH"),
        ("multiple=0", "expected a whole number"),
        ("resize=crop", "expected keep or stretch"),
        ("mean=0.5", "expected three numbers"),
        ("std=0.1,0.1,0", "expected three numbers above 0"),
    ],
)
def test_what_does_not_fit_is_one_line(query, words):
    with pytest.raises(UsageError) as caught:
        split_stated(f"d.onnx?{query}")

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_attributes_of_a_function_are_read_as_they_are():
    table = {"kind": DepthKind.METRIC, "size": (64, 96), "mean": [0.1, 0.2, 0.3], "std": None}

    stated = read_stated(table, "f")

    assert (stated.kind, stated.size, stated.mean, stated.std) == (
        DepthKind.METRIC,
        (64, 96),
        (0.1, 0.2, 0.3),
        None,
    )


def test_what_is_stated_first_wins_and_silence_is_filled():
    merged = Stated(size=64).over(Stated(size=32, license="MIT"))

    assert merged == Stated(size=64, license="MIT")


def test_a_missing_kind_is_refused_with_where_to_write_it():
    with pytest.raises(UsageError, match=r"x: does not say .* write it; one of metric, scale_inv"):
        needed_kind(Stated(), "x", "write it")
