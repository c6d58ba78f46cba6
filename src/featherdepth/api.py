"""What the command does, as functions: one a verb, plain values in and out."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from featherdepth.errors import BackendError, UsageError


def train(
    recipe: str | Path,
    output: str | Path,
    *,
    resume: bool = False,
    init: str | None = None,
    assignments: Sequence[str] = (),
    device: str | None = None,
    threads: int | None = None,
    shown: bool = False,
) -> dict[str, Any]:
    """Train a network on labelled depth as a recipe says; `output` becomes a model folder.

    Args:
        resume: go on from the newest checkpoint in `output`; the end is the same, bit for bit.
        init: a model to start from, in place of what the recipe says.
        assignments: `key=value` texts that replace keys of the recipe.
        device: such as "cpu" or "cuda:0"; by default what accelerate finds.
        threads: CPU threads.
        shown: progress on stderr.

    Returns:
        `folder`, `step` and the `figures` of the last validation.

    Raises:
        UsageError: a key, name or value of the recipe that does not fit.
        InputError: data that is missing or not as promised.
        WeightsError: a start that is missing or of another network.
        RunError: a folder that holds another run, a loss that is not a number, no space.
        BackendError: torch is not installed.
    """
    try:
        import torch

        from featherdepth.export.onnx import write_graph
        from featherdepth.training.recipe import read_recipe
        from featherdepth.training.supervised import train as train_supervised
    except ModuleNotFoundError as error:
        message = f"training needs {error.name}; pip install 'featherdepth[train]'"
        raise BackendError(message) from error
    changes = list(assignments)
    if init is not None:
        from featherdepth.runtime.reference import resolve

        reference = resolve(init)
        if reference.network is not None:
            raise UsageError(f"--init {init}: a foreign file; expected a model folder or its name")
        changes += [f"init={json.dumps(str(reference.path))}", "encoder_weights="]
    found = read_recipe(Path(recipe), changes)
    if threads is not None:
        torch.set_num_threads(threads)
    outcome = train_supervised(
        found,
        Path(output),
        resume=resume,
        device=device,
        threads=threads or os.cpu_count() or 1,
        shown=shown,
    )
    write_graph(Path(output))
    return {"folder": str(output), "step": outcome.step, "figures": outcome.figures}
