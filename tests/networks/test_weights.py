"""Weights survive the folder within the rounding of fp16, and only fit their own network."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from featherdepth.errors import UsageError, WeightsError
from featherdepth.networks.build import build_network
from featherdepth.networks.folder import read_tensors, write_folder
from featherdepth.networks.weights import load_into, load_model, save_model
from featherdepth.types import DepthKind, Preset

PRESET = Preset(
    name="toy",
    network="small",
    kind=DepthKind.AFFINE_INVARIANT,
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
    params=0,
    macs=0,
    license="Apache-2.0",
)


@pytest.fixture(scope="module")
def module() -> nn.Module:
    torch.manual_seed(0)
    return build_network("small", mean=PRESET.mean, std=PRESET.std)


@pytest.fixture(scope="module")
def folder(module: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "toy"
    save_model(path, PRESET, module, "# toy\n")
    return path


def test_matrices_are_fp16_and_everything_else_float32(folder: Path, module: nn.Module) -> None:
    preset, tensors = read_tensors(folder)

    matrices = {k for k, p in module.named_parameters() if p.ndim >= 2}
    assert {k for k, v in tensors.items() if v.dtype == np.float16} == matrices
    assert {v.dtype.name for k, v in tensors.items() if k not in matrices} == {"float32"}
    assert "normalize.mean" in tensors and not any("num_batches" in k for k in tensors)
    assert preset.params == 3_456_977


def test_what_is_loaded_is_what_was_stored(folder: Path, module: nn.Module) -> None:
    preset, loaded = load_model(folder)

    assert preset.sha256 and not loaded.training
    state = loaded.state_dict()
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        half = tensor.ndim >= 2 and not name.startswith("normalize.")
        expected = tensor.half().float() if half else tensor
        torch.testing.assert_close(state[name], expected, rtol=0, atol=0)


def test_loading_into_a_module_equals_building_it(folder: Path) -> None:
    other = build_network("small", mean=PRESET.mean, std=PRESET.std)

    load_into(other, folder)

    for mine, loaded in zip(other.parameters(), load_model(folder)[1].parameters(), strict=True):
        assert torch.equal(mine, loaded)


def test_weights_of_another_network_are_refused_with_the_keys(folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"does not fit network 'small': misses .+ and \d+ more"):
        load_into(build_network("efficientnet-lite0"), folder)


def test_another_width_is_refused_with_both_shapes(folder: Path) -> None:
    wide = build_network("small", {"widths": [64, 96, 128]}, mean=PRESET.mean, std=PRESET.std)

    with pytest.raises(WeightsError, match=r"is \(.+\) where the network has \(.+\)"):
        load_into(wide, folder)


@pytest.fixture(scope="module")
def eight_bit(module: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same module in 8-bit storage."""
    path = tmp_path_factory.mktemp("weights") / "eight"
    save_model(path, PRESET, module, "# toy\n", storage="int8")
    return path


def test_8_bit_storage_takes_convolutions_and_leaves_the_rest(
    eight_bit: Path, folder: Path, module: nn.Module
) -> None:
    preset, tensors = read_tensors(eight_bit)

    convolutions = {k: m for k, m in module.named_modules() if isinstance(m, nn.Conv2d)}
    # A filter of the first layer has 27 weights, of a depthwise one 9 or 25.
    large = {k: m for k, m in convolutions.items() if m.weight[0].numel() >= 32}
    weights = {f"{name}.weight" for name in large}
    assert preset.storage == "int8" and (len(convolutions), len(weights)) == (57, 36)
    assert {k for k, v in tensors.items() if v.dtype == np.int8} == weights
    others = {k: v for k, v in read_tensors(folder)[1].items() if k not in weights}
    assert tensors.keys() == weights | {f"{k}.scale" for k in weights} | others.keys()
    for name, values in others.items():
        np.testing.assert_array_equal(tensors[name], values)
    size, halves = ((f / "model.safetensors").stat().st_size for f in (eight_bit, folder))
    assert size < 0.57 * halves


def test_8_bit_weights_are_loaded_as_whole_numbers_times_scales(
    eight_bit: Path, module: nn.Module
) -> None:
    stored = read_tensors(eight_bit)[1]

    preset, loaded = load_model(eight_bit)

    assert preset.params == 3_456_977
    for name, tensor in module.state_dict().items():
        if stored.get(name, np.empty(0)).dtype != np.int8:
            continue
        found, scale = loaded.state_dict()[name], torch.from_numpy(stored[f"{name}.scale"])
        assert found.dtype == torch.float32
        assert torch.equal(found, torch.from_numpy(stored[name]).float() * scale)
        assert ((found - tensor).abs() < scale).all()


class Mixed(nn.Module):
    """Tensors with two or more axes, of which one is worth 8 bits."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(32, 3)
        self.few = nn.Linear(31, 3)
        self.deep = nn.Conv2d(64, 64, 5, groups=64)
        self.up = nn.ConvTranspose2d(4, 3, 2)
        self.place = nn.Parameter(torch.rand(1, 3, 4))
        self.register_buffer("table", torch.rand(2, 2))


def test_only_large_filters_with_the_output_channel_in_front_are_8_bit(tmp_path: Path) -> None:
    save_model(tmp_path / "mixed", PRESET, Mixed(), "", storage="int8")
    save_model(tmp_path / "bare", PRESET, nn.Linear(40, 3), "", storage="int8")

    tensors = read_tensors(tmp_path / "mixed")[1]
    assert {k: v.dtype.name for k, v in tensors.items()} == {
        "line.weight": "int8",
        "line.weight.scale": "float32",
        "line.bias": "float32",
        "few.weight": "float16",
        "few.bias": "float32",
        "deep.weight": "float16",
        "deep.bias": "float32",
        "up.weight": "float16",
        "up.bias": "float32",
        "place": "float16",
        "table": "float32",
    }
    assert {"weight", "weight.scale", "bias"} == read_tensors(tmp_path / "bare")[1].keys()


def damage_scale(tensors: dict[str, np.ndarray], value: object) -> None:
    name = next(k for k in tensors if k.endswith(".scale"))
    tensors[name] = tensors[name].copy()
    tensors[name].flat[0] = value


@pytest.mark.parametrize(
    ("damage", "storage", "words"),
    [
        (lambda t: damage_scale(t, np.nan), "int8", r"weight\.scale holds .*; the file is damaged"),
        (lambda t: damage_scale(t, 0), "int8", "not above 0 and finite"),
        (lambda t: t.pop(next(k for k in t if k.endswith(".scale"))), "int8", "is missing"),
        (lambda t: t.pop(next(k for k in t if t[k].dtype == np.int8)), "int8", "of no 8-bit"),
        (lambda t: None, "fp16", "is 'fp16', but .* holds 8-bit weights"),
    ],
)
def test_damaged_8_bit_weights_are_one_line(
    damage, storage: str, words: str, eight_bit: Path, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    preset, tensors = read_tensors(eight_bit)
    damage(tensors)
    write_folder(tmp_path, replace(preset, storage=storage), tensors, "")

    with pytest.raises(WeightsError, match=words) as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_network_without_a_large_filter_is_stored_as_8_bit_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(tmp_path, PRESET, nn.Conv2d(3, 2, 1), "", storage="int8")
    monkeypatch.setattr(
        "featherdepth.networks.weights.build_network", lambda *a, **k: nn.Conv2d(3, 2, 1)
    )

    preset, loaded = load_model(tmp_path)

    assert preset.storage == "int8" and loaded.weight.shape == (2, 3, 1, 1)


def test_weights_that_are_named_stay_in_fp16(tmp_path: Path) -> None:
    layers = nn.Sequential(nn.Conv2d(32, 4, 1), nn.Conv2d(40, 4, 1))

    save_model(tmp_path, PRESET, layers, "", storage="int8", halves=["0.weight"])

    types = {name: tensor.dtype for name, tensor in read_tensors(tmp_path)[1].items()}
    assert (types["0.weight"], types["1.weight"]) == (np.float16, np.int8)
    assert "0.weight.scale" not in types


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_is_not_written_in_8_bits_either(value: float, tmp_path: Path) -> None:
    module = nn.Conv2d(32, 2, 1)
    with torch.no_grad():
        module.weight[0, 0] = value

    with pytest.raises(WeightsError, match=r"weight: .*nothing was written"):
        save_model(tmp_path / "bad", PRESET, module, "", storage="int8")
    assert not (tmp_path / "bad").exists()


def test_8_bits_hold_what_is_beyond_fp16(tmp_path: Path) -> None:
    module = nn.Conv2d(32, 2, 1)
    with torch.no_grad():
        module.weight[0, 0] = 1e5

    save_model(tmp_path, PRESET, module, "", storage="int8")

    scale = read_tensors(tmp_path)[1]["weight.scale"]
    assert scale[0].item() == pytest.approx(1e5 / 127)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e5])
def test_what_fp16_cannot_hold_is_not_written(value: float, tmp_path: Path) -> None:
    module = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        module.weight[0, 0] = value

    with pytest.raises(WeightsError, match=r"weight: .*nothing was written"):
        save_model(tmp_path / "bad", PRESET, module, "")
    assert not (tmp_path / "bad").exists()


def test_config_and_weights_must_agree_on_the_mean(module: nn.Module, tmp_path: Path) -> None:
    save_model(tmp_path, replace(PRESET, mean=(0.4, 0.5, 0.5)), module, "")

    with pytest.raises(WeightsError, match=r"mean in config\.json is"):
        load_model(tmp_path)


def test_a_network_that_does_not_exist_is_named(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"network": "smal"}))

    with pytest.raises(UsageError, match="unknown network 'smal'; did you mean 'small'"):
        load_model(tmp_path)
