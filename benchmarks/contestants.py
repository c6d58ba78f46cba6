"""What people know, to be timed beside: architectures with random weights, each at its own size.

`depth_anything`, `dpt_hybrid` and `dpt_swin` are classes of transformers. `MidasSmall` is written
from Ranftl et al., Towards Robust Monocular Depth Estimation (TPAMI 2022), and its release v2.1.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.efficientnet_lite import EfficientNetLite
from featherdepth.runtime.intel import load_openvino


class MidasSmall(nn.Module):
    """EfficientNet-lite3 and four fusion blocks whose widths are halved on the way up."""

    size = 256

    def __init__(self) -> None:
        super().__init__()
        self.encoder = EfficientNetLite("lite3")
        widths = (64, 128, 256, 512)
        self.lateral = nn.ModuleList(
            nn.Conv2d(c, w, 3, padding=1, bias=False)
            for c, w in zip(self.encoder.channels, widths, strict=True)
        )
        self.fusions = nn.ModuleList(_Fusion(w, max(w // 2, 64)) for w in widths)
        self.head = nn.Sequential(
            nn.Conv2d(64, 32, 3, padding=1),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 1, 1),
            nn.ReLU(),
        )

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """RGB to disparity of no unit."""
        maps = [lateral(f) for lateral, f in zip(self.lateral, self.encoder(images), strict=True)]
        path = self.fusions[3](maps[3])
        for level in (2, 1, 0):
            path = self.fusions[level](path, maps[level])
        depth: Tensor = self.head(path)
        return depth


class _Fusion(nn.Module):
    """Adds what comes from below to a map, refines both, doubles the size."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.before, self.after = _residual(width), _residual(width)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.project = nn.Conv2d(width, outputs, 1)

    def forward(self, path: Tensor, skip: Tensor | None = None) -> Tensor:
        if skip is not None:
            path = path + skip + self.before(skip)
        depth: Tensor = self.project(self.up(path + self.after(path)))
        return depth


def _residual(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
    )


def midas_small() -> tuple[nn.Module, int]:
    """MiDaS v2.1 small."""
    return MidasSmall(), MidasSmall.size


def depth_anything() -> tuple[nn.Module, int]:
    """Depth-Anything-V2-Small."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    size = 518
    backbone = Dinov2Config(
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        image_size=size,
        patch_size=14,
        out_features=["stage3", "stage6", "stage9", "stage12"],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=384,
        neck_hidden_sizes=[48, 96, 192, 384],
        fusion_hidden_size=64,
        head_in_channels=64,
        head_hidden_size=32,
    )
    return DepthAnythingForDepthEstimation(config), size


def dpt_hybrid() -> tuple[nn.Module, int]:
    """DPT-Hybrid: ViT-Base behind a ResNet-50."""
    from transformers import DPTConfig, DPTForDepthEstimation

    config = DPTConfig(
        is_hybrid=True,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        backbone_out_indices=[2, 5, 8, 11],
        neck_hidden_sizes=[256, 512, 768, 768],
    )
    return DPTForDepthEstimation(config), 384


def dpt_swin() -> tuple[nn.Module, int]:
    """DPT-SwinV2-Tiny-256, the smallest of MiDaS 3.1."""
    from transformers import DPTConfig, DPTForDepthEstimation, Swinv2Config

    backbone = Swinv2Config(
        image_size=256,
        embed_dim=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
        window_size=16,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = DPTConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[96, 192, 384, 768],
        use_bias_in_fusion_residual=True,
    )
    return DPTForDepthEstimation(config), 256


CONTESTANTS: dict[str, Callable[[], tuple[nn.Module, int]]] = {
    "Depth-Anything-V2-Small": depth_anything,
    "MiDaS-small": midas_small,
    "DPT-SwinV2-Tiny": dpt_swin,
    "DPT-Hybrid": dpt_hybrid,
}
"""Builders by name: a network, and the edge of the square that it looks at."""


class DepthOnly(nn.Module):
    """A network's depth map, out of what classes of transformers return."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Tensor:
        found: Any = self.network(images)
        depth: Tensor = getattr(found, "predicted_depth", found)
        return depth


def openvino_call(network: nn.Module, batch: Tensor, threads: int) -> Callable[[], object]:
    """The network in float32 by OpenVINO, on the batch's own size."""
    openvino = load_openvino()
    with torch.no_grad():
        converted = openvino.convert_model(network, example_input=batch, input=[batch.shape])
    compiled = openvino.Core().compile_model(
        converted,
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads},
    )
    request, images = compiled.create_infer_request(), batch.numpy()
    return lambda: request.infer([images], share_outputs=True)
