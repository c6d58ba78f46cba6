"""Tiny depth models of transformers with random weights, saved as their real files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

Build = Callable[[], tuple[nn.Module, dict[str, Any]]]

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALVES = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


def dinov2(edge: int, patch: int, **changes: Any) -> Any:
    from transformers import Dinov2Config

    settings = {
        "image_size": edge,
        "patch_size": patch,
        "hidden_size": 16,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "mlp_ratio": 1,
    }
    return Dinov2Config(**(settings | changes))


def depth_anything(**changes: Any) -> tuple[nn.Module, dict[str, Any]]:
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

    stages = {"out_indices": [1, 2, 3, 4], "reshape_hidden_states": False}
    config = DepthAnythingConfig(
        backbone_config=dinov2(70, 14, **stages),
        reassemble_hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
        **changes,
    )
    model = DepthAnythingForDepthEstimation(config)
    table = {
        "image_processor_type": "DPTImageProcessor",
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "do_pad": False,
        "ensure_multiple_of": 14,
        "keep_aspect_ratio": True,
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"height": 70, "width": 70},
        "size_divisor": None,
    }
    return model, table | IMAGENET


def dpt(**changes: Any) -> tuple[nn.Module, dict[str, Any]]:
    from transformers import DPTConfig, DPTForDepthEstimation

    config = DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=64,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        **changes,
    )
    model = DPTForDepthEstimation(config)
    table = {
        "feature_extractor_type": "DPTFeatureExtractor",  # as published years ago
        "do_normalize": True,
        "do_resize": True,
        "ensure_multiple_of": 1,
        "keep_aspect_ratio": False,
        "resample": 2,
        "size": 64,
    }
    return model, table | HALVES


def zoedepth(heads: int = 1) -> tuple[nn.Module, dict[str, Any]]:
    from transformers import BeitConfig, ZoeDepthConfig, ZoeDepthForDepthEstimation

    backbone = BeitConfig(
        image_size=64,
        patch_size=16,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    bins = [
        {"name": "nyu", "n_bins": 4, "min_depth": 1e-3, "max_depth": 10.0},
        {"name": "kitti", "n_bins": 4, "min_depth": 1e-3, "max_depth": 80.0},
    ]
    config = ZoeDepthConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        bottleneck_features=8,
        num_relative_features=4,
        num_attractors=[2, 2, 2, 1],
        bin_embedding_dim=8,
        bin_configurations=bins[:heads],
        num_patch_transformer_layers=4,
        patch_transformer_hidden_size=128,
        patch_transformer_intermediate_size=16,
        patch_transformer_num_attention_heads=4,
    )
    table = {
        "image_processor_type": "ZoeDepthImageProcessor",
        "do_pad": True,
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "ensure_multiple_of": 32,
        "keep_aspect_ratio": True,
        "resample": 2,
        "size": {"height": 64, "width": 96},
    }
    return ZoeDepthForDepthEstimation(config), table | HALVES


def glpn() -> tuple[nn.Module, dict[str, Any]]:
    from transformers import GLPNConfig, GLPNForDepthEstimation

    config = GLPNConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 8, 8],
        num_attention_heads=[1, 1, 1, 1],
        mlp_ratios=[1, 1, 1, 1],
        decoder_hidden_size=8,
    )
    table = {
        "feature_extractor_type": "GLPNFeatureExtractor",
        "do_rescale": True,
        "do_resize": True,
        "resample": 2,
        "size_divisor": 32,
    }
    return GLPNForDepthEstimation(config), table


def depth_pro(**changes: Any) -> tuple[nn.Module, dict[str, Any]]:
    from transformers import DepthProConfig, DepthProForDepthEstimation

    encoder = dinov2(16, 4)
    settings = {
        "patch_size": 16,
        "fusion_hidden_size": 8,
        "intermediate_hook_ids": [3, 1],
        "intermediate_feature_dims": [8, 8],
        "scaled_images_ratios": [0.5, 1.0],
        "scaled_images_overlap_ratios": [0.0, 0.5],
        "scaled_images_feature_dims": [8, 8],
        "merge_padding_value": 1,
        "image_model_config": encoder,
        "patch_model_config": dinov2(16, 4),
        "fov_model_config": dinov2(16, 4),
        "use_fov_model": True,
        "num_fov_head_layers": 1,
    }
    model = DepthProForDepthEstimation(DepthProConfig(**(settings | changes)))
    table = {
        "image_processor_type": "DepthProImageProcessorFast",
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "resample": 2,
        "rescale_factor": 1 / 255,
        "size": {"height": 32, "width": 32},
    }
    return model, table | HALVES


def enlivened(model: nn.Module) -> nn.Module:
    """With weights so large that every part of a picture shows in the map."""
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, 0, parameter[0].numel() ** -0.5)
        elif name in LAST_BIASES:
            nn.init.constant_(parameter, LAST_BIASES[name])
    return model


LAST_BIASES = {
    "head.conv3.bias": 1.0,  # ReLU follows
    "head.head.4.bias": 1.0,
    "head.layers.4.bias": 3.0,
    "fov_model.head.layers.0.bias": 1.0,
    "fov_model.head.layers.2.bias": 60.0,  # degrees
}

FAMILIES: dict[str, Build] = {
    "depth_anything": depth_anything,
    "depth_anything_metric": lambda: depth_anything(depth_estimation_type="metric", max_depth=20),
    "dpt": dpt,
    "zoedepth": zoedepth,
    "zoedepth_two": lambda: zoedepth(heads=2),
    "glpn": glpn,
    "depth_pro": depth_pro,
}


@pytest.fixture(scope="session")
def hub_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model by a key of FAMILIES; not to be written into."""
    made: dict[str, Path] = {}

    def make(family: str) -> Path:
        if family not in made:
            with torch.random.fork_rng():
                torch.manual_seed(0)
                model, table = FAMILIES[family]()
                enlivened(model)
            folder = tmp_path_factory.mktemp("hub") / family
            model.save_pretrained(folder)
            (folder / "preprocessor_config.json").write_text(json.dumps(table))
            made[family] = folder
        return made[family]

    return make


@pytest.fixture
def photo() -> Callable[[int, int], np.ndarray]:
    """A picture of a size with structure at every scale, the same in every run."""

    def make(height: int, width: int) -> np.ndarray:
        generator = np.random.default_rng(height * 10_000 + width)
        smooth = np.linspace(0, 200, height * width * 3).reshape(height, width, 3)
        return (smooth + generator.integers(0, 55, (height, width, 3))).astype(np.uint8)

    return make
