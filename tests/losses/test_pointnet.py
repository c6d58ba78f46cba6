"""The PointNet trunk: exact counts, folding, its backward pass, and the shipped weights."""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from featherdepth.errors import WeightsError
from featherdepth.geometry.resize import resize_pixels
from featherdepth.images.read import read_image
from featherdepth.losses.box_rooms import box_rooms
from featherdepth.losses.geometric import Geometric
from featherdepth.losses.pointnet import (
    SHIPPED,
    VERSION,
    FrozenTrunk,
    PointNet,
    load_trunk,
    random_trunk,
    read_trunk,
    save_trunk,
)
from featherdepth.losses.positive_depth import fit_positive
from featherdepth.networks.weights import load_model
from featherdepth.runtime.presets import EMBEDDED
from featherdepth.types import DepthKind

DOCS = Path(__file__).parents[2] / "docs"


def rooms(count: int = 3, points: int = 200, seed: int = 0) -> torch.Tensor:
    return box_rooms(count, points, torch.Generator().manual_seed(seed))


def lively_trunk() -> PointNet:
    """A trunk whose BatchNorm and deviations a wrong folding would show."""
    trunk = random_trunk()
    generator = torch.Generator().manual_seed(5)
    for part in trunk.modules():
        if isinstance(part, nn.BatchNorm1d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_(0, 0.1, generator=generator)
            part.running_var.uniform_(0.5, 2, generator=generator)
            part.weight.uniform_(-1, 1, generator=generator)
            part.bias.normal_(0, 0.1, generator=generator)
    trunk.point_std.uniform_(0.2, 2, generator=generator)
    trunk.pooled_std.uniform_(0.2, 2, generator=generator)
    return trunk


@pytest.mark.parametrize(
    ("tnets", "count"),
    [
        ({}, 143_104),
        ({"input_tnet": True}, 143_104 + 803_081),
        ({"feature_tnet": True}, 143_104 + 1_857_344),
        ({"input_tnet": True, "feature_tnet": True}, 2_803_529),
    ],
)
def test_parameters_are_those_of_the_paper(tnets: dict[str, bool], count: int) -> None:
    assert sum(p.numel() for p in PointNet(**tnets).parameters()) == count


def test_tnets_begin_near_a_trunk_that_still_gives_features() -> None:
    features = PointNet(input_tnet=True, feature_tnet=True).eval()(rooms())

    assert features.points.shape == (3, 128, 200)
    assert features.pooled.shape == (3, 1024)
    with pytest.raises(ValueError, match="T-Nets"):
        FrozenTrunk(PointNet(input_tnet=True))


def test_an_untrained_tnet_that_predicts_zero_changes_nothing() -> None:
    with_tnet = PointNet(input_tnet=True).eval()
    for parameter in with_tnet.input_tnet.head[-1].parameters():  # type: ignore[union-attr, index]
        nn.init.zeros_(parameter)
    without = PointNet().eval()
    own = {k: v for k, v in with_tnet.state_dict().items() if not k.startswith("input_tnet")}
    without.load_state_dict(own)

    assert torch.equal(with_tnet(rooms()).pooled, without(rooms()).pooled)


def test_the_folded_trunk_equals_the_trunk_in_eval_mode() -> None:
    trunk = lively_trunk()
    cloud = rooms()

    expected, found = trunk(cloud), FrozenTrunk(trunk)(cloud)

    torch.testing.assert_close(found.points, expected.points, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.pooled, expected.pooled, atol=1e-5, rtol=1e-4)


def test_gradients_through_the_winning_points_are_those_through_all_points() -> None:
    trunk = lively_trunk().double()
    folded = FrozenTrunk(trunk)
    weights = torch.randn(1024, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    gradients = []
    for network in (trunk, folded):
        cloud = rooms().double().requires_grad_()
        features = network(cloud)
        ((features.pooled @ weights).sum() + features.points.square().sum()).backward()
        assert cloud.grad is not None
        gradients.append(cloud.grad)

    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-9, rtol=1e-7)


def test_gradient_agrees_with_differences() -> None:
    folded = FrozenTrunk(lively_trunk().double())
    cloud = rooms(2, 5).double().requires_grad_()

    def sums(points: torch.Tensor) -> torch.Tensor:
        features = folded(points)
        return torch.cat([features.points.sum((1, 2)), features.pooled.sum(1)])

    assert torch.autograd.gradcheck(sums, (cloud,))


def test_values_with_and_without_a_gradient_are_the_same() -> None:
    folded, cloud = load_trunk("random"), rooms()
    with torch.no_grad():
        plain = folded(cloud)

    differentiable = folded(cloud.clone().requires_grad_())

    assert torch.equal(plain.pooled, differentiable.pooled)
    assert torch.equal(plain.points, differentiable.points)


def test_the_order_of_points_changes_nothing_but_the_order() -> None:
    folded, cloud = load_trunk("random"), rooms()
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))

    found, expected = folded(cloud[:, order]), folded(cloud)

    torch.testing.assert_close(found.points, expected.points[:, :, order], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found.pooled, expected.pooled, atol=1e-6, rtol=1e-5)


def test_train_mode_and_training_of_others_leave_the_frozen_trunk_alone() -> None:
    folded, cloud = load_trunk("random"), rooms()
    before = folded(cloud).pooled

    folded.train()

    assert torch.equal(folded(cloud).pooled, before)
    assert not list(folded.parameters())
    assert not folded.state_dict()


def test_normalized_features_vary_by_one_over_the_clouds_they_were_normalized_by() -> None:
    trunk = lively_trunk()
    clouds = [rooms(16, 64, seed) for seed in (1, 2)]

    trunk.normalize_by(clouds)

    features = trunk(torch.cat(clouds))
    spread = features.pooled.std(dim=0)
    assert spread.max().item() == pytest.approx(1, abs=1e-4)
    assert spread.median().item() == pytest.approx(1, abs=1e-4)
    assert features.points.mT.flatten(0, 1).std(dim=0).median().item() == pytest.approx(1, abs=1e-4)


def test_a_channel_that_never_fires_is_not_blown_up() -> None:
    trunk = random_trunk()
    for norm in (trunk.second[1],):
        assert isinstance(norm, nn.BatchNorm1d)
        norm.bias[0] = -1e3

    trunk.normalize_by([rooms(16, 64)])

    assert trunk.point_std[0] == pytest.approx(0.1 * _mean_of_raw_point_std(trunk), rel=1e-3)


def _mean_of_raw_point_std(trunk: PointNet) -> float:
    raw = trunk(rooms(16, 64)).points * trunk.point_std[:, None]
    return raw.mT.flatten(0, 1).std(dim=0).mean().item()


def test_normalizing_in_train_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="eval"):
        PointNet().normalize_by([rooms()])


def test_random_weights_are_the_same_each_time_and_leave_the_global_stream_alone() -> None:
    state = torch.get_rng_state()
    first = random_trunk().third[0].weight  # type: ignore[union-attr]
    assert isinstance(first, torch.Tensor)

    generator = torch.Generator().manual_seed(0)
    expected = torch.empty(64, 3, 1).uniform_(-(3**-0.5), 3**-0.5, generator=generator)
    assert torch.equal(random_trunk().first[0].weight, expected)  # type: ignore[arg-type, union-attr]
    assert torch.equal(random_trunk().third[0].weight, first)  # type: ignore[arg-type, union-attr]
    assert torch.equal(torch.get_rng_state(), state)


def test_a_saved_trunk_comes_back(tmp_path: Path) -> None:
    trunk = lively_trunk()

    save_trunk(tmp_path / "trunk.safetensors", trunk, "noise")

    again = read_trunk(tmp_path / "trunk.safetensors")
    stored = {k: v for k, v in trunk.state_dict().items() if not k.endswith("num_batches_tracked")}
    for name, value in stored.items():
        expected = value.half().float() if value.ndim > 1 else value
        assert torch.equal(again.state_dict()[name], expected)
    assert not again.training
    assert not any(p.requires_grad for p in again.parameters())


def change(tensors: dict[str, np.ndarray], fault: str) -> dict[str, str]:
    """Make one fault; returns the metadata."""
    if fault == "missing":
        del tensors["first.0.bias"]
    if fault == "shape":
        tensors["first.0.bias"] = np.zeros(65, np.float32)
    if fault == "nan":
        tensors["first.0.bias"][0] = math.nan
    return {"version": "0" if fault == "version" else VERSION}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("missing", "not those"),
        ("shape", "not those"),
        ("nan", "NaN"),
        ("version", "version 0; expected"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(fault: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "trunk.safetensors"
    save_trunk(path, random_trunk(), "noise")
    tensors = load_file(path)
    save_file(tensors, path, metadata=change(tensors, fault))

    with pytest.raises(WeightsError, match=said):
        read_trunk(path)


def test_a_missing_or_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "trunk.safetensors"
    with pytest.raises(WeightsError, match="cannot read"):
        read_trunk(path)
    path.write_bytes(b"not tensors at all")
    with pytest.raises(WeightsError, match="cannot read"):
        read_trunk(path)


def test_the_shipped_trunk_is_the_one_that_was_measured() -> None:
    measured = json.loads((DOCS / "results/pointnet.json").read_text())

    assert hashlib.sha256(SHIPPED.read_bytes()).hexdigest() == measured["sha256"]
    assert measured["version"] == VERSION
    assert sum(p.numel() for p in read_trunk(SHIPPED).parameters()) == measured["parameters"]


def test_the_shipped_trunk_gives_the_stored_features() -> None:
    features = load_trunk()(golden_cloud())

    stored = json.loads((Path(__file__).parents[1] / "golden/pointnet.json").read_text())
    # Sums over 128 products in another order differ in the sixth digit.
    assert features.pooled[0, ::64].tolist() == pytest.approx(stored["pooled"], abs=1e-3)
    assert features.points[0, ::16, 7].tolist() == pytest.approx(stored["points"], abs=1e-3)


def golden_cloud() -> torch.Tensor:
    """A wall, slanted, 16 x 16 points: arithmetic only, the same with every library."""
    grid = torch.linspace(-0.5, 0.5, 16)
    y, x = torch.meshgrid(grid, grid, indexing="ij")
    rays = torch.stack([x, y, torch.ones_like(x)], dim=2)
    return ((0.6 + 0.4 * x + 0.1 * y)[..., None] * rays).reshape(1, 256, 3)


def test_features_of_the_shipped_trunk_are_about_one_apart_on_photos() -> None:
    clouds = photo_clouds()

    features = load_trunk()(clouds)

    # Twice the variance, if these were the clouds it was normalized by.
    first, second = torch.triu_indices(len(clouds), len(clouds), 1)
    apart = (features.pooled[first] - features.pooled[second]).square().mean().item()
    assert 0.2 < apart < 8
    assert 0.2 < features.points.mT.flatten(0, 1).std(dim=0).mean().item() < 4


def photo_clouds() -> torch.Tensor:
    """What the loss makes of the embedded network's maps of the photos in the docs."""
    network = load_model(EMBEDDED / "small")[1]
    paths = sorted((DOCS / "photos").glob("*.jpg"))[:6]
    pixels = [resize_pixels(read_image(path).pixels, (192, 256)) for path in paths]
    with torch.no_grad():
        maps = network(torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255)
    valid = torch.ones_like(maps, dtype=torch.bool)
    kind = DepthKind.AFFINE_INVARIANT
    loss = Geometric(Geometric.Config(points=1024, trunk="none"), kind=kind)
    pixel = loss.draw_pixels(maps, valid, [torch.Generator().manual_seed(k) for k in range(6)])
    rays = loss.rays_at(np.full((6, 4), np.nan), (192, 256), pixel)
    depth = fit_positive(maps, valid, kind=kind, epsilon=0.1)(maps.flatten(1).gather(1, pixel))
    return depth[..., None] * rays
