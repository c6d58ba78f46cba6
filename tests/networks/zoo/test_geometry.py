"""Where measurements lie in space, at six scales, right and wrong as published."""

import pytest
import torch
from torch import nn

from featherdepth.networks.zoo.geometry import GeoBlock, closest_pool, geometry_pyramid


def sparse_map(*rows):
    return torch.tensor(rows, dtype=torch.float64)[None, None]


def pool(sparse):
    pooled, valid = closest_pool(sparse, (sparse > 0).double())
    return pooled[0, 0].tolist(), valid[0, 0].tolist()


def test_of_four_pixels_the_closest_measurement_remains():
    sparse = sparse_map([5, 0, 0, 0, 0, 9], [7, 3, 0, 0, 8, 0])

    assert pool(sparse) == ([[3, 0, 8]], [[1, 0, 1]])


def test_an_odd_row_or_column_is_dropped():
    assert pool(sparse_map([0, 4, 1], [0, 0, 1], [2, 2, 2])) == ([[4]], [[1]])


def test_beyond_600_m_an_empty_neighbor_wins():
    assert pool(sparse_map([700, 0], [0, 0])) == ([[600]], [[1]])


def test_coordinates_are_those_done_by_hand_at_full_and_half_size():
    # 32x64, one measurement of 10 m at row 8, column 40: pooled, it lies in cell (4, 20).
    row, column = torch.meshgrid(
        torch.arange(32.0, dtype=torch.float64),
        torch.arange(64.0, dtype=torch.float64),
        indexing="ij",
    )
    position = torch.stack([2 * column / 63 - 1, 2 * row / 31 - 1])[None]
    sparse = torch.zeros(1, 1, 32, 64, dtype=torch.float64)
    sparse[0, 0, 8, 40] = 10
    camera = torch.tensor([[[50.0, 0, 30], [0, 40, 20], [0, 0, 1]]], dtype=torch.float64)

    pyramid = geometry_pyramid(sparse, position, camera, (32, 64))

    assert [tuple(g.shape[1:]) for g in pyramid[:3]] == [(3, 32, 64), (3, 16, 32), (3, 8, 16)]
    assert len(pyramid) == 6
    full = [10 * (8 * 32 / 31 - 20) / 40, 10 * (40 * 64 / 63 - 30) / 50, 10]
    assert pyramid[0][0, :, 8, 40].tolist() == pytest.approx(full)
    # The frame is halved, the camera is not; (row, column) are averages of (8, 9) and (40, 41).
    half = [10 * (8.5 * 16 / 31 - 20) / 40, 10 * (40.5 * 32 / 63 - 30) / 50, 10]
    assert pyramid[1][0, :, 4, 20].tolist() == pytest.approx(half)
    assert all(int((g != 0).sum()) == 3 for g in pyramid)


def silent(block):
    """All convolutions 0, BatchNorm the identity."""
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = 0.0
    return block.double().eval()


def planes(*values):
    return torch.tensor(values, dtype=torch.float64).reshape(1, -1, 1, 1).expand(1, -1, 4, 4)


def test_the_second_convolution_sees_geometry_first():
    block = silent(GeoBlock(2, 2, 1))
    block.conv2.weight.data[0, 0, 1, 1] = 1  # geometry's first channel
    block.conv2.weight.data[1, 3, 1, 1] = 1  # the first of the inner features
    block.conv1.weight.data[0, 2, 1, 1] = 1  # which is the geometry that stands behind two features

    outputs = block(planes(1, 2), planes(10, 20, 30), planes(100, 200, 300))

    assert outputs[0, :, 0, 0].tolist() == [1 + 100, 2 + 10]


def test_the_shortcut_of_a_stride_sees_geometry_last():
    block = silent(GeoBlock(1, 1, 2))
    block.downsample[0].weight.data[0, :, 0, 0] = torch.tensor([1.0, 0, 0, 5])

    outputs = block(planes(7), planes(10, 20, 30), planes(0, 0, 0)[..., :2, :2])

    assert outputs.shape == (1, 1, 2, 2)
    assert outputs[0, 0].eq(7 + 5 * 30).all()
