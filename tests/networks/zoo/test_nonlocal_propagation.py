"""Propagation reads where each variant says, checked against loops over pixels."""

import math

import pytest
import torch

from featherdepth.networks.zoo.nonlocal_propagation import NonLocalPropagation, read_at

RASTER = [(i // 3 - 1, i % 3 - 1) for i in (0, 1, 2, 3, 5, 6, 7, 8)]
SIZE = (5, 6)
# How many times the raster is added to the offset for confidence and for depth.
READS = {"legacy": (1, 2), "published": (0, 1), "consistent": (1, 1)}


def bilinear(values, y, x):
    """Corners outside are 0."""
    top, left = math.floor(y), math.floor(x)
    total = 0.0
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < len(values) and 0 <= column < len(values[0]):
                total += values[row][column] * (1 - abs(y - row)) * (1 - abs(x - column))
    return total


def by_loops(layer, initial, guidance, confidence, sparse, reads):
    with torch.no_grad():
        field = layer.conv_offset_aff(guidance)[0].tolist()
    gamma = layer.aff_scale_const.item()
    trust, known = confidence[0, 0].tolist(), sparse[0, 0].tolist()
    taps = {}
    for row in range(SIZE[0]):
        for column in range(SIZE[1]):
            found = []
            for n, (down, right) in enumerate(RASTER):
                y = row + field[2 * n][row][column]
                x = column + field[2 * n + 1][row][column]
                weight = math.tanh(field[16 + n][row][column]) / (gamma + 1e-8)
                weight *= bilinear(trust, y + reads[0] * down, x + reads[0] * right)
                found.append((weight, y + reads[1] * down, x + reads[1] * right))
            scale = max(sum(abs(w) for w, _, _ in found) + 1e-4, 1)
            found = [(w / scale, y, x) for w, y, x in found]
            taps[row, column] = [*found, (1 - sum(w for w, _, _ in found), row, column)]
    depth = initial[0, 0].tolist()
    for _ in range(18):
        if layer.preserve_input:
            depth = [
                [k if k > 0 else d for k, d in zip(ks, ds, strict=True)]
                for ks, ds in zip(known, depth, strict=True)
            ]
        depth = [
            [sum(w * bilinear(depth, y, x) for w, y, x in taps[r, c]) for c in range(SIZE[1])]
            for r in range(SIZE[0])
        ]
    return torch.tensor(depth, dtype=torch.float64)[None, None]


@pytest.mark.parametrize("variant", READS)
@pytest.mark.parametrize("preserve", [True, False])
@pytest.mark.parametrize("gamma", [4.0, 0.5], ids=["weights below 1", "weights scaled down"])
def test_each_variant_equals_loops_over_pixels(noise, variant, preserve, gamma):
    layer = NonLocalPropagation(variant, preserve_input=preserve).double()
    layer.conv_offset_aff.weight.data = 0.3 * noise(24, 8, 3, 3)
    layer.conv_offset_aff.bias.data = 0.5 * noise(24)
    layer.aff_scale_const.data.fill_(gamma)
    initial, guidance = noise(1, 1, *SIZE), noise(1, 8, *SIZE)
    confidence = torch.sigmoid(noise(1, 1, *SIZE))
    sparse = noise(1, 1, *SIZE).clamp(min=0.5) - 0.5

    with torch.no_grad():
        depth = layer(initial, guidance, confidence, sparse)

    expected = by_loops(layer, initial, guidance, confidence, sparse, READS[variant])
    torch.testing.assert_close(depth, expected, rtol=1e-11, atol=1e-11)


def test_a_fresh_layer_changes_nothing(noise):
    layer = NonLocalPropagation(preserve_input=False).double()
    initial = noise(1, 1, *SIZE)

    depth = layer(initial, noise(1, 8, *SIZE), noise(1, 1, *SIZE), noise(1, 1, *SIZE))

    assert torch.equal(depth, initial)


def places(height, width, *points):
    """(y, x) in pixels, as `read_at` takes them: one pixel that reads each of the points."""
    y, x = torch.tensor(points, dtype=torch.float64).T
    return torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), -1)[None, :, None, None]


def test_reading_is_bilinear_and_fades_to_0_outside():
    values = torch.tensor([[1.0, 2, 3], [5, 7, 11]], dtype=torch.float64)[None, None]
    points = [(0, 0), (1, 2), (0.5, 0.25), (-0.5, 1), (1.75, 2), (-1, 0), (0, 3), (50, -50)]

    read = read_at(values, places(2, 3, *points))

    # (0.5, 0.25): 3/8 (1 + 5) + 1/8 (2 + 7); (-0.5, 1): half of 2; (1.75, 2): a quarter of 11.
    assert read[0, :, 0, 0].tolist() == pytest.approx([1, 11, 3.375, 1, 2.75, 0, 0, 0], abs=1e-12)


def test_a_map_of_one_pixel_can_be_read():
    read = read_at(torch.full((1, 1, 1, 1), 3.0).double(), places(1, 1, (0, 0), (0, 0.5), (1, 0)))

    assert read.flatten().tolist() == [3, 1.5, 0]
