"""The networks by name: which encoder, injection, decoder and widths each name stands for.

Every function takes settings that replace its defaults.
"""

from typing import Any

from featherdepth.networks.depthnet import DepthNet


def _depthnet(settings: dict[str, Any], **defaults: Any) -> DepthNet:
    return DepthNet(**(defaults | settings))


def small(**settings: Any) -> DepthNet:
    """EfficientNet-lite0 with the light decoder: the everyday model."""
    return _depthnet(settings, encoder="efficientnet-lite0", decoder="lite", widths=(96, 128, 160))
