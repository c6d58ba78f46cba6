"""The engine: it turns batches and an objective into trained weights, and knows no depth.

Everything random in a step is a function of (seed, step, rank), so a run that was killed and
resumed ends in the weights of an undisturbed one, bit for bit on one machine's CPU.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from featherdepth.errors import RunError
from featherdepth.training.allocator import kept_memory
from featherdepth.training.checkpoint import Checkpoints
from featherdepth.training.identity import refusal
from featherdepth.training.interrupts import Interrupted, Interrupts
from featherdepth.training.log import RunLog
from featherdepth.training.memory import out_of_memory
from featherdepth.training.objective import Batches, Objective, Save, Validation
from featherdepth.training.patience import Patience
from featherdepth.training.precision import multiplies_bf16
from featherdepth.training.processes import Processes
from featherdepth.training.settings import LoopConfig
from featherdepth.training.trainer import Trainer

__all__ = ["LoopConfig", "Outcome", "check_start", "run"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Outcome:
    """What a finished run leaves in memory."""

    model: nn.Module
    """The averaged model as the run left it, in eval mode, on the device of the run."""
    step: int
    """Steps made; fewer than asked for where the run stopped early."""
    best_step: int
    """Of the weights that were saved last: the best ones where a figure is watched."""
    figures: dict[str, float]
    """Of those weights; empty in all processes but the first."""


def run(
    model: nn.Module,
    objective: Objective,
    batches: Batches,
    config: LoopConfig,
    folder: Path,
    *,
    seed: int = 0,
    recipe: Mapping[str, Any] | None = None,
    validate: Validation | None = None,
    save: Save | None = None,
    resume: bool = False,
    device: str | None = None,
    shown: bool = False,
) -> Outcome:
    """Train `model` in place and leave journal.jsonl, checkpoints/ and tensorboard/ in `folder`.

    Run by several processes (`accelerate launch`, `torchrun`), each takes its share of every batch
    and the first one writes; all must see `folder`.

    Args:
        model: built the same way for a first start and for a resume; its weights are replaced by
            the checkpoint's on a resume.
        recipe: the resolved recipe, as JSON can hold it; a resume with another one is refused. By
            default `config`.
        validate: called every `validate_every` steps and at the end, by the first process.
        save: called after each validation and at the end, by the first process; where `config`
            watches a figure, only for weights that are better than all before, the start included.
        resume: go on from the newest whole checkpoint, or start if there is none.
        device: such as "cpu" or "cuda:0"; by default what accelerate finds.
        shown: progress on stderr: a bar on a terminal, lines elsewhere.

    Raises:
        RunError: the folder holds a run and `resume` is False; a recipe that differs; a loss that
            is not finite; no space or permission to write; out of memory.
        Interrupted: SIGINT or SIGTERM came; a checkpoint was written first.
        UsageError: `rates` fits no parameter, or nothing is to be trained.
    """
    processes = Processes(device)
    checkpoints = Checkpoints(folder / "checkpoints", config.keep)
    identity = _identify(config, seed, recipe)
    found = _find_start(checkpoints, identity, config, resume=resume)
    trainer = Trainer(model, objective, batches, config, processes, seed=seed)
    patience = Patience(config.watch, config.patience)
    if found is not None:
        patience.load_state_dict(found["patience"])
        trainer.load_state_dict(found["trainer"])
        logger.info("resumed after step %d", trainer.step)
    emulated = trainer.precision == "bf16" and not multiplies_bf16(processes.device)
    if emulated and processes.device.type == "cpu" and processes.first:
        logger.warning("loop.precision: this CPU emulates bf16, and slowly; take auto or fp32")
    with ExitStack() as stack:
        stack.enter_context(kept_memory())
        stack.enter_context(_told(trainer, checkpoints))
        stack.enter_context(torch.random.fork_rng(_accelerators(processes)))
        log = stack.enter_context(RunLog(folder, trainer, shown=shown))
        interrupts = stack.enter_context(Interrupts())

        ended = patience.exhausted
        if config.watch and trainer.step == 0:
            # Weights that training only makes worse are the best there are.
            _examine(trainer, log, patience, validate, save)
        while trainer.step < config.steps and not ended:
            trainer.advance()
            log.step()
            stopped = _agree(interrupts, trainer)
            watched = _due(trainer, config.validate_every)
            kept = bool(stopped) or _due(trainer, config.checkpoint_every)
            if watched or kept:
                trainer.check_finite()
            if watched:
                _examine(trainer, log, patience, validate, save)
                ended = processes.any(patience.exhausted)
            if (kept or ended) and processes.first:
                log.flush()
                state = {"identity": json.dumps(identity), "patience": patience.state_dict()}
                checkpoints.write(trainer.step, {**state, "trainer": trainer.state_dict()})
            if stopped and trainer.step < config.steps and not ended:
                message = f"stopped by {stopped} after step {trainer.step}; resume to go on"
                logger.warning(message)
                raise Interrupted(message)
        if save is not None and processes.first and not config.watch:
            save(trainer.average.module, trainer.step, patience.figures)
    return Outcome(
        model=trainer.average.module,
        step=trainer.step,
        best_step=patience.step,
        figures=patience.figures,
    )


def check_start(
    folder: Path,
    config: LoopConfig,
    *,
    seed: int = 0,
    recipe: Mapping[str, Any] | None = None,
    resume: bool = False,
) -> None:
    """Refuse a folder as `run` will, for callers that have long work to do before it.

    Raises:
        RunError: it holds a run and `resume` is False, or one of another recipe.
    """
    checkpoints = Checkpoints(folder / "checkpoints", config.keep)
    if checkpoints.paths():
        identity = _identify(config, seed, recipe)
        _find_start(checkpoints, identity, config, resume=resume)


def _identify(config: LoopConfig, seed: int, recipe: Mapping[str, Any] | None) -> dict[str, Any]:
    """Whose checkpoints these are, as they will hold it."""
    identity = {"recipe": asdict(config) if recipe is None else recipe, "seed": seed}
    found: dict[str, Any] = json.loads(json.dumps(identity))
    return found


def _examine(
    trainer: Trainer,
    log: RunLog,
    patience: Patience,
    validate: Validation | None,
    save: Save | None,
) -> None:
    """Validate, and save weights that are the best so far; the first process does."""
    if not trainer.processes.first:
        return
    model, config, figures = trainer.average.module, trainer.config, patience.figures
    if validate is not None:
        figures = {name: float(value) for name, value in validate(model).items()}
        log.line({"step": trainer.step, "validation": figures})
    best = patience.improves(trainer.step, figures)
    last = trainer.step == config.steps and not config.watch  # saved when the run has ended
    if save is not None and best and not last:
        save(model, trainer.step, figures)


def _find_start(
    checkpoints: Checkpoints, identity: dict[str, Any], config: LoopConfig, *, resume: bool
) -> dict[str, Any] | None:
    """The checkpoint to go on from, after a look at whose it is."""
    folder = checkpoints.folder.parent
    if not resume:
        if checkpoints.paths():
            raise RunError(f"{folder}: holds a run already; resume it or take another folder")
        return None
    state = checkpoints.newest()
    if state is None:
        logger.warning("%s: no checkpoint to resume from; starting at step 0", folder)
        return None
    if found := refusal(json.loads(state["identity"]), identity, config):
        raise RunError(f"{folder}: {found}")
    return state


def _due(trainer: Trainer, every: int) -> bool:
    end = trainer.step == trainer.config.steps
    return end or (every > 0 and trainer.step % every == 0)


def _agree(interrupts: Interrupts, trainer: Trainer) -> str:
    """What asked this run to stop. Several processes ask each other only now and then."""
    processes = trainer.processes
    if processes.world > 1:
        asking = trainer.step % trainer.config.log_every == 0
        if not (asking and processes.any(bool(interrupts.name))):
            return ""
        return interrupts.name or "another process"
    return interrupts.name


@contextmanager
def _told(trainer: Trainer, checkpoints: Checkpoints) -> Iterator[None]:
    """Failures of a step as one line that says where the run can go on."""
    try:
        yield
    except FloatingPointError as error:
        raise RunError(f"{error}; {checkpoints.last_words()}") from error
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise RunError(
            f"step {trainer.step + 1}: out of memory; use smaller batches;"
            f" {checkpoints.last_words()}"
        ) from error


def _accelerators(processes: Processes) -> list[torch.device]:
    return [processes.device] if processes.device.type == "cuda" else []
