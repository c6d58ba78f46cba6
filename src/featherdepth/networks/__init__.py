"""Networks by name: tensors in, tensors out.

The table is plain strings, so listing the names costs no torch.
"""

from featherdepth.registry import Registry

_NAMED = "featherdepth.networks.named:"

NETWORKS = Registry(
    "network",
    {
        "base": _NAMED + "base",
        "completion": _NAMED + "completion",
        "efficientnet-lite0": _NAMED + "efficientnet_lite0",
        "efficientnet-lite2": _NAMED + "efficientnet_lite2",
        "efficientnet-lite2-ffm": _NAMED + "efficientnet_lite2_ffm",
        "enet": _NAMED + "enet",
        "fast": _NAMED + "fast",
        "leres-resnet50": _NAMED + "leres_resnet50",
        "nlspn": _NAMED + "nlspn",
        "penet-c2": _NAMED + "penet_c2",
        "small": _NAMED + "small",
        "topformer-base": _NAMED + "topformer_base",
        "topformer-base-sim": _NAMED + "topformer_base_sim",
        "topformer-lite": _NAMED + "topformer_lite",
        "topformer-small": _NAMED + "topformer_small",
        "topformer-small-sim": _NAMED + "topformer_small_sim",
        "topformer-tiny": _NAMED + "topformer_tiny",
        "topformer-tiny-sim": _NAMED + "topformer_tiny_sim",
    },
)
