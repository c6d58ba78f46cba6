"""Measured points as a map of the picture's size: 16-bit PNG, .npy and .npz."""

import io
import zipfile
import zlib
from dataclasses import replace

import numpy as np

from featherdepth.data.formats.npy import read_npy, read_npy_mask
from featherdepth.data.sparse.request import (
    MISSING_CODE,
    Request,
    from_map,
    from_pixels,
    read_bytes,
    refuse_negative,
)
from featherdepth.errors import InputError
from featherdepth.geometry.camera import best_known
from featherdepth.images.read_depth import read_depth
from featherdepth.images.sidecar import sidecar_path
from featherdepth.types import Depth, DepthKind

VALUE_NAMES = ("depth", "values", "sparse", "sparse_depth")
MASK_NAMES = ("valid", "mask")
EIGHT_BITS = 255
COARSE_SCALE = 100.0
"""At centimetres and coarser, 255 is still a depth that somebody may mean."""


def read_png(request: Request) -> Depth:
    """A 16-bit PNG: ours, which says what it holds, or any other with a scale.

    Raises:
        InputError: not such a picture, 8-bit, or without a scale.
        UsageError: a scale for a file that has its own.
    """
    depth = read_depth(request.path, scale=request.depth_scale)
    if depth.kind is not DepthKind.METRIC:
        raise InputError(f"{request.name}: holds {depth.kind} values; expected metres")
    if request.depth_scale is None:
        return _ours(request, depth)
    stored = np.rint(depth.values.astype(np.float64) * request.depth_scale)
    if 0 < stored.max() <= EIGHT_BITS and request.depth_scale > COARSE_SCALE:
        raise InputError(
            f"{request.name}: no value above 255, as in an 8-bit picture; expected 16-bit depth"
            f" in 1/{request.depth_scale:g} m"
        )
    return from_map(request, stored)


def read_array(request: Request) -> Depth:
    """A .npy array: (h, w), or rows of column, row, depth.

    Raises:
        InputError: another shape, or damaged.
    """
    if sidecar_path(request.path).is_file() and request.depth_scale is None:
        depth = read_depth(request.path)
        if depth.kind is not DepthKind.METRIC:
            raise InputError(f"{request.name}: holds {depth.kind} values; expected metres")
        return _ours(request, depth)
    values = read_npy(read_bytes(request.path, "a .npy array", request.most_bytes), request.name)
    return map_or_rows(request, values, None)


def read_archive(request: Request) -> Depth:
    """A .npz with `depth` (or one array alone) and perhaps `valid`.

    Raises:
        InputError: no such array, or damaged; pickles are never opened.
    """
    data = read_bytes(request.path, "a .npz archive", request.most_bytes)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {
                name.removesuffix(".npy"): archive.getinfo(name)
                for name in archive.namelist()
                if name.endswith(".npy")
            }
            wanted = [name for name in VALUE_NAMES if name in members]
            masks = [name for name in MASK_NAMES if name in members]
            rest = [name for name in members if name not in masks]
            if not wanted and len(rest) != 1:
                raise InputError(
                    f"{request.name}: holds {', '.join(members) or 'no arrays'}; expected"
                    " 'depth', or one array alone"
                )
            value_name = (wanted or rest)[0]
            values = read_npy(
                _member(archive, members[value_name], request), f"{request.name}, {value_name}"
            )
            valid = None
            if masks:
                place = f"{request.name}, {masks[0]}"
                valid = read_npy_mask(_member(archive, members[masks[0]], request), place)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{request.name}: damaged .npz: {reason}; expected arrays") from error
    if valid is not None and valid.shape != values.shape:
        raise InputError(
            f"{request.name}: {value_name} of shape {values.shape} but {masks[0]} of"
            f" {valid.shape}; expected the same"
        )
    return map_or_rows(request, values, valid)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, request: Request) -> bytes:
    """Unpacked, but never more than a map may hold, whatever the archive says of itself."""
    with archive.open(info) as stream:
        data = stream.read(request.most_bytes + 1)
    if len(data) > request.most_bytes:
        raise InputError(
            f"{request.name}: {info.filename} unpacks to more than {request.most_bytes:,} bytes"
        )
    return data


def map_or_rows(request: Request, values: np.ndarray, valid: np.ndarray | None) -> Depth:
    """(h, w) of the picture's size, or rows of column, row, depth; errors as `from_map`."""
    if values.shape[1] == 3 and values.shape != request.size and valid is None:
        wide = values.astype(np.float64)
        refuse_negative(request, wide[:, 2])
        return from_pixels(request, wide[:, 0], wide[:, 1], wide[:, 2])
    return from_map(request, values.astype(np.float64), valid)


def _ours(request: Request, depth: Depth) -> Depth:
    """A map that explains itself; its own camera counts where none is better known."""
    values = np.where(depth.valid, depth.values, np.float32(0)).astype(np.float64)
    values[values == MISSING_CODE] = 0
    read = from_map(request, values)
    camera = best_known(request.intrinsics, depth.intrinsics)
    return replace(read, intrinsics=camera, provenance=depth.provenance)
