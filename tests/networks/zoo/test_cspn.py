"""Shifted reads do the work of one-hot convolutions and unfolded maps."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from featherdepth.networks.zoo.cspn import Guide, one_hot_kernel, propagate, read_taps

KERNELS = pytest.mark.parametrize("kernel", [3, 5, 7])


@KERNELS
def test_shifts_equal_the_one_hot_convolution(kernel, noise):
    guide = noise(2, kernel**2, 9, 12)

    taps = torch.cat(read_taps(guide), 1)

    expected = F.conv2d(guide, one_hot_kernel(kernel).double(), padding=kernel // 2)
    torch.testing.assert_close(taps, expected, rtol=0, atol=0)


def test_a_weight_is_read_at_the_pixel_it_comes_from():
    # The pixel at (1, 1) of 4x5 says by its weight 8, of the tap below and to the right, what it
    # gives to the pixel whose tap 0, above and to the left, it is.
    guide = torch.zeros(1, 9, 4, 5)
    guide[0, 8, 1, 1] = 7

    taps = read_taps(guide)

    assert taps[0][0, 0, 2, 2] == 7
    assert sum(int(tap.count_nonzero()) for tap in taps) == 1


def unfolded(taps, current, initial, dilation):
    """One step as published: an unfolded map whose middle is the initial one."""
    kernel = round(len(taps) ** 0.5)
    padding = dilation * (kernel // 2)
    columns = F.unfold(current, kernel, dilation, padding).reshape(2, len(taps), 9, 12)
    columns[:, len(taps) // 2] = initial[:, 0]
    return (columns * torch.cat(taps, 1)).sum(1, keepdim=True)


@KERNELS
@pytest.mark.parametrize("dilation", [1, 2])
def test_a_step_equals_that_on_an_unfolded_map(kernel, dilation, noise):
    taps = read_taps(noise(2, kernel**2, 9, 12))
    current, initial = noise(2, 1, 9, 12), noise(2, 1, 9, 12)

    result = propagate(taps, current, initial, dilation)

    expected = unfolded(taps, current, initial, dilation)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-13)


class Sizes(TorchDispatchMode):
    """Notes how large every tensor is that an operation returns."""

    def __init__(self):
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.largest = max(self.largest, result.numel())
        return result


def test_a_step_holds_one_padded_map_and_not_49(noise):
    taps = read_taps(noise(1, 49, 20, 30))
    depth = noise(1, 1, 20, 30)

    with Sizes() as sizes:
        propagate(taps, depth, depth, 2)

    assert sizes.largest == 32 * 42


def test_weights_off_the_middle_have_absolute_sum_1_and_all_have_sum_1(randomized, noise):
    guide = randomized(Guide(4, 5))(noise(1, 4, 6, 7))

    around = torch.cat((guide[:, :12], guide[:, 13:]), 1)
    torch.testing.assert_close(around.abs().sum(1), torch.ones(1, 6, 7, dtype=torch.float64))
    torch.testing.assert_close(guide.sum(1), torch.ones(1, 6, 7, dtype=torch.float64))


def test_features_without_a_guide_keep_the_initial_depth(noise):
    guide = Guide(4, 3).double().eval()(torch.zeros(1, 4, 6, 7, dtype=torch.float64))
    initial = noise(1, 1, 6, 7)

    assert torch.equal(propagate(read_taps(guide), noise(1, 1, 6, 7), initial), initial)
