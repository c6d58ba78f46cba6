"""A disk that is full or a folder that is closed ends a run in one line and loses nothing."""

import tempfile
from pathlib import Path

import pytest

resource = pytest.importorskip("resource", reason="limits of file size exist on POSIX only")

BALLAST = 300_000  # a checkpoint of 5 MB


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


@pytest.fixture
def words() -> list[str]:
    return [f"ballast={BALLAST}", "steps=9", "checkpoint_every=3", "log_every=1"]


def test_a_full_disk_loses_no_checkpoint(tiny, tiny_script, words, tmp_path: Path) -> None:
    settings = {"ballast": BALLAST, "steps": 9, "checkpoint_every": 3, "log_every": 1}
    whole, run = tmp_path / "whole", tmp_path / "run"
    tiny.train(whole, **settings)
    tiny.train(run, **settings)
    for newest in sorted((run / "checkpoints").iterdir())[1:]:
        newest.unlink()  # as if it had come to step 3 only
    before = {p.name: p.read_bytes() for p in (run / "checkpoints").iterdir()}

    full = tiny_script("once", run, "--resume", *words, preexec_fn=limit_file_size)

    assert full.returncode == 6, full.stderr
    (line,) = full.stderr.splitlines()
    assert "cannot write the checkpoint of step 6: File too large" in line
    assert "last checkpoint:" in line
    assert "step-000000003" in line
    assert {p.name: p.read_bytes() for p in (run / "checkpoints").iterdir()} == before
    tiny.train(run, resume=True, **settings)
    states = [tiny.tensors(tiny.newest_state(folder)) for folder in (whole, run)]
    assert states[0] == states[1]


def test_a_closed_folder_is_one_line(tiny_script, words) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        Path(folder).chmod(0o755)
        closed, inside = Path(folder, "closed"), Path(folder, "inside")
        closed.mkdir(mode=0o555)
        (inside / "checkpoints").mkdir(parents=True, mode=0o555)
        inside.chmod(0o777)

        done = tiny_script("once", f"{closed},{inside}", "--ordinary", *words)

        assert done.returncode == 6, done.stderr
        lines = done.stderr.splitlines()
        assert len(lines) == 2
        assert "journal.jsonl: cannot write it: Permission denied" in lines[0]
        assert "cannot write the checkpoint of step 3: Permission denied" in lines[1]
        assert not list(Path(folder).rglob("*.pt"))


def test_tensorboard_that_cannot_be_written_ends_itself_not_the_run(
    tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tensorboard").write_text("in the way")

    outcome = tiny.train(tmp_path, tensorboard=True)

    assert outcome.step == 20
    assert "going on without it" in caplog.text
