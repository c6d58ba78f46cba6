"""A depth model of transformers as teacher.

Weights come from safetensors files only, code of a repository is never run, and every tensor of the
network must be in the files: what is missing would be random numbers, silently.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from safetensors import SafetensorError
from torch import Tensor, nn

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.distill.teachers.base import BaseTeacher, Sizing, TorchTeacher, digest_of
from featherdepth.distill.teachers.hub.families import Family, family_of
from featherdepth.distill.teachers.hub.folder import (
    HubFolder,
    find_folder,
    is_transformers_folder,
    need,
)
from featherdepth.distill.teachers.hub.preprocessing import Preprocessing, read_preprocessing
from featherdepth.distill.teachers.own import open_own
from featherdepth.distill.teachers.stated import Stated
from featherdepth.distill.teachers.terms import settle_license, with_itself
from featherdepth.errors import UsageError, WeightsError
from featherdepth.geometry.resize import Size
from featherdepth.networks.counting import count_params
from featherdepth.types import DepthKind

UNUSED = re.compile(r"fusion_stage\.layers\.0\.residual_layer1\.")
"""The first fusion adds nothing: published files lack these, and no map depends on them."""

STRANGE = ("auto_map", "attn_implementation", "_attn_implementation", "_name_or_path")
"""Keys of config.json that name code or files elsewhere; they are dropped."""


class HubTeacher(TorchTeacher):
    """The model between its preprocessing and its map."""

    def __init__(
        self,
        card: TeacherCard,
        steps: Preprocessing,
        asked: int | Size | None,
        module: nn.Module,
        family: Family,
        *,
        alone: bool,
    ) -> None:
        self._steps = steps
        self._family = family
        self._alone = alone
        super().__init__(card, Sizing(size=448), asked, module)

    def input_size(self, height: int, width: int, size: int | Size | None = None) -> Size:
        try:
            return self._steps.input_size(height, width, size or self._asked)
        except UsageError as error:
            raise UsageError(f"teacher {self._card.name}: {error}") from error

    def prepare(
        self, pixels: UInt8[np.ndarray, "h w 3"], size: int | Size | None = None
    ) -> Float32[np.ndarray, "3 H W"]:
        height, width = pixels.shape[:2]
        return self._steps.prepare(pixels, self.input_size(height, width, size))

    def _maps(self, images: Float32[Tensor, "b 3 h w"]) -> Any:
        if self._alone and len(images) > 1:
            return torch.cat([self._maps(image) for image in torch.split(images, 1)])
        height, width = images.shape[-2:]
        inputs, _ = self._steps.pad(images)
        maps = self._family.depth(self.module(pixel_values=inputs))
        return self._steps.unpad(maps, (height, width))


def open_hub(reference: str, stated: Stated, asked: int | Size | None) -> BaseTeacher:
    """The model that `owner/name[@revision]` or a folder names; a model folder of ours too.

    Raises:
        UsageError: no such model, or one whose numbers are not known.
        WeightsError: files are missing, damaged or pickled, or do not fit the network.
        BackendError: transformers is not installed.
    """
    need("transformers", f"hf:{reference}")
    folder = find_folder(reference)
    config = folder.config()
    if not is_transformers_folder(folder.path):
        return open_own(folder.path, asked)
    where = f"teacher {folder.name}"
    family = family_of(config, where)
    steps = read_preprocessing(folder.preprocessor(), family.habit, where)
    digest = folder.digest()
    module = _load(folder, config)
    kind = _kind(family, module.config, stated, where)
    names = (folder.name, str(config.get("_name_or_path", "")), str(config.get("model_type", "")))
    license_text = stated.license or settle_license(folder.license(), names)
    card = TeacherCard(
        name=folder.name,
        kind=kind,
        digest=digest_of("hub", digest, kind.value),
        license=license_text,
        materials=with_itself(folder.name, license_text),
        params=count_params(module),
    )
    square = family.square is not None and family.square(module.config)
    alone = family.alone is not None and family.alone(module.config)
    steps = replace(steps, square=square)
    return HubTeacher(card, steps, asked, module, family, alone=alone)


def _kind(family: Family, config: Any, stated: Stated, where: str) -> DepthKind:
    kind = family.kind(config)
    if stated.kind in (None, kind):
        return kind
    if config.model_type != "dpt":  # of which fine-tuned ones are alike in all but their numbers
        raise UsageError(
            f"{where}: its numbers are {kind.value}, not {stated.kind}; leave kind out"
        )
    return DepthKind(stated.kind)


def _load(folder: HubFolder, table: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig, AutoModelForDepthEstimation

    faults = _load_faults()
    try:
        with _quiet():
            cleaned = _cleaned(table)
            config = AutoConfig.for_model(**cleaned)
            module, report = AutoModelForDepthEstimation.from_pretrained(
                folder.path,
                config=config,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
    except faults as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(
            f"teacher {folder.name}: transformers cannot load it: {reason}"
        ) from error
    lacking = sorted(k for k in report["missing_keys"] if not UNUSED.search(k))
    if lacking:
        raise WeightsError(
            f"teacher {folder.name}: its weights lack {lacking[0]} and {len(lacking) - 1} more of"
            " the network's tensors; expected all of them: fetch it again"
        )
    return module.float()


def _cleaned(table: Mapping[str, Any]) -> dict[str, Any]:
    """config.json without what points to code or to other files."""
    if table.get("use_pretrained_backbone") or table.get("use_timm_backbone"):
        raise ValueError("config.json takes its backbone from elsewhere, which is not read")
    if table.get("quantization_config"):
        raise ValueError("quantized weights are not read; take the plain ones")
    return {
        key: _cleaned(value) if isinstance(value, Mapping) else value
        for key, value in table.items()
        if key not in STRANGE
    }


def _load_faults() -> tuple[type[Exception], ...]:
    """What files that do not fit make the library raise."""
    import huggingface_hub.errors as hub

    strict = getattr(hub, "StrictDataclassError", ValueError)  # newer versions check their configs
    return (
        OSError,
        ValueError,
        RuntimeError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        ImportError,
        SafetensorError,
        strict,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's reports and bars: what they tell is checked above."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
