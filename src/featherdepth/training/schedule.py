"""The learning rate as a function of the step: linear warm-up, then half a cosine.

    factor(k) = (k + 1) / warmup                                        k < warmup
              = final + (1 - final) * (1 + cos(pi * p)) / 2             else
    p         = (k - warmup) / (steps - warmup)

(Loshchilov and Hutter, "SGDR", 2017, one cycle without restart.)
"""

import math


def rate_factor(step: int, *, steps: int, warmup: int, final: float) -> float:
    """What the base rate is multiplied by in step `step` (0 is the first), in (0, 1].

    Args:
        steps: length of the run.
        warmup: steps until the full rate is reached, 0 for none.
        final: the fraction of the base rate that is left at the end.
    """
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, steps - warmup))
    return final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2
