"""Files as ENet, PENet and NLSPN were released load strictly; what does not fit is refused."""

import argparse
import logging
import sys
import types

import pytest
import torch

from featherdepth.errors import WeightsError
from featherdepth.networks.build import build_network
from featherdepth.networks.foreign import load_enet, load_foreign, load_nlspn, load_penet

LOADERS = {"enet": load_enet, "penet-c2": load_penet, "nlspn": load_nlspn}
CONSTANTS = {
    "enet": (),
    "penet-c2": ("encoder3", "encoder5", "encoder7"),
    "nlspn": ("prop_layer.w", "prop_layer.b", "prop_layer.w_conf"),
}
TRAINING_ONLY = {
    "att_12.0.weight": torch.ones(2, 128, 3, 3),
    "att_12.1.num_batches_tracked": torch.tensor(4),
    "dimhalf_s2.0.weight": torch.ones(64, 128, 1, 1),
}


@pytest.fixture(scope="module")
def invented(released_shapes):
    """Random tensors of a released file, one value for each output channel to keep it small."""

    def invent(name):
        generator = torch.Generator().manual_seed(1)
        return {
            key: torch.rand(shape[:1] or (1,), generator=generator)
            .reshape(shape[:1] + [1] * (len(shape) - 1))
            .expand(shape)
            if not key.endswith("num_batches_tracked")
            else torch.tensor(7)
            for key, shape in released_shapes[name].items()
        }

    return invent


@pytest.fixture
def meta():
    def build(name):
        with torch.device("meta"):
            return build_network(name)

    return build


@pytest.fixture
def result(monkeypatch):
    """What PENet's training leaves in its checkpoints: plain numbers in a class of its own."""
    module = types.ModuleType("metrics")
    module.Result = type("Result", (), {"__module__": "metrics"})
    monkeypatch.setitem(sys.modules, "metrics", module)
    value = module.Result()
    value.rmse, value.delta1 = float("inf"), 0
    return value


def test_a_training_checkpoint_of_enet_fills_every_tensor(tmp_path, invented, result):
    state = invented("enet")
    path = tmp_path / "e.pth.tar"
    torch.save(
        {
            "epoch": 29,
            "model": state,
            "best_result": result,
            "optimizer": {"state": {}, "param_groups": []},
            "args": argparse.Namespace(network_model="e"),
        },
        path,
    )

    network, outcome = load_foreign("enet", path)

    assert (outcome.loaded, outcome.missing, outcome.unexpected) == (384, (), ())
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    assert not network.training


def test_the_released_file_of_penet_lacks_the_fixed_kernels_and_has_dead_layers(
    tmp_path, invented, caplog
):
    state = invented("penet-c2")
    released = {k: v for k, v in state.items() if not k.startswith("encoder")} | TRAINING_ONLY
    path = tmp_path / "p.pth.tar"
    torch.save({"model": {"module." + k: v for k, v in released.items()}}, path)

    with caplog.at_level(logging.INFO):
        network, outcome = load_foreign("penet-c2", path)

    assert outcome.loaded == 444
    assert outcome.missing == CONSTANTS["penet-c2"]
    assert outcome.unexpected == tuple(TRAINING_ONLY)
    message = (
        "444 loaded; encoder3, encoder5, encoder7 not in the file; att_12, dimhalf_s2 not used"
    )
    assert str(outcome) == message
    assert f"p.pth.tar: {message}" in caplog.messages
    own = network.state_dict()
    assert all(torch.equal(own[k], state[k]) for k in released.keys() & own.keys())
    assert network.encoder3.sum() == 9


def test_the_released_file_of_nlspn_fills_every_tensor(tmp_path, invented):
    state = invented("nlspn")
    path = tmp_path / "n.pt"
    torch.save({"net": state, "args": argparse.Namespace(legacy=True)}, path)

    network, outcome = load_foreign("nlspn", path, {"variant": "published"})

    assert (outcome.loaded, outcome.missing, outcome.unexpected) == (274, (), ())
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    assert network.prop_layer.steps_of_depth == 1


@pytest.mark.parametrize("name", ["penet-c2", "nlspn"])
def test_other_values_of_the_constants_are_told(tmp_path, invented, caplog, name):
    state = invented(name)
    path = tmp_path / "x.pth"
    torch.save(state, path)
    network = Constants(state, CONSTANTS[name])

    LOADERS[name](network, path)

    assert f"{', '.join(CONSTANTS[name])} differ from the constants" in caplog.text


def test_the_constants_themselves_are_not_told(tmp_path, invented, caplog):
    state = invented("nlspn")
    state |= {name: torch.ones_like(state[name]) for name in CONSTANTS["nlspn"]}
    path = tmp_path / "x.pth"
    torch.save(state, path)

    load_nlspn(Constants(state, CONSTANTS["nlspn"]), path)

    assert not caplog.messages


class Constants(torch.nn.Module):
    """Named as in a file, with constants of 1 and everything else shared with the file."""

    def __init__(self, state, constants):
        super().__init__()
        for key, tensor in state.items():
            *parents, leaf = key.split(".")
            module = self
            for parent in parents:
                if parent not in dict(module.named_children()):
                    module.add_module(parent, torch.nn.Module())
                module = module.get_submodule(parent)
            value = torch.ones(tensor.shape) if key in constants else tensor.clone()
            module.register_buffer(leaf, value)


def without(key):
    return lambda state: state.pop(key)


def with_more(key, tensor=None):
    return lambda state: state.update({key: torch.ones(1) if tensor is None else tensor})


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("enet", without("depth_layer3.bn2.bias"), "depth_layer3.bn2.bias is missing"),
        ("enet", with_more("att_12.0.weight"), "att_12.0.weight is unknown"),
        ("enet", with_more("encoder3"), "encoder3 is unknown"),
        (
            "enet",
            with_more("rgb_conv_init.0.weight", torch.ones(32, 3, 5, 5)),
            r"rgb_conv_init.0.weight is \(32, 3, 5, 5\), expected \(32, 4, 5, 5\)",
        ),
        ("penet-c2", without("mask_layer_s2.0.weight"), "mask_layer_s2.0.weight is missing"),
        ("penet-c2", with_more("att_34.0.weight"), "att_34.0.weight is unknown"),
        ("penet-c2", with_more("dimhalf_s3.0.weight"), "dimhalf_s3.0.weight is unknown"),
        ("penet-c2", with_more("encoder9"), "encoder9 is unknown"),
        (
            "penet-c2",
            with_more("encoder3", torch.ones(9, 9)),
            r"encoder3 is \(9, 9\), expected \(9, 9, 3, 3\)",
        ),
        ("nlspn", without("prop_layer.w_conf"), "prop_layer.w_conf is missing"),
        ("nlspn", without("prop_layer.aff_scale_const"), "prop_layer.aff_scale_const is missing"),
        ("nlspn", with_more("conv7.0.weight"), "conv7.0.weight is unknown"),
    ],
)
def test_anything_else_is_refused(tmp_path, invented, meta, name, change, message):
    state = invented(name)
    change(state)
    path = tmp_path / "x.pth"
    torch.save({"net" if name == "nlspn" else "model": state}, path)

    with pytest.raises(WeightsError, match=rf"x\.pth: does not fit: {message}") as caught:
        LOADERS[name](meta(name), path)

    assert "\n" not in str(caught.value)


def test_the_file_of_another_network_is_refused(tmp_path, invented, meta):
    path = tmp_path / "x.pth"
    torch.save({"model": invented("enet")}, path)

    with pytest.raises(WeightsError, match="0 of 447 names match"):
        load_penet(meta("penet-c2"), path)


def test_counters_of_batches_may_be_absent(tmp_path, invented):
    state = {k: v for k, v in invented("nlspn").items() if "num_batches_tracked" not in k}
    path = tmp_path / "n.pt"
    torch.save({"net": state}, path)

    _, outcome = load_foreign("nlspn", path)

    assert outcome.loaded == len(state)
    assert all("num_batches_tracked" in name for name in outcome.missing)
