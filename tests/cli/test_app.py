"""`featherdepth app` ends cleanly, and says in one line what keeps it from beginning."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from engine_files import stand_in
from featherdepth.app import engine
from featherdepth.app.server import PageServer
from featherdepth.cli import main as cli


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = stand_in(tmp_path / "vendor")
    monkeypatch.setattr(engine, "FOLDER", folder)
    return folder


def test_without_the_engine_it_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "FOLDER", tmp_path)

    assert cli.run(["app", "--static", str(tmp_path / "page")]) == 5

    told = capsys.readouterr().err
    assert "run make app" in told and told.count("\n") == 1
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--model", "smal"], 2, "did you mean 'small'?"),
        (["--model", "completion"], 2, "completes measured points"),
        (["--model", "./nowhere"], 4, "no such file or folder"),
        (["--port", "-1"], 2, "--port"),
        (["--port", "70000"], 2, "less than or equal to 65535"),
    ],
)
@pytest.mark.usefixtures("vendor")
def test_wrong_use_is_one_line(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["app", "--no-open", *arguments]) == code
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("vendor")
def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        assert cli.run(["app", "--no-open", "--port", str(port)]) == 2

    told = capsys.readouterr().err
    assert f"port {port} is taken" in told and told.count("\n") == 1


@pytest.mark.usefixtures("vendor")
def test_the_folder_is_written_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["app", "--static", str(tmp_path / "page")]) == 0

    assert "files" in capsys.readouterr().out
    assert (tmp_path / "page" / "index.html").is_file()


@pytest.mark.usefixtures("vendor")
@pytest.mark.parametrize(("flags", "opened"), [([], 1), (["--no-open"], 0)])
def test_it_opens_the_browser_unless_told_not_to(
    flags: list[str],
    opened: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[str] = []

    def leave(server: PageServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", asked.append)
    monkeypatch.setattr(PageServer, "serve_forever", leave)

    assert cli.run(["app", "--port", "0", "-q", *flags]) == 0

    url = capsys.readouterr().out.strip()
    assert url.startswith("http://127.0.0.1:")
    assert asked == [url] * opened


@pytest.mark.skipif(os.name != "posix", reason="sends the signal of Ctrl-C")
def test_it_serves_until_ctrl_c_and_ends_cleanly(vendor: Path) -> None:
    code = f"""
import pathlib, signal, sys
from featherdepth.app import engine
from featherdepth.cli.main import run
# A process in the background of a script begins with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
engine.FOLDER = pathlib.Path({str(vendor)!r})
sys.exit(run(["app", "--no-open", "--port", "0"]))
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert b"featherdepth" in answer.read()
        process.send_signal(signal.SIGINT)
        try:
            _, told = process.communicate(timeout=20)
        finally:
            process.kill()  # else a test that fails would wait for ever

    assert (process.returncode, told) == (0, "")
