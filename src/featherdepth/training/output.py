"""What a training run leaves beside the engine's own files: a model folder and run.json."""

import json
import logging
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

import featherdepth
from featherdepth.images.atomic import make_folder, write_json
from featherdepth.networks.counting import count_macs, count_params
from featherdepth.networks.weights import save_model
from featherdepth.training.place import RUN, told_apart
from featherdepth.training.settings import LoopConfig
from featherdepth.types import DepthKind, Preset

logger = logging.getLogger(__name__)

PACKAGES = ("torch", "numpy", "pillow", "accelerate", "safetensors")
MEANING = {
    DepthKind.METRIC: "Its output is depth in meters.",
    DepthKind.SCALE_INVARIANT: "Its output is depth: larger is farther; the scale is unknown.",
    DepthKind.AFFINE_INVARIANT: (
        "Its output is affine_invariant depth: larger is farther; scale and shift are unknown."
    ),
    DepthKind.AFFINE_INVARIANT_DISPARITY: (
        "Its output is affine_invariant_disparity: larger is nearer; scale and shift are unknown."
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a run says of its model, beyond the weights."""

    network: str
    settings: dict[str, Any]
    kind: DepthKind
    input_size: int
    license: str
    materials: tuple[dict[str, Any], ...]
    """Bill of materials."""
    identity: dict[str, Any]
    """What must be the same for a run to go on; held as JSON gives it back."""
    facts: dict[str, Any]
    """Further lines of run.json."""
    story: tuple[str, str]
    """How it was trained: what stands before and behind the number of steps on the card."""
    multiple: int = 64
    """Height and width of the network's input are multiples of this."""
    scored: str = ""
    """On what the figures of validation were measured; for the card."""

    def __post_init__(self) -> None:
        # What went into the start and into this training, too, stands once.
        once = tuple(m for i, m in enumerate(self.materials) if m not in self.materials[:i])
        object.__setattr__(self, "materials", once)
        plain = json.loads(json.dumps(self.identity, default=str))
        object.__setattr__(self, "identity", plain)


class RunFolder:
    """The folder of one run, kept a model folder that people can use at any time."""

    def __init__(self, folder: Path, about: About, config: LoopConfig) -> None:
        self._folder, self._config = folder, config
        self._about = about
        self._facts = {
            **about.identity,
            **about.facts,
            "commit": _commit(),
            "versions": _versions(),
        }

    def save(self, model: nn.Module, step: int, figures: Mapping[str, float]) -> None:
        """Write model.safetensors, config.json, README.md and run.json."""
        if told_apart(self._folder, self._config, self._about.identity):
            # First of all whose model it is: a run that is killed now must know it as its own.
            make_folder(self._folder)
            self._write(self._facts)
        preset = save_model(self._folder, self._preset(model), model, self._card(step, figures))
        told = {"step": step, "figures": dict(figures), "sha256": preset.sha256}
        self._write({**self._facts, **told})

    def _write(self, facts: Mapping[str, Any]) -> None:
        write_json(self._folder / RUN, facts)

    def _preset(self, model: nn.Module) -> Preset:
        normalize = model.get_submodule("normalize")
        mean, std = (getattr(normalize, name).flatten().tolist() for name in ("mean", "std"))
        about = self._about
        return Preset(
            name=self._folder.resolve().name,
            network=about.network,
            settings=about.settings,
            kind=about.kind,
            size=about.input_size,
            multiple=about.multiple,
            mean=tuple(mean),
            std=tuple(std),
            params=count_params(model),
            macs=count_macs(model),
            license=about.license,
            materials=about.materials,
        )

    def _card(self, step: int, figures: Mapping[str, float]) -> str:
        about = self._about
        before, behind = about.story
        lines = [
            f"# {self._folder.resolve().name}",
            "",
            f"Network `{about.network}`, {before}{step}{behind} {MEANING[about.kind]}",
            "",
        ]
        if about.scored and figures:
            said = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
            lines += [f"{about.scored}: {said}.", ""]
        lines += [f"License of the weights: {about.license}. Made from:", ""]
        lines += [f"- {m['name']}: {m['terms']} ({m['use']})" for m in about.materials]
        return "\n".join(lines) + "\n"


def _versions() -> dict[str, str]:
    found = {"featherdepth": featherdepth.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found | {"device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"}


def _commit() -> str | None:
    """The commit of the checkout that runs; None for an installed package."""
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - git is where the user's PATH has it
            cwd=Path(featherdepth.__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
