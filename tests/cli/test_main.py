"""The command line ends every error in one line and the right exit code, and starts fast."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import featherdepth
from featherdepth.cli import main as cli
from featherdepth.errors import FeatherDepthError, InputError, RunError, UsageError


def featherdepth_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "featherdepth", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_version_is_the_package_version():
    result = featherdepth_command("--version")

    assert result.stdout.strip() == f"featherdepth {featherdepth.__version__}"


def test_help_names_every_verb_and_its_summary():
    result = featherdepth_command("--help")

    for verb in cli.COMMANDS:
        assert f"\n  {verb} " in result.stdout


@pytest.mark.parametrize("verb", cli.COMMANDS)
def test_every_verb_has_a_help_page(verb):
    result = featherdepth_command(verb, "--help")

    assert result.returncode == 0
    assert "Usage: featherdepth" in result.stdout


def test_an_unknown_verb_is_one_usage_message():
    result = featherdepth_command("predikt")

    assert result.returncode == 2
    assert "predikt" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no such flag"), 2),
        (InputError("a.jpg: empty file"), 3),
        (RunError("no space"), 6),
        (FeatherDepthError("odd"), 1),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_each_error_has_its_exit_code_and_one_line(monkeypatch, capsys, error, code):
    def fail(**_):
        raise error

    monkeypatch.setattr(cli, "app", fail)

    result = cli.run([])

    stderr = capsys.readouterr().err
    assert result == code
    assert stderr.count("\n") == 1
    assert stderr.startswith("featherdepth: ")


@pytest.mark.parametrize(
    ("arguments", "before"),
    [
        (["doctor", ""], "doctor"),
        (["shard", "", "-o", "tars"], "shard"),
        (["shard", "photos", "-o", ""], "-o"),
        (["evaluate", "--data="], "--data="),
    ],
)
def test_an_empty_path_is_not_the_current_folder(monkeypatch, tmp_path, capsys, arguments, before):
    monkeypatch.chdir(tmp_path)

    assert cli.run(arguments) == 2

    assert capsys.readouterr().err.startswith(f"featherdepth: {before}: an empty path or value")
    assert not list(tmp_path.iterdir())


def test_a_command_that_is_interrupted_says_that_it_stopped():
    # As Ctrl-C does, while it waits for names of photos.
    program = """
import signal, sys
from featherdepth.cli.main import run
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 1)
sys.exit(run(["predict", "-"]))
"""
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.read()  # its standard input stays open

    assert (process.returncode, said.strip()) == (130, "featherdepth: stopped")


def test_a_name_longer_than_the_system_takes_is_one_line(tmp_path):
    (tmp_path / "photos.txt").write_text("a.jpg\n")
    name = "n" * 300
    for arguments in (
        ("predict", str(tmp_path / "photos.txt"), "-o", name),
        ("complete", str(tmp_path / "photos.txt"), name, "-o", str(tmp_path)),
        ("doctor", name),
        ("info", f"./{name}"),
    ):
        result = featherdepth_command(*arguments)

        assert result.returncode == 3, result.stderr
        assert "File name too long" in result.stderr and "unexpected" not in result.stderr
        assert result.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full disk to try")
@pytest.mark.parametrize("arguments", [("--version",), ("info", "--json")])
def test_an_output_that_has_no_space_is_one_line(arguments):
    command = [sys.executable, "-m", "featherdepth", *arguments]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=-1, text=True, check=False)

    assert result.returncode == 6
    assert result.stderr == "featherdepth: cannot write: No space left on device; free some\n"


def test_debug_adds_the_traceback(monkeypatch, capsys):
    def fail(**_):
        raise InputError("a.jpg: empty file")

    monkeypatch.setattr(cli, "app", fail)

    cli.run(["--debug"])

    assert "Traceback" in capsys.readouterr().err


def test_common_flags_are_taken_anywhere_but_after_a_bare_dash_dash():
    rest, debug = cli._take_common(["predict", "-q", "x.jpg", "--", "--debug"])

    assert rest == ["predict", "x.jpg", "--", "--debug"]
    assert not debug


def test_help_takes_under_three_tenths_of_a_second():
    def seconds():
        start = time.perf_counter()
        featherdepth_command("--help")
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.3


def test_only_own_warnings_are_shown_unless_more_is_asked_for(capsys):
    for flags in ([], ["-v"]):
        cli._take_common(flags)
        logging.getLogger("featherdepth.data").warning("ours %s", flags)
        logging.getLogger("another").warning("theirs %s", flags)

    shown = capsys.readouterr().err
    assert "ours []" in shown and "theirs []" not in shown
    assert "ours ['-v']" in shown and "theirs ['-v']" in shown


@pytest.mark.parametrize("arguments", [("--version",), ("info", "--json")])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_ends_the_command_without_a_word(arguments, unbuffered):
    """Also where the output is written only at the end."""
    reader, writer = os.pipe()
    os.close(reader)

    result = subprocess.run(
        [sys.executable, "-m", "featherdepth", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    os.close(writer)

    assert (result.returncode, result.stderr) == (141, b"")
