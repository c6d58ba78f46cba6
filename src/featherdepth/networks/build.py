"""Build a network by its name and settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from featherdepth.errors import UsageError
from featherdepth.networks import NETWORKS


def build_network(
    name: str,
    settings: Mapping[str, Any] | None = None,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> nn.Module:
    """The network called `name`, with fresh weights.

    Args:
        settings: replaces defaults of that name, such as `{"widths": [64, 96, 128]}`.
        mean, std: of the first layer of a depth network; default: those of its encoder's
            pretraining. Not for bare encoders.

    Raises:
        UsageError: no such name, or settings that do not fit it.
    """
    make = NETWORKS.load(name)
    given = dict(settings or {})
    given |= {key: value for key, value in (("mean", mean), ("std", std)) if value is not None}
    try:
        network: nn.Module = make(**given)
    except (TypeError, ValueError) as error:
        raise UsageError(f"network {name!r}: settings {given} do not fit: {error}") from error
    return network
