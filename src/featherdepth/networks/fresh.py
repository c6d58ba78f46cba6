"""The first weights of layers, as a function of a run's seed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from featherdepth.rng import derive


@contextmanager
def fresh_weights(seed: int, name: str) -> Iterator[None]:
    """Layers that are made inside draw their weights from `seed` and `name` alone.

    They draw from torch's own generator, which goes on behind the block as if nothing was drawn.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, name))
        yield
