"""Tokens: pooling, attention, the MLP, and what training drops."""

import pytest
import torch
import torch.nn.functional as F

from featherdepth.networks.token_transformer import (
    MLP,
    Attention,
    Block,
    DropPath,
    TokenTransformer,
    pool_to_tokens,
)


def layer(weights, name, x):
    """bn(conv(x)) of a 1x1 layer."""
    mean, var, weight, bias = (
        weights[f"{name}.bn.{key}"][:, None, None]
        for key in ("running_mean", "running_var", "weight", "bias")
    )
    x = F.conv2d(x, weights[f"{name}.c.weight"])
    return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias


def test_multiples_of_64_pool_exactly_as_the_general_rule(noise):
    maps = [noise(1, 2, 128 // s, 192 // s) for s in (4, 8, 16, 32)]

    tokens = pool_to_tokens(maps, exact=True)

    general = torch.cat([F.adaptive_avg_pool2d(m, (2, 3)) for m in maps], dim=1)
    torch.testing.assert_close(tokens, general, rtol=0, atol=1e-14)


def test_other_sizes_take_uneven_windows_rounded_up(noise):
    # 96 pixels are 3 at 1/32 and 2 at 1/64: windows 0..1 and 1..2.
    maps = [noise(1, 1, 96 // s, 64 // s) for s in (4, 8, 16, 32)]

    tokens = pool_to_tokens(maps, exact=False)

    assert tokens.shape == (1, 4, 2, 1)
    torch.testing.assert_close(tokens[0, 3, :, 0].clone(), torch.stack([
        maps[3][0, 0, :2].mean(), maps[3][0, 0, 1:].mean()
    ]))  # fmt: skip


def test_attention_equals_its_formula_without_a_scale(randomized, noise):
    heads, n = 2, 6
    module = randomized(Attention(8, heads))
    tokens, weights = noise(2, 8, 2, 3), module.state_dict()

    q, k = (layer(weights, name, tokens).reshape(2, heads, 16, n) for name in ("to_q", "to_k"))
    v = layer(weights, "to_v", tokens).reshape(2, heads, 32, n)
    scores = torch.einsum("bhci,bhcj->bhij", q, k)
    shares = scores.exp() / scores.exp().sum(-1, keepdim=True)
    mixed = torch.einsum("bhij,bhcj->bhci", shares, v).reshape(2, heads * 32, 2, 3)

    torch.testing.assert_close(module(tokens), layer(weights, "proj.1", mixed.clamp(0, 6)))


def test_the_mlp_filters_with_a_bias_and_without_batchnorm(randomized, noise):
    module = randomized(MLP(3))
    tokens, weights = noise(1, 3, 4, 5), module.state_dict()

    y = layer(weights, "fc1", tokens)
    y = F.conv2d(y, weights["dwconv.weight"], weights["dwconv.bias"], padding=1, groups=6)

    torch.testing.assert_close(module(tokens), layer(weights, "fc2", y.clamp(0, 6)))


def test_a_block_adds_attention_then_the_mlp(randomized, noise):
    block = randomized(Block(4, 1, 0.1))
    tokens = noise(1, 4, 2, 2)

    y = tokens + block.attn(tokens)

    torch.testing.assert_close(block(tokens), y + block.mlp(y))


def test_drop_path_keeps_the_mean_and_drops_whole_images():
    drop = DropPath(0.25).train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        outputs = drop(torch.ones(4000, 2, 1, 1))

    values = outputs.flatten(1)
    assert torch.equal(values[:, 0], values[:, 1])
    assert values.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    assert values.mean().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(drop.eval()(torch.ones(5, 1, 1, 1)), torch.ones(5, 1, 1, 1))


def test_drop_path_grows_evenly_from_block_to_block():
    blocks = TokenTransformer(8, 1).transformer_blocks

    assert [b.drop_path.probability for b in blocks] == pytest.approx([0, 1 / 30, 2 / 30, 0.1])
