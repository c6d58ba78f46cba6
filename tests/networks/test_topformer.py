"""TopFormer: names and shapes of the released checkpoints, injection at chosen levels."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from featherdepth.networks.topformer import VARIANTS, TopFormer

CHECKPOINTS = Path(__file__).parents[1] / "golden" / "checkpoints"


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_names_shapes_and_order_are_those_of_the_released_checkpoint(variant):
    released = json.loads((CHECKPOINTS / f"topformer_{variant}.json").read_text())
    released = {k: tuple(v) for k, v in released.items() if not k.startswith("head.")}

    with torch.device("meta"):
        own = {k: tuple(v.shape) for k, v in TopFormer(variant).state_dict().items()}

    assert list(own.items()) == list(released.items())


def test_a_raw_level_keeps_its_index_and_has_no_parameters():
    encoder = TopFormer("tiny", (0, 128, 128, 128))

    names = {key.split(".")[1] for key in encoder.state_dict() if key.startswith("SIM.")}

    assert names == {"1", "2", "3"}
    assert encoder.channels == (16, 128, 128, 128)


def test_injection_carries_each_level_its_own_tokens(noise):
    encoder = TopFormer("tiny", (0, 24, 0, 8)).double().eval()
    for injection in encoder.SIM:  # out = embedding of the tokens alone
        if not isinstance(injection, nn.Identity):
            injection.local_embedding.conv.weight.data.zero_()
    images = noise(1, 3, 64, 64)
    tokens = TopFormer("tiny").double().eval()
    tokens.load_state_dict(encoder.state_dict(), strict=False)
    *maps, joined = tokens(images)

    injected = encoder(images)

    torch.testing.assert_close(injected[0], maps[0])
    torch.testing.assert_close(injected[2], maps[2])
    ends = (16, 48, 112, 208)
    for level in (1, 3):
        part = joined[:, ends[level - 1] : ends[level]]
        expected = encoder.SIM[level].global_embedding(part)  # one token: the same everywhere
        torch.testing.assert_close(injected[level], expected.expand_as(injected[level]))


def test_without_injection_the_tokens_are_the_fifth_map():
    maps = TopFormer("small").eval()(torch.zeros(1, 3, 128, 192))

    assert [tuple(m.shape[1:]) for m in maps] == [
        (24, 32, 48),
        (48, 16, 24),
        (96, 8, 12),
        (128, 4, 6),
        (296, 2, 3),
    ]


def test_attention_starts_as_nothing_and_convolutions_by_fan_out():
    encoder = TopFormer("base")
    state = encoder.state_dict()

    for i in range(4):
        assert state[f"trans.transformer_blocks.{i}.attn.proj.1.bn.weight"].abs().max() == 0
    # layer9's depthwise 5x5 of 960 channels: fan = 25 * 960 / 960
    assert state["tpm.layer9.conv.2.c.weight"].std().item() == pytest.approx(0.283, rel=0.02)


def test_the_pyramid_uses_relu_and_the_transformer_relu6():
    encoder = TopFormer("base")

    assert not any(isinstance(m, nn.ReLU6) for m in encoder.tpm.modules())
    assert sum(isinstance(m, nn.ReLU6) for m in encoder.trans.modules()) == 8
    assert not any(isinstance(m, nn.ReLU) for m in encoder.trans.modules())


@pytest.mark.parametrize("inject", [(1, 2, 3), (0, 0, 0, 0), (8, 8, 8, -1)])
def test_injection_that_fits_no_network_is_refused(inject):
    with pytest.raises(ValueError, match="4 widths"):
        TopFormer("tiny", inject)


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="known: tiny, small, base"):
        TopFormer("large")
