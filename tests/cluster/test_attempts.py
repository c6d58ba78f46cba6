"""Work that kills its worker each time comes to an end."""

from pathlib import Path

import pytest

from featherdepth.cluster.attempts import begin, forget
from featherdepth.errors import RunError


def test_the_seventh_beginning_is_refused_in_one_line(tmp_path: Path) -> None:
    for _ in range(6):
        begin(tmp_path, "sub/shard-1", "block 3")

    with pytest.raises(RunError, match=r"^sub/shard-1: block 3 ended its worker 6 times; expected"):
        begin(tmp_path, "sub/shard-1", "block 3")
    begin(tmp_path, "sub/shard-1", "block 4")
    begin(tmp_path, "sub/shard-2", "block 3")


def test_finished_units_and_new_jobs_begin_anew(tmp_path: Path) -> None:
    for unit in ("a", "b"):
        begin(tmp_path, unit, "decoding", most=1)

    forget(tmp_path, "a")
    begin(tmp_path, "a", "decoding", most=1)
    with pytest.raises(RunError):
        begin(tmp_path, "b", "decoding", most=1)
    forget(tmp_path)
    begin(tmp_path, "b", "decoding", most=1)

    forget(tmp_path, "b")
    assert list(tmp_path.iterdir()) == []
