"""Where a student begins."""

from pathlib import Path

import torch
from torch import nn

from featherdepth.distill.recipe import DistillRecipe
from featherdepth.errors import UsageError
from featherdepth.networks.build import build_network
from featherdepth.networks.depthnet import DepthNet
from featherdepth.networks.encoder_start import start_encoder
from featherdepth.networks.folder import read_preset
from featherdepth.networks.fresh import fresh_weights
from featherdepth.networks.weights import load_into
from featherdepth.runtime.presets import embedded_folder, embedded_models
from featherdepth.runtime.reference import resolve
from featherdepth.types import DepthKind


def find_start(recipe: DistillRecipe) -> Path | None:
    """The model folder that a recipe begins from; None for random weights.

    Raises:
        UsageError: `init` names a foreign file or no model.
        WeightsError: it is missing.
    """
    if recipe.init == "random":
        return None
    if recipe.init == "default":
        known = recipe.student in embedded_models() and not recipe.settings
        return embedded_folder(recipe.student) if known and not recipe.encoder_weights else None
    reference = resolve(recipe.init)
    if reference.network is not None:
        raise UsageError(f"init {recipe.init!r}: a foreign file; expected a model folder or a name")
    return reference.path


def start_student(recipe: DistillRecipe, kind: DepthKind) -> nn.Module:
    """The student as training begins, of its teacher's kind.

    Raises:
        UsageError: as `find_start`, a start of another network, a student without depth, or an
            encoder that `encoder_weights` do not fit.
        WeightsError: the start is missing, damaged or of other settings.
    """
    with fresh_weights(recipe.seed, "weights"):
        model = build_network(recipe.student, recipe.settings)
    if not isinstance(model, DepthNet):
        raise UsageError(
            f"student {recipe.student!r}: a bare encoder or a completion network, which gives no"
            " depth from a photo alone"
        )
    folder = find_start(recipe)
    if folder is not None:
        network = read_preset(folder).network
        if network != recipe.student:
            raise UsageError(
                f"init {folder}: of network {network!r}, the student is {recipe.student!r};"
                f" take --student {network} or another start"
            )
        load_into(model, folder)
        turn(model, read_preset(folder).kind, kind)
    elif recipe.encoder_weights:
        start_encoder(model.encoder, recipe.encoder_weights)
    return model


def turn(model: nn.Module, before: DepthKind, after: DepthKind) -> None:
    """Mirror the output of a model where larger is to mean nearer and meant farther, or back.

    The order of near and far is then right from the first step. The last convolution gives the raw
    map and only linear up-sampling follows it, so its sign is that of the output.
    """
    if before.larger_is == after.larger_is:
        return
    last = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.out_channels == 1][-1]
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.neg_()
