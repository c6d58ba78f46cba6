"""The engine trains, tells what it does, and calls what it was given at the right time."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from featherdepth.errors import RunError, UsageError
from featherdepth.training.journal import read_journal
from featherdepth.training.loop import LoopConfig
from featherdepth.training.objective import Losses, Term


def test_training_lowers_the_loss_and_leaves_a_journal_and_checkpoints(
    tiny, tmp_path: Path
) -> None:
    outcome = tiny.train(tmp_path, steps=100, lr=0.03, dropout=0.0, log_every=50)

    lines = read_journal(tmp_path / "journal.jsonl")
    assert [line["step"] for line in lines] == [50, 100]
    assert lines[-1]["total"] < 0.3 * lines[0]["total"]
    assert all(line["speed"]["images_per_s"] > 0 for line in lines)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
    assert outcome.step == 100
    assert not outcome.model.training


def test_a_line_is_the_mean_since_the_line_before(tiny, tmp_path: Path) -> None:
    tiny.train(tmp_path / "one", steps=6, log_every=1)
    tiny.train(tmp_path / "three", steps=6, log_every=3)

    ones, threes = (
        read_journal(tmp_path / f / "journal.jsonl", speed=False) for f in ("one", "three")
    )

    for name in ("total", "grad_norm"):
        means = [sum(line[name] for line in part) / 3 for part in (ones[:3], ones[3:])]
        assert [line[name] for line in threes] == pytest.approx(means, rel=1e-5)
    first = threes[0]
    assert first["total"] == pytest.approx(sum(first["losses"].values()), rel=1e-5)
    assert threes[0]["lr"] == ones[2]["lr"]


def test_the_rate_follows_warm_up_and_cosine(tiny, tmp_path: Path) -> None:
    tiny.train(tmp_path, steps=4, log_every=1, warmup=2, lr=0.4, final=0.0)

    rates = [line["lr"] for line in read_journal(tmp_path / "journal.jsonl")]

    assert rates == pytest.approx([0.2, 0.4, 0.4, 0.2])


def test_two_runs_of_one_recipe_give_equal_weights(tiny, tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = tiny.train(tmp_path / "first").model
    torch.manual_seed(2)  # the caller's generator must not matter: there is dropout
    second = tiny.train(tmp_path / "second").model
    other = tiny.train(tmp_path / "other", extra={"seed": 1}).model

    assert tiny.tensors(first.state_dict()) == tiny.tensors(second.state_dict())
    assert tiny.tensors(first.state_dict()) != tiny.tensors(other.state_dict())


def test_the_callers_random_numbers_are_left_alone(tiny, tmp_path: Path) -> None:
    before = torch.get_rng_state()

    tiny.train(tmp_path)

    assert torch.equal(torch.get_rng_state(), before)


def test_the_averaged_model_is_validated_and_saved_in_eval_mode(tiny, tmp_path: Path) -> None:
    calls: list[tuple[Any, ...]] = []

    def validate(model: nn.Module) -> dict[str, float]:
        torch.rand(3)  # what a validation draws must not change the training
        calls.append(("validate", model.training, id(model)))
        return {"delta1": len(calls) / 10}

    def save(model: nn.Module, step: int, figures: dict[str, float]) -> None:
        calls.append(("save", step, dict(figures), id(model)))

    outcome = tiny.train(
        tmp_path / "watched", validate_every=8, extra={"validate": validate, "save": save}
    )
    alone = tiny.train(tmp_path / "alone", validate_every=8)

    model = id(outcome.model)
    assert calls == [
        ("validate", False, model),
        ("save", 8, {"delta1": 0.1}, model),
        ("validate", False, model),
        ("save", 16, {"delta1": 0.3}, model),
        ("validate", False, model),
        ("save", 20, {"delta1": 0.5}, model),
    ]
    assert outcome.figures == {"delta1": 0.5}
    lines = read_journal(tmp_path / "watched" / "journal.jsonl")
    found = [(line["step"], line["validation"]) for line in lines if "validation" in line]
    assert found == [(8, {"delta1": 0.1}), (16, {"delta1": 0.3}), (20, {"delta1": 0.5})]
    assert tiny.tensors(outcome.model.state_dict()) == tiny.tensors(alone.model.state_dict())


class Projecting(nn.Module):
    """An objective with a layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.projector = nn.Conv2d(8, 2, 1)
        nn.init.constant_(self.projector.weight, 0.1)
        nn.init.zeros_(self.projector.bias)

    def forward(self, model: nn.Module, batch: dict[str, Tensor]) -> Losses:
        prediction, maps = model.features(batch["images"])
        error = self.projector(maps["encoder"]).mean((1, 2, 3)) - 1
        return {"square": (prediction - batch["truth"]) ** 2, "features": error**2}


def test_layers_of_an_objective_are_trained_and_stored(tiny, tmp_path: Path) -> None:
    objective = Projecting()

    tiny.train(tmp_path, step_losses=objective)

    stored = tiny.newest_state(tmp_path)["modules"][1]
    assert torch.equal(stored["projector.weight"], objective.projector.weight)
    assert (objective.projector.weight != 0.1).all()


def test_frozen_batchnorm_keeps_its_statistics_and_trains_its_weights(tiny, tmp_path: Path) -> None:
    net = tiny.new_net()
    norm = net.encoder[1]

    tiny.train(tmp_path, net=net, freeze_batchnorm=True)

    assert norm.running_mean.tolist() == [0.0] * 8
    assert norm.running_var.tolist() == [1.0] * 8
    assert (norm.weight != 1).any()


def test_bf16_trains_float32_weights(tiny, tmp_path: Path) -> None:
    net = tiny.new_net()

    tiny.train(tmp_path, net=net, precision="bf16", steps=100, lr=0.03, dropout=0.0)

    lines = read_journal(tmp_path / "journal.jsonl")
    assert lines[-1]["total"] < 0.3 * lines[0]["total"]
    assert {p.dtype for p in net.parameters()} == {torch.float32}


@pytest.mark.parametrize("precision", ["bf16", "fp32", "auto"])
@pytest.mark.parametrize("able", [{}, {"avx512_bf16": True}])
def test_bf16_that_a_cpu_only_emulates_is_told(
    tiny, tmp_path: Path, monkeypatch, caplog, precision: str, able: dict[str, bool]
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)

    tiny.train(tmp_path, precision=precision, steps=1)

    told = [record.message for record in caplog.records if "emulates" in record.message]
    assert len(told) == (precision == "bf16" and not able)


class Faulty:
    """An objective whose value or gradient is no number in step `step`."""

    def __init__(self, inner: Any, step: int, fault: str) -> None:
        self.inner, self.step, self.fault, self.calls = inner, step, fault, 0

    def __call__(self, model: nn.Module, batch: dict[str, Tensor]) -> Losses:
        losses = self.inner(model, batch)
        self.calls += 1
        if self.calls == self.step:
            if self.fault == "memory":
                raise torch.OutOfMemoryError("tried to allocate 20 GiB")
            zero = model(batch["images"]) * 0
            bad = zero.sqrt() if self.fault == "gradient" else zero + math.nan
            losses = {**losses, "extra": bad}
        return losses


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("value", r"step 9: losses/extra, total not finite; .*step-000000008"),
        ("gradient", r"step 9: grad_norm not finite; .*step-000000008"),
        ("memory", r"step 9: out of memory; .*step-000000008"),
    ],
)
def test_a_step_that_cannot_be_made_ends_the_run_and_names_the_last_checkpoint(
    tiny, tmp_path: Path, fault: str, message: str
) -> None:
    net = tiny.new_net()

    with pytest.raises(RunError, match=message):
        tiny.train(
            tmp_path,
            net=net,
            step_losses=Faulty(tiny.objective, 9, fault),
            checkpoint_every=4,
        )

    assert tiny.newest_state(tmp_path)["step"] == 8
    assert all(torch.isfinite(p).all() for p in net.parameters())
    # The fault has gone: what is there is good to go on from.
    assert tiny.train(tmp_path, checkpoint_every=4, resume=True).step == 20


def test_a_fault_of_the_objective_is_not_disguised(tiny, tmp_path: Path) -> None:
    def broken(model: nn.Module, batch: dict[str, Tensor]) -> Losses:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        tiny.train(tmp_path, step_losses=broken)


@pytest.mark.parametrize("shown", [True, False])
def test_progress_is_lines_where_there_is_no_terminal(
    tiny, tmp_path: Path, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.train(
        tmp_path,
        log_every=10,
        extra={"shown": shown, "validate": lambda model: {"delta1": 0.5}},
    )

    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert len(lines) == (3 if shown else 0)
    if shown:
        assert lines[0].startswith("step 10/20  loss ")
        assert lines[2] == "step 20/20  delta1 0.5"


def test_tensorboard_gets_the_figures_of_the_journal(tiny, tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )

    tiny.train(tmp_path, log_every=10, tensorboard=True)

    events = event_accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    totals = [(event.step, event.value) for event in events.Scalars("total")]
    lines = read_journal(tmp_path / "journal.jsonl")
    assert totals == [(line["step"], pytest.approx(line["total"])) for line in lines]
    assert "losses/square" in events.Tags()["scalars"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be above 0"),
        ({"ema": 1.0}, r"ema must be in \[0, 1\)"),
        ({"keep": 1}, "keep must be at least 2"),
        ({"clip": 0.0}, "inf is no limit"),
        ({"warmup": -1}, "warmup must not be below 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LoopConfig(**{"steps": 10, **settings})


def test_a_rate_for_a_part_that_is_not_there_is_refused_before_anything_is_written(
    tiny, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="begins with 'encodr'"):
        tiny.train(tmp_path / "run", rates={"encodr": 0.3})

    assert not (tmp_path / "run").exists()


def test_the_journal_is_json_lines(tiny, tmp_path: Path) -> None:
    tiny.train(tmp_path)

    text = (tmp_path / "journal.jsonl").read_text()

    keys = {"step", "total", "losses", "lr", "grad_norm", "speed"}
    assert [set(json.loads(line)) for line in text.splitlines()] == [keys]


def test_figures_of_any_float_type_survive_a_resume(tiny, tmp_path: Path) -> None:
    extra = {"validate": lambda model: {"delta1": np.float64(0.5), "rmse": torch.tensor(2.0)}}
    tiny.train(tmp_path, extra=extra)

    assert tiny.train(tmp_path, extra=extra, resume=True).figures == {"delta1": 0.5, "rmse": 2.0}


def test_a_figure_that_is_only_told_is_in_the_journal_and_not_in_the_total(
    tiny, tmp_path: Path
) -> None:
    def losses(model: nn.Module, batch: dict[str, Tensor]) -> Losses:
        told = Term(batch["truth"].sum() * 100, float(len(batch["truth"])), minimized=False)
        return {**tiny.objective(model, batch), "truth": told}

    plain = tiny.train(tmp_path / "plain")
    told = tiny.train(tmp_path / "told", step_losses=losses)

    lines = read_journal(tmp_path / "told" / "journal.jsonl", speed=False)
    assert lines[-1].pop("watched")["truth"] == pytest.approx(150, rel=0.1)
    assert lines == read_journal(tmp_path / "plain" / "journal.jsonl", speed=False)
    for name, tensor in plain.model.state_dict().items():
        assert torch.equal(tensor, told.model.state_dict()[name])
