"""Released checkpoints load in every container they come in, and say what became of them."""

import argparse
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from featherdepth.errors import UsageError, WeightsError
from featherdepth.networks.build import build_network
from featherdepth.networks.foreign import load_foreign, load_leres, load_topformer
from featherdepth.networks.topformer import TopFormer

CHECKPOINTS = Path(__file__).parents[1] / "golden" / "checkpoints"


def invented(name):
    """Tensors with the names and shapes of a released checkpoint."""
    shapes = json.loads((CHECKPOINTS / f"{name}.json").read_text())
    generator = torch.Generator().manual_seed(0)
    return {
        key: torch.zeros((), dtype=torch.int64)
        if key.endswith("num_batches_tracked")
        else torch.rand(shape, generator=generator)
        for key, shape in shapes.items()
    }


def prefixed(state, prefix):
    return {prefix + key: tensor for key, tensor in state.items()}


@pytest.fixture(scope="module")
def tiny():
    return invented("topformer_tiny")


def test_the_released_leres_file_fills_every_tensor_of_the_network(tmp_path):
    state = invented("leres_res50")
    path = tmp_path / "res50.pth"
    torch.save(
        {"depth_model": prefixed(state, "module."), "shift_model": {"a": torch.ones(1)}}, path
    )

    network, outcome = load_foreign("leres-resnet50", path)

    assert outcome.loaded == len(state) == 406
    assert outcome.missing == ("normalize.mean", "normalize.std")
    assert outcome.unexpected == ()
    own = network.state_dict()
    for key, tensor in state.items():
        name = key.removeprefix("depth_model.").replace("encoder_modules.", "")
        assert torch.equal(own[name.replace("decoder_modules", "decoder")], tensor), key


class Little(nn.Module):
    """Named like the LeReS network, without its size."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.BatchNorm2d(2), nn.Conv2d(1, 1, 1)


LITTLE = {
    "depth_model.encoder_modules.encoder.weight": torch.rand(2),
    "depth_model.encoder_modules.encoder.bias": torch.rand(2),
    "depth_model.encoder_modules.encoder.running_mean": torch.rand(2),
    "depth_model.encoder_modules.encoder.running_var": torch.rand(2),
    "depth_model.encoder_modules.encoder.num_batches_tracked": torch.tensor(5),
    "depth_model.decoder_modules.weight": torch.rand(1, 1, 1, 1),
    "depth_model.decoder_modules.bias": torch.rand(1),
}
AUXILIARY = {"depth_model.auxi_modules.outconv.weight": torch.ones(3)}


@pytest.mark.parametrize(
    "container",
    [
        {"depth_model": LITTLE, "focal_model": {"a": torch.ones(1)}},
        {
            "step": 1,
            "scheduler": {"last_epoch": 1},
            "model_state_dict": prefixed(LITTLE | AUXILIARY, "module."),
            "optimizer": {"state": {}, "param_groups": []},
        },
        LITTLE,
        {key.removeprefix("depth_model."): tensor for key, tensor in LITTLE.items()},
        {key: tensor for key, tensor in LITTLE.items() if "num_batches" not in key},
    ],
    ids=["released", "training", "bare", "bare without the outer name", "without counters"],
)
def test_leres_weights_load_from_every_container(tmp_path, container):
    path = tmp_path / "c.pth"
    torch.save(container, path)
    network = Little()

    outcome = load_leres(network, path)

    assert outcome.loaded + len(outcome.missing) == len(LITTLE)
    assert all("num_batches_tracked" in name for name in outcome.missing)
    assert outcome.unexpected == (
        ("auxi_modules.outconv.weight",) if "optimizer" in container else ()
    )
    own = list(network.state_dict().items())
    for (name, tensor), expected in zip(own, LITTLE.values(), strict=True):
        assert torch.equal(tensor, expected) or name in outcome.missing


@pytest.mark.parametrize("variant", ["tiny", "small", "base"])
def test_imagenet_checkpoints_of_topformer_load_strictly(tmp_path, variant):
    state = invented(f"topformer_{variant}")
    path = tmp_path / "topformer.pth"
    torch.save(
        {
            "epoch": 299,
            "arch": "topformer",
            "state_dict": {k: torch.zeros_like(v) for k, v in state.items()},
            "state_dict_ema": state,
            "args": argparse.Namespace(lr=0.1, opt="rmsproptf"),
        },
        path,
    )

    network, outcome = load_foreign(f"topformer-{variant}", path)

    head = {key for key in state if key.startswith("head.")}
    assert outcome.loaded == len(state) - len(head) == len(network.state_dict())
    assert outcome.missing == ()
    assert set(outcome.unexpected) == head
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())


def test_a_student_takes_the_encoder_and_keeps_its_own_injection(tmp_path, tiny):
    path = tmp_path / "tiny.pth"
    torch.save({"model": prefixed(tiny, "module.")}, path)
    network = build_network("fast")
    before = {k: v.clone() for k, v in network.state_dict().items()}

    outcome = load_topformer(network, path)

    after = network.state_dict()
    assert outcome.missing == tuple(
        sorted(k.removeprefix("encoder.") for k in after if k.startswith("encoder.SIM."))
    )
    for key in after:
        name = key.removeprefix("encoder.")
        assert torch.equal(after[key], tiny[name] if name in tiny else before[key]), key


def test_segmentation_checkpoints_bring_their_injection(tmp_path):
    source = TopFormer("tiny", (0, 128, 128, 128))
    head = {"decode_head.conv_seg.weight": torch.ones(2)}
    path = tmp_path / "seg.pth"
    torch.save(
        {"meta": {"epoch": 1}, "state_dict": prefixed(source.state_dict(), "backbone.") | head},
        path,
    )

    network, outcome = load_foreign("topformer-tiny-sim", path)

    assert (outcome.loaded, outcome.missing) == (len(source.state_dict()), ())
    assert outcome.unexpected == tuple(head)
    weights = network.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in source.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("tpm.stem.0.c.weight"), "tpm.stem.0.c.weight is missing"),
        (lambda s: s.update(surplus=torch.ones(1)), "surplus is unknown"),
        (
            lambda s: s.update({"tpm.stem.0.c.weight": torch.ones(16, 3, 5, 5)}),
            r"tpm.stem.0.c.weight is \(16, 3, 5, 5\), expected \(16, 3, 3, 3\)",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_loaded(
    tmp_path, tiny, change, message
):
    state = dict(tiny)
    change(state)
    path = tmp_path / "tiny.pth"
    torch.save(state, path)
    network = TopFormer("tiny")
    before = {k: v.clone() for k, v in network.state_dict().items()}

    with pytest.raises(WeightsError, match=message) as caught:
        load_topformer(network, path)

    assert "\n" not in str(caught.value)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_a_prefix_is_only_stripped_in_front_and_from_all(tmp_path, tiny):
    path = tmp_path / "mixed.pth"
    torch.save({("module." if i else "") + k: v for i, (k, v) in enumerate(tiny.items())}, path)

    with pytest.raises(WeightsError, match="1 of 314 names match"):
        load_foreign("topformer-tiny", path)


def test_a_network_without_released_weights_says_so(tmp_path):
    with pytest.raises(UsageError, match="'small' has no foreign weights"):
        load_foreign("small", tmp_path / "x.pth")
