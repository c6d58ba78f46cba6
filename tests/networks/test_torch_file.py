"""Checkpoints are read weights-only; the rest is refused with one sentence."""

import argparse
import pickle
import sys
import types
from pathlib import Path

import pytest
import torch

from featherdepth.errors import WeightsError
from featherdepth.networks.torch_file import as_state, read_torch_file


class Runs:
    """A pickle that would create a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_tensors_containers_and_namespaces_are_read(tmp_path):
    path = tmp_path / "c.pth"
    args = argparse.Namespace(lr=0.1, names=["a"])
    torch.save({"state_dict": {"w": torch.ones(2)}, "args": args, "epoch": 3}, path)

    value = read_torch_file(path)

    assert value["args"].lr == 0.1
    assert torch.equal(value["state_dict"]["w"], torch.ones(2))


@pytest.mark.parametrize("name", ["Result", "AverageMeter"])
def test_of_the_classes_of_training_scripts_only_known_scores_are_read(tmp_path, monkeypatch, name):
    module = types.ModuleType("metrics")
    setattr(module, name, type(name, (), {"__module__": "metrics"}))
    monkeypatch.setitem(sys.modules, "metrics", module)
    scores = getattr(module, name)()
    scores.rmse = 0.5
    path = tmp_path / "c.pth"
    torch.save({"best_result": scores, "w": torch.ones(2)}, path)
    monkeypatch.delitem(sys.modules, "metrics")

    if name == "Result":
        assert read_torch_file(path)["best_result"].rmse == 0.5
    else:
        with pytest.raises(WeightsError, match=r"it holds metrics\.AverageMeter"):
            read_torch_file(path)
    assert "metrics" not in sys.modules


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_checkpoint_is_not_run(tmp_path, legacy):
    path, trace = tmp_path / "c.pth", tmp_path / "trace"
    torch.save({"w": Runs(trace)}, path, _use_new_zipfile_serialization=not legacy)

    with pytest.raises(WeightsError, match="weights_only=True") as caught:
        read_torch_file(path)

    assert not trace.exists()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "pickle", "zip bytes"])
def test_what_is_no_checkpoint_is_refused_with_one_sentence(tmp_path, kind):
    whole = tmp_path / "whole.pth"
    torch.save({"w": torch.ones(1000)}, whole)
    content = {
        "empty": b"",
        "text": b"not a checkpoint\n" * 50,
        "truncated": whole.read_bytes()[:-900],
        "pickle": pickle.dumps({"w": [1, 2]})[:-3],
        "zip bytes": b"PK\x03\x04" + bytes(100),
    }[kind]
    path = tmp_path / "c.pth"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"c\.pth") as caught:
        read_torch_file(path)

    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"none\.pth: cannot read it"):
        read_torch_file(tmp_path / "none.pth")


@pytest.mark.parametrize("value", [[1], {}, {"epoch": 3}, {0: torch.ones(1)}, torch.ones(1)])
def test_only_a_table_of_tensors_is_a_state_dict(value):
    with pytest.raises(WeightsError, match="expected a table of tensors"):
        as_state(value, Path("c.pth"))
