"""Small depth networks, and the tools to make your own out of a big teacher and unlabelled photos.

>>> from featherdepth import DepthModel, save, colorize, points          # doctest: +SKIP
>>> depth = DepthModel.from_pretrained().infer("room.jpg")               # doctest: +SKIP
>>> save(depth, "room.png"); colorize(depth, legend=True)                # doctest: +SKIP

Public names load on first use, so that `import featherdepth` costs nothing.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

_HOME = {
    "Aligned": "featherdepth.types",
    "Alignment": "featherdepth.types",
    "Completion": "featherdepth.types",
    "CompletionModel": "featherdepth.completion.model",
    "Depth": "featherdepth.types",
    "DepthKind": "featherdepth.types",
    "DepthModel": "featherdepth.runtime.model",
    "Image": "featherdepth.types",
    "Intrinsics": "featherdepth.types",
    "align": "featherdepth.data.align",
    "colorize": "featherdepth.images.colormap",
    "fit_scale_shift": "featherdepth.geometry.align",
    "points": "featherdepth.geometry.camera",
    "read_image": "featherdepth.images.read",
    "read_sparse": "featherdepth.data.sparse",
    "save": "featherdepth.images.write",
    "sparse_depth": "featherdepth.data.sparse",
}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604

if TYPE_CHECKING:
    from featherdepth.completion.model import CompletionModel as CompletionModel
    from featherdepth.data.align import align as align
    from featherdepth.data.sparse import read_sparse as read_sparse
    from featherdepth.data.sparse import sparse_depth as sparse_depth
    from featherdepth.geometry.align import fit_scale_shift as fit_scale_shift
    from featherdepth.geometry.camera import points as points
    from featherdepth.images.colormap import colorize as colorize
    from featherdepth.images.read import read_image as read_image
    from featherdepth.images.write import save as save
    from featherdepth.runtime.model import DepthModel as DepthModel
    from featherdepth.types import Aligned as Aligned
    from featherdepth.types import Alignment as Alignment
    from featherdepth.types import Completion as Completion
    from featherdepth.types import Depth as Depth
    from featherdepth.types import DepthKind as DepthKind
    from featherdepth.types import Image as Image
    from featherdepth.types import Intrinsics as Intrinsics

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'featherdepth' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
