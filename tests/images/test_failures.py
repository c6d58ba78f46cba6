"""The list of what failed is there only if something did, and never in the place of another's."""

import pytest

from featherdepth.images.failures import lists_failures, write_failures


def test_the_list_goes_when_nothing_fails_any_more(tmp_path):
    path = tmp_path / "deep" / "failures.jsonl"
    write_failures(path, [{"photo": "a\udc80.jpg", "error": "empty"}])

    assert lists_failures(path)

    write_failures(path, [])

    assert not path.exists() and not lists_failures(path)


NESTED = b"[" * 100_000


@pytest.mark.parametrize("content", [b'{"mine": 1}\n', b"[1]\n", b"words\n", b"\xff\xfe", NESTED])
def test_a_file_of_another_program_stays(content, tmp_path):
    path = tmp_path / "failures.jsonl"
    path.write_bytes(content)

    write_failures(path, [])

    assert path.read_bytes() == content and not lists_failures(path)
