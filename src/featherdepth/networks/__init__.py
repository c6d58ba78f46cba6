"""Networks by name: tensors in, tensors out.

The table is plain strings, so listing the names costs no torch.
"""

from featherdepth.registry import Registry

_NAMED = "featherdepth.networks.named:"

NETWORKS = Registry(
    "network",
    {
        "small": _NAMED + "small",
    },
)
