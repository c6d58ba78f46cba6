"""The trunk's training: what the clouds hold, and a whole small run."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tools.pointnet.__main__ import main
from tools.pointnet.balance import balance
from tools.pointnet.distort import FAULTS, FOCAL, Clouds, bent
from tools.pointnet.learn import mean_errors
from tools.pointnet.scenes import Scene, read_scenes
from tools.pointnet.sensitivity import CHANGES, sensitivity, teacher_clouds
from tools.render.write import write_frame, write_tables
from torch import nn

from featherdepth.errors import InputError
from featherdepth.losses.geometric import Geometric
from featherdepth.losses.pointnet import FrozenTrunk, random_trunk, read_trunk

SIZE = (24, 32)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Walls at slanted depths, written as the renderer writes its frames."""
    root = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(0)
    across, down = np.meshgrid(np.linspace(-1, 1, 32), np.linspace(-1, 1, 24))
    for index in range(22):
        slope = rng.uniform(-0.5, 0.5, 2)
        depth = rng.uniform(2, 8) * (1 + slope[0] * across + slope[1] * down)
        depth[:2] = 0  # unknown, as the sky is
        place = "indoor" if index % 2 else "outdoor"
        picture = np.full((*SIZE, 3), 128, np.uint8)
        write_frame(root, place, index, picture, depth, (30.0, 30.0, 15.5, 11.5))
    write_tables(root)
    return root


def two_levels() -> Scene:
    """Left half at 0.5, right half at 1."""
    depth = np.full((40, 40), 0.5, np.float32)
    depth[:, 20:] = 1
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, 40), np.linspace(-0.5, 0.5, 40))
    rays = np.stack([x, y, np.ones_like(x)], axis=2).astype(np.float32)
    return Scene(depth=depth, valid=np.ones((40, 40), bool), rays=rays)


def test_scenes_are_scaled_to_their_far_end_and_keep_their_rays(rendered: Path) -> None:
    scenes = read_scenes(rendered)

    assert len(scenes) == 22
    for scene in scenes:
        assert scene.depth.shape == (12, 16)
        assert not scene.valid[0].any()
        assert scene.valid[1:].all()
        assert np.quantile(scene.depth[scene.valid], 0.98) == pytest.approx(1, abs=0.03)
    # Pixels 0 and 2 of a row, from a camera with its center at 15.5 and a focal length of 30.
    assert scenes[0].rays[0, :2, 0].tolist() == pytest.approx([-15.5 / 30, -13.5 / 30])


def test_pictures_of_other_terms_are_refused(rendered: Path, tmp_path: Path) -> None:
    text = (rendered / "indoor/dataset.toml").read_text()
    for name in ("rgb", "depth"):
        (tmp_path / "indoor" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "indoor" / name).symlink_to(rendered / "indoor" / name)
    (tmp_path / "indoor/dataset.toml").write_text(text.replace("own renders", "research only"))

    with pytest.raises(InputError, match="own renders"):
        read_scenes(tmp_path)


def test_a_cloud_has_the_shift_and_focal_length_it_is_labelled_with() -> None:
    clouds = Clouds(scenes=[two_levels()], seed=0, size=16, points=200, roughness=0.0)

    batch = clouds(0, 0, 1)

    for points, faults in zip(batch["points"], batch["faults"], strict=True):
        shift, focal = faults[0].item(), faults[1].exp().item()
        assert faults[2:].tolist() == [0, 0]
        # z' = (z + shift) / far, far = 1 + shift: the near half comes to lie at 0.5 + 0.5 s,
        # where s = shift / far is the label.
        near, far = points[:, 2].min().item(), points[:, 2].max().item()
        assert far == pytest.approx(1, abs=1e-4)
        assert near == pytest.approx(0.5 + 0.5 * shift, abs=1e-4)
        rays = points[:, :2] / points[:, 2:]
        assert rays.abs().max().item() <= 0.5 / focal + 1e-4
        assert FOCAL[0] <= focal <= FOCAL[1]


def test_roughness_is_labelled_too() -> None:
    smooth, rough = (
        Clouds(scenes=[two_levels()], seed=0, size=16, points=200, roughness=p)(0, 0, 1)
        for p in (0.0, 1.0)
    )

    assert (rough["faults"][:, 2:] != 0).all()
    # Two levels stay two where nothing is rough.
    levels = [len(batch["points"][0, :, 2].round(decimals=4).unique()) for batch in (smooth, rough)]
    assert levels[0] == 2
    assert levels[1] > 50


def test_bending_runs_from_minus_to_plus_along_its_direction() -> None:
    rays = np.array([[-0.5, 0, 1], [0, 0, 1], [0.5, 0, 1]], np.float32)

    depth = bent(np.ones(3, np.float32), rays, 0.1, 0.0)

    assert depth.tolist() == pytest.approx([1.1, 0.9, 1.1])


def test_a_step_is_a_function_of_seed_and_step_and_splits_over_processes() -> None:
    clouds = Clouds(scenes=[two_levels()] * 3, seed=0, size=4, points=16)

    whole, again = clouds(5, 0, 1), clouds(5, 0, 1)
    second = clouds(5, 1, 2)

    assert torch.equal(whole["points"], again["points"])
    assert torch.equal(whole["points"][1::2], second["points"])
    assert not torch.equal(whole["points"], clouds(6, 0, 1)["points"])


def test_errors_stand_beside_those_of_the_best_constant() -> None:
    class Zero(nn.Module):
        def forward(self, points: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(points), len(FAULTS))

    clouds = Clouds(scenes=[two_levels()], seed=0, size=8, points=16)

    found = mean_errors(Zero(), clouds, 2, ["focal"])

    truth = torch.cat([clouds(k, 0, 1)["faults"] for k in (0, 1)])[:, 1]
    assert found == pytest.approx(
        {
            "focal": truth.abs().mean().item(),
            "focal_constant": (truth - truth.median()).abs().mean().item(),
        }
    )


def test_teacher_clouds_fill_the_assumed_range(rendered: Path) -> None:
    clouds = teacher_clouds(read_scenes(rendered), 64, 0)

    depth = clouds[..., 2]
    assert clouds.shape == (22, 64, 3)
    assert depth.min() > 0.05
    assert depth.max() < 1.5
    assert depth.amax(dim=1).mean().item() == pytest.approx(1, abs=0.1)


def test_every_change_moves_the_features(rendered: Path) -> None:
    rows = sensitivity(FrozenTrunk(random_trunk()), read_scenes(rendered)[:4], 64)

    assert list(rows) == list(CHANGES)
    assert all(row["points"] > 1e-4 and row["pooled"] > 1e-4 for row in rows.values())


def test_a_run_writes_weights_and_their_figures_and_resumes(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.pointnet.__main__.POINTS", 64)  # 4096 take seconds
    small = ["--steps", "4", "--batch", "4", "--points", "32", "--precision", "fp32"]
    command = [str(tmp_path / "run"), "--scenes", str(rendered), *small]

    assert main(command) == 0

    weights = tmp_path / "run/pointnet.safetensors"
    figures = json.loads((tmp_path / "run/pointnet.json").read_text())
    assert figures["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert figures["scenes"] == {
        "trained": 19,
        "held_out": 3,
        "materials": "own renders (class A)",
    }
    assert figures["steps"] == 4
    trunk = read_trunk(weights)
    assert (trunk.point_std != 1).all()
    assert main(command) == 6  # the folder holds a run
    weights.unlink()
    assert main([*command, "--resume"]) == 0
    again = read_trunk(weights).state_dict()
    for name, tensor in trunk.state_dict().items():
        # The deviations are sums over threads: their last bits may differ.
        torch.testing.assert_close(again[name], tensor, rtol=1e-4, atol=1e-6)


def test_the_shipped_weights_of_the_terms_are_about_in_balance_on_photos() -> None:
    # One photo says little: of the twelve the points of one weigh a third, of another three times.
    photos = sorted((Path(__file__).parents[2] / "docs/photos").glob("*.jpg"))[::3]

    rows = balance(photos)["gradient_norms"]

    row = rows["error 0.3"]
    assert row["lambda_in_equal"] * row["points"] == pytest.approx(row["channel_kl"])
    defaults = Geometric.Config()
    assert 0.3 < row["lambda_in_equal"] / defaults.lambda_in < 3
    assert 0.2 < row["lambda_feat_trained_equal"] / defaults.lambda_feat < 5
