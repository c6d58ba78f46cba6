"""What a real camera adds: exposure, white balance, blur, vignette, noise, tone curve."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The random settings of one frame."""

    exposure: float  # brightness the middle of the picture is brought to, linear
    balance: tuple[float, float, float]
    saturation: float
    contrast: float
    blur: float  # sigma in pixels of a 320-pixel-wide picture
    smear: float  # length of a motion blur along x, same pixels
    vignette: float
    noise: float  # standard deviation at middle grey
    seed: int


def random_look(rng: np.random.Generator, seed: int, indoor: bool) -> Look:
    """Rooms are often dim, warm and noisy; outdoors is brighter and cleaner."""
    warm = rng.normal(0.03 if indoor else 0.0, 0.07)
    tint = rng.normal(0, 0.03)
    return Look(
        exposure=float(np.exp(rng.normal(np.log(0.22 if indoor else 0.26), 0.45))),
        balance=(1 + warm, 1 + tint, 1 - warm),
        saturation=float(rng.uniform(0.75, 1.25)),
        contrast=float(rng.uniform(0.85, 1.2)),
        blur=float(rng.choice([0.45, rng.uniform(0.5, 0.9)])),
        smear=float(rng.uniform(1, 4)) if rng.random() < 0.08 else 0.0,
        vignette=float(rng.uniform(0, 0.35)),
        noise=float(rng.exponential(0.012) if indoor else rng.exponential(0.006)),
        seed=seed,
    )


def _kernel(look: Look, width: int) -> Float[Tensor, "1 1 k k"]:
    """Gaussian times an optional horizontal line."""
    scale = width / 320
    sigma = look.blur * scale
    size = max(2, round(3 * sigma + look.smear * scale / 2))
    at = torch.arange(-size, size + 1, dtype=torch.float32)
    column = torch.exp(-0.5 * (at / sigma) ** 2)
    row = torch.exp(-0.5 * ((at.abs() - look.smear * scale / 2).clamp(min=0) / sigma) ** 2)
    kernel = column[:, None] * row
    return (kernel / kernel.sum())[None, None]


def develop(linear: Float[Tensor, "b 3 h w"], looks: list[Look]) -> UInt8[Tensor, "b 3 h w"]:
    """Scene light to stored pixels, frame by frame."""
    h, w = linear.shape[2:]
    y = torch.linspace(-1, 1, h, device=linear.device)[:, None]
    x = torch.linspace(-1, 1, w, device=linear.device)
    corner = (x * x + y * y) / 2
    done = []
    for frame, look in zip(linear, looks, strict=True):
        luminance = frame.mean(0).clamp(1e-4, 50)
        level = torch.exp(torch.log(luminance).mean()) * 0.5 + luminance.median() * 0.5
        # White walls in full light come out bright, not burnt; panes and lamps still burn.
        level = torch.maximum(level, luminance.flatten()[::7].quantile(0.75) * look.exposure / 0.75)
        light = (frame * (look.exposure / level)).clamp(max=6)  # lights bleed only so far
        kernel = _kernel(look, w).to(light.device)
        side = kernel.shape[-1] // 2
        light = F.conv2d(F.pad(light[:, None], (side,) * 4, mode="replicate"), kernel)[:, 0]
        light = light * (1 - look.vignette * corner)
        light = light * light.new_tensor(look.balance)[:, None, None]
        grey = light.mean(0, keepdim=True)
        light = (grey + (light - grey) * look.saturation).clamp(min=0)
        shown = (light / (1 + 0.15 * light)).clamp(0, 1) ** (1 / 2.2)  # soft shoulder, sRGB-like
        shown = 0.5 + (shown - 0.5) * look.contrast
        generator = torch.Generator(device=light.device).manual_seed(look.seed)
        grain = torch.randn(shown.shape, generator=generator, device=light.device)
        shown = shown + look.noise * grain * (1.3 - 0.6 * shown)
        done.append((shown.clamp(0, 1) * 255).round().to(torch.uint8))
    return torch.stack(done)
