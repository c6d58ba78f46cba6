"""What is exported: a network with its weights in float32, and what its numbers mean."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from featherdepth.errors import UsageError
from featherdepth.networks.completion import PoissonLite
from featherdepth.networks.depthnet import DepthNet
from featherdepth.networks.weights import load_model
from featherdepth.runtime.backends.pytorch import load_foreign_depth
from featherdepth.runtime.reference import resolve
from featherdepth.types import Preset


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Source:
    """A network in eval mode and its preset."""

    preset: Preset
    module: nn.Module

    @property
    def channels(self) -> int:
        """Of the input."""
        return int(getattr(self.module, "input_channels", 3))


def open_source(reference: str | Path | None) -> Source:
    """Load a model by name: embedded, a folder, or NETWORK@FILE.

    Raises:
        UsageError: no such model, or one that gives no depth.
        WeightsError: missing or damaged weights.
    """
    found = resolve(reference)
    if found.network is not None:
        preset, module = load_foreign_depth(found.network, found.path)
        return Source(preset=preset, module=module)
    preset, loaded = load_model(found.path)
    if not isinstance(loaded, DepthNet | PoissonLite):
        raise UsageError(f"{reference}: {preset.network} is an encoder and gives no depth")
    return Source(preset=preset, module=loaded)
