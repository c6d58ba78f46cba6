"""Injection gates the local map with the tokens."""

import torch
import torch.nn.functional as F

from featherdepth.networks.injection import Injection


def embedded(weights, name, x):
    mean, var, weight, bias = (
        weights[f"{name}.bn.{key}"][:, None, None]
        for key in ("running_mean", "running_var", "weight", "bias")
    )
    x = F.conv2d(x, weights[f"{name}.conv.weight"])
    return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias


def resized(x, size):
    """Bilinear with half-pixel centres, by two matrices of weights."""

    def matrix(n, m):
        at = ((torch.arange(m, dtype=torch.float64) + 0.5) * n / m - 0.5).clamp(0, n - 1)
        return (1 - (at[:, None] - torch.arange(n)).abs()).clamp(min=0)

    return matrix(x.shape[-2], size[0]) @ x @ matrix(x.shape[-1], size[1]).T


def test_the_gate_is_taken_before_it_is_resized(randomized, noise):
    module = randomized(Injection(3, 5))
    local, tokens = noise(2, 3, 8, 12), 4 * noise(2, 3, 2, 3)
    weights = module.state_dict()
    act = embedded(weights, "global_act", tokens)
    shift = resized(embedded(weights, "global_embedding", tokens), (8, 12))
    scaled = embedded(weights, "local_embedding", local)

    gate = resized((act + 3).clamp(0, 6) / 6, (8, 12))
    gate_after = (resized(act, (8, 12)) + 3).clamp(0, 6) / 6

    torch.testing.assert_close(module(local, tokens), scaled * gate + shift)
    assert (gate - gate_after).abs().max() > 0.01  # the other order is another function
