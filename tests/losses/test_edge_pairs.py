"""Pairs lie across edges; which ones is decided by the numbers alone."""

import torch

from featherdepth.losses.edge_pairs import pairs_across, sobel


def test_sobel_of_a_ramp_is_eight_times_its_slope_along_each_axis() -> None:
    x, y = torch.meshgrid(torch.arange(6.0), torch.arange(5.0), indexing="xy")
    maps = torch.stack([2 * x, 3 * y])[None]

    along_x, along_y = sobel(maps)

    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    expected = torch.tensor([16.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 3, 4)
    torch.testing.assert_close(along_x[inside], expected)
    expected = torch.tensor([0.0, 24.0]).reshape(1, 2, 1, 1).expand(1, 2, 3, 4)
    torch.testing.assert_close(along_y[inside], expected)


def test_each_edge_point_gives_its_three_pairs_in_order_along_the_gradient() -> None:
    along_x = torch.zeros(1, 1, 80, 100)
    along_y = torch.zeros(1, 1, 80, 100)
    along_y[0, 0, 40, 50] = -2.0  # one edge point, gradient upward
    numbers = torch.tensor([[[0.9, 0.0, 0.5, 0.25, 1.0]]])

    pairs = pairs_across(along_x, along_y, numbers)

    # 2, 16, 9 and 30 px away: two behind the point (below, as the gradient points up), two before.
    rows = [40 + 16, 40 + 2, 40 - 9, 40 - 30]
    points = [row * 100 + 50 for row in rows]
    assert pairs.tolist() == [[points[0:2], points[1:3], points[2:4]]]


def test_points_are_chosen_evenly_among_those_of_a_tenth_of_the_largest_gradient() -> None:
    along_x = torch.zeros(1, 1, 1, 5)
    along_x[0, 0, 0] = torch.tensor([0.09, 0.1, 0.0, -1.0, 0.5])
    numbers = torch.zeros(1, 300, 5)
    numbers[0, :, 0] = torch.arange(300) / 300

    pairs = pairs_across(along_x, torch.zeros_like(along_x), numbers)

    # A point at most 2 px away from its neighbors: the middle pair is the point -+ 2, clamped.
    middle = pairs[0, 1::3].tolist()
    assert middle[:100] == [[0, 3]] * 100  # column 1
    assert middle[100:200] == [[4, 1]] * 100  # column 3, gradient to the left
    assert middle[200:] == [[2, 4]] * 100  # column 4
