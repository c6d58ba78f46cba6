"""The models that come with the package."""

from pathlib import Path

from featherdepth.errors import UsageError
from featherdepth.networks.folder import CONFIG
from featherdepth.types import Preset

DEFAULT = "small"
"""What the alias `default` stands for, and what is taken when no model is named."""

COMPLETION = "completion"
"""Embedded model, and its network, that completes points and sees no depth by itself."""

EMBEDDED = Path(__file__).parent / "weights"


def embedded_models() -> list[str]:
    """Names of the embedded models, sorted."""
    return sorted(path.parent.name for path in EMBEDDED.glob(f"*/{CONFIG}"))


def depth_models() -> list[str]:
    """Those that see depth by themselves."""
    return [name for name in embedded_models() if name != COMPLETION]


def check_sees_depth(preset: Preset, instead: str) -> None:
    """Refuse a model of the network for completion.

    Args:
        instead: what to do, for the message.

    Raises:
        UsageError: it is one.
    """
    if preset.network == COMPLETION:
        raise UsageError(
            f"model {preset.name!r} completes measured points and sees no depth by itself;"
            f" {instead}"
        )


def embedded_folder(name: str) -> Path:
    """The model folder of an embedded model."""
    return EMBEDDED / name
