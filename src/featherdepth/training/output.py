"""What a training run leaves beside the engine's own files: a model folder and run.json."""

import json
import logging
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

import featherdepth
from featherdepth.data.reader import Reader
from featherdepth.images.atomic import write_atomic
from featherdepth.networks.counting import count_macs, count_params
from featherdepth.networks.folder import read_preset
from featherdepth.networks.weights import save_model
from featherdepth.training.pool import Pool
from featherdepth.training.recipe import KIND, Recipe
from featherdepth.types import Preset

logger = logging.getLogger(__name__)

RUN = "run.json"
PACKAGES = ("torch", "numpy", "pillow", "accelerate", "safetensors")


class RunFolder:
    """The folder of one run, kept a model folder that people can use at any time."""

    def __init__(self, folder: Path, recipe: Recipe, readers: Sequence[Reader], pool: Pool) -> None:
        self._folder = folder
        self._recipe = recipe
        self._materials = _materials(recipe, readers)
        self.identity: dict[str, Any] = json.loads(
            json.dumps({"recipe": asdict(recipe), "data_sha256": pool.sha256}, default=str)
        )
        """What must be the same for a run to go on."""
        self._about = {
            **self.identity,
            "seed": recipe.seed,
            "frames": len(pool),
            "commit": _commit(),
            "versions": _versions(),
        }

    def save(self, model: nn.Module, step: int, figures: Mapping[str, float]) -> None:
        """Write model.safetensors, config.json, README.md and run.json."""
        preset = save_model(self._folder, self._preset(model), model, self._card(step, figures))
        about = {**self._about, "step": step, "figures": dict(figures), "sha256": preset.sha256}
        text = json.dumps(about, indent=2, sort_keys=True) + "\n"
        write_atomic(self._folder / RUN, text.encode())

    def _preset(self, model: nn.Module) -> Preset:
        normalize = model.get_submodule("normalize")
        mean, std = (getattr(normalize, name).flatten().tolist() for name in ("mean", "std"))
        return Preset(
            name=self._folder.resolve().name,
            network=self._recipe.network,
            settings=self._recipe.settings,
            kind=KIND,
            size=self._recipe.input_size,
            mean=tuple(mean),
            std=tuple(std),
            params=count_params(model),
            macs=count_macs(model),
            license=self._recipe.license,
            materials=self._materials,
        )

    def _card(self, step: int, figures: Mapping[str, float]) -> str:
        recipe = self._recipe
        lines = [f"# {self._folder.resolve().name}", ""]
        lines += [
            f"Network `{recipe.network}`, trained {step} steps on labelled depth."
            f" Its output is {KIND.value} depth: larger is farther; scale and shift are unknown.",
            "",
        ]
        if recipe.validation is not None and figures:
            said = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
            lines += [
                f"Held-out split, protocol `{recipe.validation.protocol}`, input size"
                f" {recipe.validation.size}: {said}.",
                "",
            ]
        lines += [f"License of the weights: {recipe.license}. Made from:", ""]
        lines += [f"- {m['name']}: {m['terms']} ({m['use']})" for m in self._materials]
        return "\n".join(lines) + "\n"


def _materials(recipe: Recipe, readers: Sequence[Reader]) -> tuple[dict[str, Any], ...]:
    """The bill of materials: every data set and start that went into the weights."""
    rows: list[dict[str, Any]] = [
        {
            "name": f"{reader.name}{f' ({reader.split})' if reader.split else ''}",
            "class": _strictest(reader.terms),
            "terms": reader.terms,
            "use": f"training, {len(reader)} frames",
        }
        for reader in readers
    ]
    if recipe.init is not None:
        rows = [*read_preset(recipe.init).materials, *rows]
    if recipe.encoder_weights:
        terms = "ImageNet-pretrained weights (class B: research terms of the images)"
        rows.append(
            {
                "name": Path(recipe.encoder_weights).name,
                "class": "B",
                "terms": terms,
                "use": "start of the encoder",
            }
        )
    return tuple(rows)


def _strictest(terms: str) -> str:
    """The last of the classes A, B, C that the terms name; unknown terms count as C."""
    return max(re.findall(r"class ([ABC])\b", terms), default="C")


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
