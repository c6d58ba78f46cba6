"""Placeholder."""
import numpy as np
from tools.render.scene import Builder
from tools.render.textures import Bank
def build_outdoor(rng: np.random.Generator, bank: Bank) -> Builder:
    raise NotImplementedError
