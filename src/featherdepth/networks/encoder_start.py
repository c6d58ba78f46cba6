"""Where the encoder of a random network begins: ImageNet weights, or those of another depth model.

TopFormer injects its tokens at the widths of the decoder, so those layers (`SIM.*`) stay fresh: the
encoder of `topformer-lite`, trained in a quarter of the time, is a start for `base`.
"""

from pathlib import Path

from torch import nn

from featherdepth.errors import WeightsError
from featherdepth.networks.folder import CONFIG
from featherdepth.networks.imagenet import load_imagenet
from featherdepth.networks.weights import load_model

_INJECTION = "SIM."


def start_encoder(encoder: nn.Module, source: str) -> None:
    """Fill the encoder of a depth network.

    Args:
        source: the folder of a model with the same encoder, or what `load_imagenet` takes.

    Raises:
        WeightsError: missing, unreadable, or of another encoder.
    """
    if not is_model(source):
        load_imagenet(encoder, source)
        return
    trained = getattr(load_model(Path(source))[1], "encoder", nn.Identity()).state_dict()
    state = {key: value for key, value in trained.items() if not key.startswith(_INJECTION)}
    own = encoder.state_dict()
    state |= {key: value for key, value in own.items() if key.startswith(_INJECTION)}
    try:
        encoder.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"encoder_weights {source}: of another encoder; take a model whose encoder is the same"
        ) from error


def is_model(source: str) -> bool:
    """Whether `start_encoder` takes `source` for a model folder, not for ImageNet weights."""
    return source != "" and (Path(source) / CONFIG).is_file()
