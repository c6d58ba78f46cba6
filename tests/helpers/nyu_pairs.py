"""Three small pairs in the shapes of NYUv2: no two pictures and no two depths are alike."""

import numpy as np

COUNT, HEIGHT, WIDTH = 3, 6, 8


def pictures() -> np.ndarray:
    count = COUNT * HEIGHT * WIDTH * 3
    return (np.arange(count) % 251).astype(np.uint8).reshape(COUNT, HEIGHT, WIDTH, 3)


def depths() -> np.ndarray:
    steps = np.arange(COUNT * HEIGHT * WIDTH, dtype=np.float32)
    return 1 + steps.reshape(COUNT, HEIGHT, WIDTH) / 64
