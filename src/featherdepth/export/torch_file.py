"""A .pt2: the program that torch.export records, for torch without this package."""

import copy
import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from featherdepth.errors import UsageError
from featherdepth.geometry.resize import Size
from featherdepth.runtime.backends import Network
from featherdepth.runtime.exported import KEY, Exported

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Program(nn.Module):
    """What is recorded: preparation, the network in its precision, float32 out."""

    def __init__(self, network: nn.Module, dtype: torch.dtype, *, pixels: bool) -> None:
        super().__init__()
        self.network = network.to(dtype)
        self.dtype = dtype
        self.pixels = pixels

    def forward(self, images: Tensor) -> Tensor:
        """RGB to depth."""
        if self.pixels:
            images = images.permute(0, 3, 1, 2) / 255.0
        depth: Tensor = self.network(images.to(self.dtype))
        return depth.float()


def save_program(network: nn.Module, path: Path, exported: Exported) -> None:
    """Record the network and write it at `path`.

    Raises:
        UsageError: a network whose record needs a fixed size.
    """
    size, multiple = exported.fixed, exported.preset.multiple
    if size is None and getattr(network, "unrolled", False):
        raise _one_size(exported)
    pixels = exported.input == "uint8"
    program = Program(copy.deepcopy(network), DTYPES[exported.precision], pixels=pixels).eval()
    example, shapes = _example(size, multiple, exported.channels, pixels)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own insides
        recorded = torch.export.export(program, (example,), dynamic_shapes=shapes)
        torch.export.save(recorded, path, extra_files={KEY: exported.to_text()})


def _example(
    size: Size | None, multiple: int, channels: int, pixels: bool
) -> tuple[Tensor, tuple[dict[int, object]] | None]:
    height, width = size or (3 * multiple, 5 * multiple)
    batch = 1 if size else 2
    if pixels:
        example = torch.zeros(batch, height, width, channels, dtype=torch.uint8)
    else:
        example = torch.zeros(batch, channels, height, width)
    if size is not None:
        return example, None
    rows, columns = (torch.export.Dim(name, min=1, max=256) for name in ("rows", "columns"))
    first = 1 if pixels else 2
    open_sides: dict[int, object] = {0: torch.export.Dim("batch", min=1, max=1024)}
    open_sides |= {first: multiple * rows, first + 1: multiple * columns}
    return example, (open_sides,)


def open_program(path: Path, exported: Exported) -> Network:
    """Run a .pt2 that this process wrote: loading another's could run code.

    UsageError of a call: a network whose record needs a fixed size.
    """
    program = torch.export.load(path).module()

    def run(images: Float32[np.ndarray, "b c h w"]) -> Float32[np.ndarray, "b d h w"]:
        with torch.no_grad():
            try:
                depth: Float32[np.ndarray, "b d h w"] = program(
                    torch.from_numpy(exported.fed(images))
                ).numpy()
            except AssertionError as error:  # "Guard failed": of maps of one row or column
                raise _one_size(exported) from error
        return depth

    return run


def _one_size(exported: Exported) -> UsageError:
    return UsageError(
        f"{exported.preset.name}: its record for torch needs one size; add --size HxW"
    )
