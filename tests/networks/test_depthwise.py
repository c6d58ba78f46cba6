"""The gradients of depthwise convolutions stay those of `F.conv2d`, bfloat16 included."""

import pytest
import torch
import torch.nn.functional as F

from featherdepth.networks.depthwise import DepthwiseConv2d


def gradients(convolve, images, weight):
    """Of a fixed mixture of the outputs, which are returned first."""
    images, weight = (t.detach().clone().requires_grad_() for t in (images, weight))
    outputs = convolve(images, weight)
    mixture = torch.sin(torch.arange(outputs.numel())).reshape(outputs.shape)
    (outputs.float() * mixture).sum().backward()
    return outputs.detach(), images.grad, weight.grad


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_bfloat16_gradients_are_exact_up_to_rounding(kernel, stride):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 8, 12, 10, generator=generator).bfloat16()
    conv = DepthwiseConv2d(8, 8, kernel, stride, kernel // 2, groups=8, bias=False)
    pads = kernel // 2

    def ours(x, w):
        with torch.autocast("cpu", torch.bfloat16):
            return torch.func.functional_call(conv, {"weight": w}, (x,))

    def exact(x, w):
        return F.conv2d(x.float(), w.bfloat16().float(), None, stride, pads, groups=8)

    found = gradients(ours, images, conv.weight)
    expected = gradients(exact, images, conv.weight)

    assert found[0].dtype == found[1].dtype == torch.bfloat16
    assert found[2].dtype == torch.float32
    for a, b in zip(found, expected, strict=True):
        # One rounding of outputs, of the incoming gradient and of the result: 2^-8 each.
        assert (a.float() - b.float()).norm() / b.float().norm() < 2**-7


def test_the_slow_cases_and_only_they_take_the_float32_backward():
    def backward_of(kernel, stride, dtype, groups=8):
        conv = DepthwiseConv2d(8, 8, kernel, stride, kernel // 2, groups=groups, bias=False)
        return conv.to(dtype)(torch.zeros(1, 8, 8, 8, dtype=dtype)).grad_fn.name()

    own = "_Float32BackwardBackward"
    assert backward_of(5, 1, torch.bfloat16) == own
    assert backward_of(3, 2, torch.bfloat16) == own
    assert backward_of(3, 1, torch.bfloat16) != own
    assert backward_of(5, 1, torch.float32) != own
    assert backward_of(5, 2, torch.bfloat16, groups=1) != own


def test_frozen_inputs_or_weights_get_no_gradient():
    conv = DepthwiseConv2d(4, 4, 5, 1, 2, groups=4, bias=False).bfloat16()
    images = torch.ones(1, 4, 6, 6, dtype=torch.bfloat16)

    conv(images).sum().backward()
    assert conv.weight.grad is not None

    conv.weight.grad = None
    conv.weight.requires_grad_(False)
    conv(images.requires_grad_()).sum().backward()
    assert conv.weight.grad is None
    assert images.grad is not None
