"""Color maps as a few control points each; between them colors are interpolated linearly in sRGB.

Sources: Spectral is the eleven-class scheme of ColorBrewer (Cynthia Brewer), reversed; turbo is
by Anton Mikhailov (Apache-2.0); viridis, inferno and magma are by Nathaniel Smith and Stefan van
der Walt (CC0). These four are sampled at every eighth of 256 entries, which keeps each entry
within 3 of 255 levels of the full table.
"""

from functools import cache

import numpy as np
from jaxtyping import UInt8

from featherdepth.errors import UsageError

CONTROL_POINTS = {
    "Spectral_r": """
        5e4fa2 3288bd 66c2a5 abdda4 e6f598 ffffbf fee08b fdae61 f46d43 d53e4f 9e0142""",
    "turbo": """
        30123b 392a73 4040a2 4456c7 466be3 4680f6 4294ff 37a8fa 28bceb 1ccdd8 18ddc2
        1fe9af 32f298 4ef97d 6dfe62 8bff4b a4fc3c b9f635 cdec34 dfdf37 eecf3a f8be39
        fdac34 fe962b fb7e21 f46617 eb500e df3f08 d02f05 be2102 a91601 920b01 7a0403""",
    "inferno": """
        000004 040312 0b0724 150b37 210c4a 2f0a5b 3d0965 4a0c6b 57106e 64156e 71196e
        7d1e6d 8a226a 972766 a32c61 b0315b bc3754 c73e4c d24644 db503b e45a31 eb6628
        f1731d f68013 f98e09 fb9d07 fcac11 fbbc21 f9cb35 f5db4c f2ea69 f3f68a fcffa4""",
    "magma": """
        000004 030312 0a0822 130d34 1d1147 29115a 36106b 440f76 51127c 5d177f 6a1c81
        762181 832681 902a81 9c2e7f aa337d b73779 c43c75 d0416f dc4869 e75263 ef5d5e
        f56b5c f9795d fc8961 fd9869 fea772 feb67c fec488 fed395 fde2a3 fcf0b2 fcfdbf""",
    "viridis": """
        440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d
        2f6b8e 2c728e 297a8e 26828e 23898e 21918c 1f988b 1fa088 22a785 28ae80 32b67a
        3fbc73 4ec36b 5ec962 70cf57 84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725""",
    "gray": "000000 ffffff",
}


@cache
def palette(name: str) -> UInt8[np.ndarray, "256 3"]:
    """Return the table of a color map, from far (0) to near (255).

    Raises:
        UsageError: an unknown name.
    """
    if name not in CONTROL_POINTS:
        raise UsageError(f"unknown color map {name!r}; known: {', '.join(sorted(CONTROL_POINTS))}")
    colors = np.array([list(bytes.fromhex(c)) for c in CONTROL_POINTS[name].split()])
    entries = np.arange(256)
    # 33 points stand at 0, 8, ..., 248, 255; the others at even steps.
    places = np.linspace(0, 255, len(colors))
    if len(colors) == 33:
        places = np.minimum(np.arange(33) * 8, 255)
    channels = [np.interp(entries, places, colors[:, c]) for c in range(3)]
    table: UInt8[np.ndarray, "256 3"] = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    table.flags.writeable = False
    return table
