"""A wider completion network that says what a smaller one says, as a start for training.

    python -m tools.widen completion --size s -o scratch/completion-s

Channels that are new get random weights, and nothing that was there before hears them; blocks that
are new add nothing. Training goes on from where the smaller network had stopped improving. Source:
Chen et al. 2016, Net2Net; with zeros in place of copied channels.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from featherdepth.networks.completion import CUES, SIZES, PoissonLite
from featherdepth.networks.folder import CARD
from featherdepth.networks.weights import load_model, save_model
from featherdepth.runtime.reference import resolve

JOIN = "join.conv.weight"
"""Its inputs are the photo's channels and, behind them, the cues: the one place where new channels
are not the last."""


def widen(old: PoissonLite, size: str, seed: int = 0) -> PoissonLite:
    """A network of another size with the outputs of `old`.

    Raises:
        ValueError: an unknown size, or one that is narrower somewhere.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        new = PoissonLite(size=size, parts=sorted(old.parts), steps=old.steps)
    state, known = new.state_dict(), old.state_dict()
    with torch.no_grad():
        for name, tensor in known.items():
            if any(a > b for a, b in zip(tensor.shape, state[name].shape, strict=True)):
                raise ValueError(f"size {size!r} is narrower at {name}; expected a wider one")
            _grow(tensor, state[name], behind=CUES if name == JOIN else 0)
        for name, tensor in state.items():
            # The last normalization of a residual block that was not there.
            if name not in known and name.endswith(".2.bn.weight"):
                tensor.zero_()
    new.load_state_dict(state)
    return new.train(old.training)


def _grow(old: Tensor, new: Tensor, *, behind: int) -> None:
    """Put a tensor into a larger one, in place.

    Args:
        behind: inputs that stay the last.
    """
    if old.dim() < 2:
        new.flatten()[: old.numel()] = old  # one number or one a channel
        return
    outputs, inputs = old.shape[:2]
    front = inputs - behind
    new[:outputs] = 0
    new[:outputs, :front] = old[:, :front]
    if behind:
        new[:outputs, -behind:] = old[:, front:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="an embedded name or a model folder")
    parser.add_argument("--size", choices=sorted(SIZES), required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    folder = resolve(options.model).path
    preset, module = load_model(folder)
    if not isinstance(module, PoissonLite):
        parser.error(f"{options.model}: a model of network {preset.network!r}")
    wider = widen(module, options.size)
    told = replace(preset, name=options.output.name, settings={"size": options.size})
    save_model(options.output, told, wider, (folder / CARD).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
