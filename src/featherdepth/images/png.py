"""PNG files of depth maps and of their colors, written in half of Pillow's time.

Pillow tries every filter of the format on every row. Depth is smooth, and one filter serves all of
it: the difference to the row above. Files come out smaller, maps of a network's size 5 % larger.
"""

import io
import struct
import zlib

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL.PngImagePlugin import PngInfo, putchunk

SMALL = 1 << 18
"""Pixels: a map at a network's own size."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _RGB = 0, 2
_UP = 2
"""The filter by its number in the format: each byte less the one above."""
_WINDOW, _MEMORY = 15, 9


def png_bytes(
    pixels: UInt16[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"], texts: dict[str, str]
) -> bytes:
    """A PNG of 16-bit grays or of 8-bit RGB.

    Args:
        texts: what is said in the file, by keyword.
    """
    height, width = pixels.shape[:2]
    depth, color = (16, _GRAY) if pixels.ndim == 2 else (8, _RGB)
    file = io.BytesIO()
    file.write(_SIGNATURE)
    putchunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    for name, content, *_ in info.chunks:
        putchunk(file, name, content)
    putchunk(file, b"IDAT", _deflated(_filtered(pixels), small=height * width <= SMALL))
    putchunk(file, b"IEND", b"")
    return file.getvalue()


def _filtered(pixels: UInt16[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"]) -> np.ndarray:
    """Rows as the format has them: the number of their filter, then bytes, high before low."""
    big = pixels.astype(pixels.dtype.newbyteorder(">"), order="C", copy=False)
    raw = big.view(np.uint8).reshape(len(pixels), -1)
    rows = np.empty((len(raw), raw.shape[1] + 1), dtype=np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = raw[0]
    np.subtract(raw[1:], raw[:-1], out=rows[1:, 1:])
    return rows


def _deflated(rows: np.ndarray, *, small: bool) -> bytes:
    # Between neighbors of a small map there is noise: looking for strings that come again takes
    # twice as long and finds none. A map enlarged to a photo of 12 megapixels has them.
    strategy = zlib.Z_RLE if small else zlib.Z_DEFAULT_STRATEGY
    stream = zlib.compressobj(1, zlib.DEFLATED, _WINDOW, _MEMORY, strategy)
    return stream.compress(rows.data) + stream.flush()
