"""Named random streams from one root seed.

`derive(seed, "views", 17)` hashes the names, so a new consumer or a restart never shifts the
numbers that another stream draws: step 17 sees the same numbers whether or not steps 0..16 ran
before it in the same process.
"""

import hashlib

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the stream that `names` call, the same on every machine."""
    # Names of files need not be UTF-8; those that are give the same bytes as ever.
    text = "/".join([str(seed), *map(str, names)])
    digest = hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator for the stream that `names` call."""
    return np.random.default_rng(derive(seed, *names))
