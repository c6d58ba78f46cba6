"""The networks by name: which encoder, injection, decoder and widths each name stands for.

Keyword arguments replace the defaults. Depth networks take those of `DepthNet`, `nlspn` those of
`NLSPN`.
"""

from collections.abc import Sequence
from typing import Any

from featherdepth.networks.completion import PoissonLite
from featherdepth.networks.depthnet import DepthNet
from featherdepth.networks.efficientnet_lite import EfficientNetLite
from featherdepth.networks.topformer import VARIANTS, TopFormer
from featherdepth.networks.zoo.enet import ENet
from featherdepth.networks.zoo.nlspn import NLSPN
from featherdepth.networks.zoo.penet import PENetC2


def _depthnet(settings: dict[str, Any], **defaults: Any) -> DepthNet:
    return DepthNet(**(defaults | settings))


def base(**settings: Any) -> DepthNet:
    """TopFormer-Base injected at all four levels, with the fusion decoder."""
    return _depthnet(
        settings,
        encoder="topformer-base",
        inject=(64, 128, 256, 256),
        decoder="ffm",
        widths=(128, 160, 224, 256),
    )


def topformer_lite(**settings: Any) -> DepthNet:
    """The encoder of `base` with the light decoder: a quarter of its time."""
    return _depthnet(
        settings,
        encoder="topformer-base",
        inject=(96, 128, 160, 160),
        decoder="lite",
        widths=(96, 128, 160),
    )


def small(**settings: Any) -> DepthNet:
    """EfficientNet-lite0 with the light decoder: the everyday model."""
    return _depthnet(settings, encoder="efficientnet-lite0", decoder="lite", widths=(96, 128, 160))


def fast(**settings: Any) -> DepthNet:
    """TopFormer-Tiny with a narrow light decoder."""
    return _depthnet(
        settings,
        encoder="topformer-tiny",
        inject=(48, 48, 48, 48),
        decoder="lite",
        widths=(48, 64, 96),
    )


def completion(**settings: Any) -> PoissonLite:
    """A photo, an aligned depth map and measured points to dense metric depth."""
    return PoissonLite(**settings)


def leres_resnet50(**settings: Any) -> DepthNet:
    """ResNet-50 with the fusion decoder of LeReS: a teacher."""
    return _depthnet(settings, encoder="resnet50", decoder="ffm", widths=(256, 256, 256, 512))


def efficientnet_lite2_ffm(**settings: Any) -> DepthNet:
    """EfficientNet-lite2 with a wide fusion decoder: a teacher to train oneself."""
    return _depthnet(
        settings, encoder="efficientnet-lite2", decoder="ffm", widths=(128, 192, 256, 320)
    )


def efficientnet_lite0() -> EfficientNetLite:
    """The bare encoder: four maps."""
    return EfficientNetLite("lite0")


def efficientnet_lite2() -> EfficientNetLite:
    """The bare encoder: four maps."""
    return EfficientNetLite("lite2")


def topformer_tiny(inject: Sequence[int] | None = None) -> TopFormer:
    """The bare encoder: four maps, then the tokens if nothing is injected."""
    return TopFormer("tiny", inject)


def topformer_small(inject: Sequence[int] | None = None) -> TopFormer:
    """The bare encoder: four maps, then the tokens if nothing is injected."""
    return TopFormer("small", inject)


def topformer_base(inject: Sequence[int] | None = None) -> TopFormer:
    """The bare encoder: four maps, then the tokens if nothing is injected."""
    return TopFormer("base", inject)


def _with_injection(variant: str) -> TopFormer:
    width = VARIANTS[variant].injection
    return TopFormer(variant, (0, width, width, width))


def topformer_tiny_sim() -> TopFormer:
    """The encoder with the three injections of the published segmentation model."""
    return _with_injection("tiny")


def topformer_small_sim() -> TopFormer:
    """The encoder with the three injections of the published segmentation model."""
    return _with_injection("small")


def topformer_base_sim() -> TopFormer:
    """The encoder with the three injections of the published segmentation model."""
    return _with_injection("base")


def enet() -> ENet:
    """A published completion network for driving scenes: photo, sparse depth, camera."""
    return ENet()


def penet_c2() -> PENetC2:
    """`enet` with propagation behind it."""
    return PENetC2()


def nlspn(**settings: Any) -> NLSPN:
    """A published completion network for rooms and driving scenes: photo and sparse depth."""
    return NLSPN(**settings)
