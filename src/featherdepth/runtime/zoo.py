"""Other people's completion systems, run as they were published, on photos of any size.

    enet, penet-c2   RGB 0..255, the position of each pixel, the camera; padded at the bottom and on
                     the right to multiples of 32, the photo by reflection, the sparse map with 0
    nlspn            RGB normalized as for ImageNet; no padding

A camera that is not known is assumed (`geometry/camera.py`); at 352x1216, the size of the KITTI
crops, it is the one that the published code takes for every frame.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from featherdepth.errors import InputError, UsageError
from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.geometry.resize import Size
from featherdepth.networks.depthnet import IMAGENET_MEAN, IMAGENET_STD
from featherdepth.networks.foreign import Loaded, load_foreign
from featherdepth.networks.zoo import ZOO
from featherdepth.networks.zoo.enet import STRIDE
from featherdepth.networks.zoo.geometry import BEYOND
from featherdepth.runtime.reference import resolve
from featherdepth.types import Intrinsics

PUBLISHED_CAMERA = Intrinsics(
    fx=721.5377, fy=721.5377, cx=596.5593, cy=161.354, height=352, width=1216, source="assumed"
)
"""KITTI's of 2011-09-26 after a crop that was taken to be centered; in fact it is at the bottom,
and cy should be 149.854. The weights were trained with this one."""


class ZooCompleter:
    """One of the networks with weights that the user brought.

    Args:
        name: of the network: "enet", "penet-c2" or "nlspn".
        network: what that name builds.
    """

    def __init__(self, name: str, network: nn.Module, loaded: Loaded) -> None:
        self.name = name
        self.loaded = loaded
        """What became of the tensors of the file."""
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.eval().to(self._device)

    @classmethod
    def open(
        cls, reference: str, settings: Mapping[str, Any] | None = None, threads: int | None = None
    ) -> "ZooCompleter":
        """Open `enet@FILE`, `penet-c2@FILE` or `nlspn@FILE`; the file is read weights-only.

        Args:
            settings: of the network. `nlspn` stands for the released weights, which were trained
                with `{"variant": "legacy", "preserve_input": True}`.
            threads: set for the whole process: torch knows no other way.

        Raises:
            UsageError: another reference, or settings that do not fit.
            WeightsError: the file is missing, not readable weights-only, or of another network.
        """
        found = resolve(reference)
        if found.network not in ZOO:
            expected = ", ".join(f"{name}@FILE" for name in ZOO)
            raise UsageError(f"model {reference!r}: no published system; expected {expected}")
        if threads is not None:
            torch.set_num_threads(threads)
        network, loaded = load_foreign(found.network, found.path, settings)
        return cls(found.network, network, loaded)

    def complete(
        self,
        pixels: UInt8[np.ndarray, "h w 3"],
        sparse: Float[np.ndarray, "h2 w2"],
        intrinsics: Intrinsics | None = None,
    ) -> Float32[np.ndarray, "h w"]:
        """Dense depth in meters, as the network gives it: the first two may go below 0.

        Args:
            pixels: RGB.
            sparse: meters, 0 where nothing was measured; of the size of the photo.
            intrinsics: of the photo; `nlspn` needs none.

        Raises:
            InputError: a sparse map of another size, or with values that are no depth.
        """
        size = pixels.shape[0], pixels.shape[1]
        _check(sparse, size, BEYOND if self.name != "nlspn" else np.inf)
        frame: tuple[Size, ...] = ()
        inputs: tuple[Tensor, ...]
        if self.name == "nlspn":
            inputs = nlspn_inputs(pixels, sparse)
        else:
            inputs = enet_inputs(pixels, sparse, intrinsics or _camera(size))
            frame = (size,)
        with torch.inference_mode():
            depth = self._network(*(t.to(self._device) for t in inputs), *frame)
        dense: Float32[np.ndarray, "h w"] = depth[0, 0, : size[0], : size[1]].cpu().numpy()
        return dense


def enet_inputs(
    pixels: UInt8[np.ndarray, "h w 3"], sparse: Float[np.ndarray, "h w"], intrinsics: Intrinsics
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What ENet and PENet take, padded: RGB, sparse depth, position, camera.

    The photo is the frame: position is -1..1 over it and goes on beyond 1 over the padding.
    """
    height, width = pixels.shape[:2]
    below, right = -height % STRIDE, -width % STRIDE
    photo = np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="reflect")
    measured = np.pad(sparse, ((0, below), (0, right)))
    rows = 2 * np.arange(height + below) / max(height - 1, 1) - 1
    columns = 2 * np.arange(width + right) / max(width - 1, 1) - 1
    position = np.stack(np.meshgrid(columns, rows))
    camera = intrinsics.resized(height, width)
    matrix = [[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]]
    return (
        _batch(photo.transpose(2, 0, 1)),
        _batch(measured[None]),
        _batch(position),
        torch.tensor([matrix], dtype=torch.float32),
    )


def nlspn_inputs(
    pixels: UInt8[np.ndarray, "h w 3"], sparse: Float[np.ndarray, "h w"]
) -> tuple[Tensor, Tensor]:
    """What NLSPN takes: RGB, normalized, and sparse depth."""
    normalized = (pixels / 255 - IMAGENET_MEAN) / IMAGENET_STD
    return _batch(normalized.transpose(2, 0, 1)), _batch(sparse[None])


def _batch(planes: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))[None]


def _camera(size: Size) -> Intrinsics:
    published = PUBLISHED_CAMERA
    same = size == (published.height, published.width)
    return published if same else assumed_intrinsics(*size)


def _check(sparse: Float[np.ndarray, "h w"], size: Size, beyond: float) -> None:
    if sparse.shape != size:
        height, width = sparse.shape
        raise InputError(
            f"sparse depth is {height}x{width}, the photo {size[0]}x{size[1]}; expected one size"
        )
    bad = ~(np.isfinite(sparse) & (sparse >= 0) & (sparse <= beyond))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"sparse depth is {sparse[row, column]:g} at row {row}, column {column};"
            f" expected meters from 0 (not measured) to {beyond:g}"
        )
