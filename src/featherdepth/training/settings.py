"""The settings of the engine, as a recipe gives them."""

import math
from dataclasses import dataclass, field

from featherdepth.training.precision import Precision

WITHOUT_EFFECT = frozenset(
    {"log_every", "validate_every", "checkpoint_every", "keep", "tensorboard"}
)
"""Keys of a recipe that may differ when a run resumes: no weight depends on them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopConfig:
    """How a model is trained; nothing here depends on what it is trained for."""

    steps: int
    lr: float = 1e-3
    """Highest learning rate."""
    rates: dict[str, float] = field(default_factory=dict)
    """Parts of the model at their own multiple of `lr`, as in {"encoder": 0.3}; 0 freezes, with the
    statistics of BatchNorm."""
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.999)
    warmup: int = 0
    """Steps until `lr` is reached."""
    final: float = 0.01
    """Fraction of `lr` at the end of the cosine."""
    clip: float | None = 1.0
    """Highest joint norm of the gradients; inf for no limit."""
    ema: float = 0.999
    """Decay of the averaged weights, which are what is validated and saved; 0 for the newest."""
    precision: Precision = "auto"
    channels_last: bool = True
    freeze_batchnorm: bool = False
    """BatchNorm keeps its statistics (needed below four images a process)."""
    log_every: int = 20
    validate_every: int = 0
    """0: only at the end."""
    watch: str = ""
    """Figure of validation that says which weights are the best and stay: of delta1 the highest, of
    all others the lowest. Without one the newest stay."""
    patience: int = 0
    """Validations in a row without a better figure after which the run stops; 0 for never."""
    checkpoint_every: int = 500
    keep: int = 3
    """Checkpoints that stay, at least 2."""
    tensorboard: bool = True

    def __post_init__(self) -> None:
        for name in ("steps", "lr", "log_every", "checkpoint_every"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be above 0 and finite, got {getattr(self, name)}")
        for name in ("weight_decay", "warmup", "final", "validate_every", "patience"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name} must not be below 0, and finite, got {getattr(self, name)}"
                )
        for part, rate in self.rates.items():
            if not 0 <= rate < math.inf:
                raise ValueError(f"rates: {part!r} must not be below 0, got {rate}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must be in [0, 1), got {list(self.betas)}")
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema must be in [0, 1), got {self.ema}")
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip must be above 0, got {self.clip}; inf is no limit")
        if self.clip == math.inf:
            # Kept as JSON can hold it: this stands in run.json and in checkpoints.
            object.__setattr__(self, "clip", None)
        if self.patience and not (self.watch and self.validate_every):
            raise ValueError("patience needs a figure to watch and validate_every above 0")
        if self.keep < 2:
            raise ValueError(f"keep must be at least 2, got {self.keep}")
