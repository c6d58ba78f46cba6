"""Portable float maps: `Pf`, width and height, a scale whose sign is the byte order, then rows.

Rows are stored from the bottom up.
"""

import math
import re

import numpy as np
from jaxtyping import Float32

from featherdepth.errors import InputError

HEADER = re.compile(rb"(P[Ff])\s+(\d{1,7})\s+(\d{1,7})\s+([-+.\deE]{1,20})[\r ]*\n")


def read_pfm(data: bytes, name: str) -> Float32[np.ndarray, "h w"]:
    """One channel, first row on top; infinite where nothing is known.

    Raises:
        InputError: not a gray PFM, or not as long as its header says.
    """
    header = HEADER.match(data)
    if header is None or header[1] == b"PF":
        raise InputError(f"{name}: starts with {data[:12]!r}; expected a PFM of one channel ('Pf')")
    width, height = int(header[2]), int(header[3])
    try:
        scale = float(header[4])
    except ValueError:
        scale = math.nan
    if not math.isfinite(scale) or scale == 0:
        raise InputError(f"{name}: scale {header[4].decode()!r}; its sign says the byte order")
    body = len(data) - header.end()
    if width < 1 or height < 1 or body != 4 * width * height:
        raise InputError(
            f"{name}: {body} bytes behind the header for {width}x{height} pixels; expected"
            f" {4 * width * height}: the file is cut or damaged"
        )
    rows = np.frombuffer(data, "<f4" if scale < 0 else ">f4", offset=header.end())
    return rows.reshape(height, width)[::-1].astype(np.float32)
