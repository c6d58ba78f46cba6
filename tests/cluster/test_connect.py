"""An address that leads nowhere ends soon, in one line; so does a Ray that is not installed."""

import socket
import sys
import time
from pathlib import Path

import pytest

from featherdepth.cluster import connect
from featherdepth.errors import BackendError, RunError, UsageError


@pytest.mark.parametrize("address", ["", "10.0.0.1", "host:", ":6379", "host:x", "host:70000"])
def test_what_is_no_address_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(UsageError, match=r"expected HOST:PORT such as 10\.0\.0\.1:6379"):
        connect._knock(address)


def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        start = time.perf_counter()

        with pytest.raises(RunError, match=rf"--address {address}: the cluster does not answer"):
            connect._knock(address)

    assert time.perf_counter() - start < 2 * connect.ANSWER_S


def test_a_listener_that_says_nothing_of_ray_is_told_in_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "PROBE", "import time; time.sleep(60)")
    monkeypatch.setattr(connect, "JOIN_S", 0.5)

    with pytest.raises(RunError, match=r"does not answer: no word of a Ray cluster in 0 s"):
        connect._probe("127.0.0.1:1")


def test_the_reason_that_ray_gives_is_passed_on_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probe = "import sys; sys.exit('Traceback\\n  more\\nRuntimeError: Version mismatch: 2.1')"
    monkeypatch.setattr(connect, "PROBE", probe)

    with pytest.raises(RunError, match=r"answer: RuntimeError: Version mismatch: 2\.1; see") as e:
        connect._probe("127.0.0.1:1")

    assert "\n" not in str(e.value)


def test_without_ray_there_is_a_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(BackendError, match=r"pip install 'featherdepth\[cluster\]'"):
        connect.load_ray()
