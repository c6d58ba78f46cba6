"""Normals of a plane are the plane's own, whatever the camera."""

import math

import numpy as np
import pytest
import torch

from featherdepth.losses.normals import erode, known_intrinsics, normals, reach

CAMERA = np.array([[100.0, 80.0, 20.0, 30.0]])  # neither square pixels nor a centered axis
SPACINGS = (1, 2)


def plane(
    normal: tuple[float, float, float], offset: float = 3.0, camera: np.ndarray = CAMERA
) -> torch.Tensor:
    """Depth of the plane normal . P = offset, 48x64."""
    fx, fy, cx, cy = camera[0]
    x = (torch.arange(64, dtype=torch.float64) - cx) / fx
    y = (torch.arange(48, dtype=torch.float64)[:, None] - cy) / fy
    a, b, c = normal
    return (offset / (a * x + b * y + c))[None, None]


def inside(values: torch.Tensor, margin: int = reach(SPACINGS)) -> torch.Tensor:
    return values[..., margin:-margin, margin:-margin]


@pytest.mark.parametrize("spacings", [(1, 2), (2, 4), (3,)])
@pytest.mark.parametrize("normal", [(0.0, 0.0, 1.0), (0.6, 0.0, 0.8), (-0.36, 0.48, 0.8)])
def test_a_plane_has_its_own_normal_everywhere(
    normal: tuple[float, float, float], spacings: tuple[int, ...]
) -> None:
    found = inside(normals(plane(normal), CAMERA, spacings), reach(spacings))

    expected = torch.tensor(normal, dtype=torch.float64).reshape(1, 3, 1, 1).expand_as(found)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


def test_the_cross_product_is_that_of_the_unprojected_points() -> None:
    depth = torch.rand(1, 1, 9, 11, dtype=torch.float64) + 1
    fx, fy, cx, cy = CAMERA[0]

    found = normals(depth, CAMERA, (2,))[0, :, 4, 5]

    kernel = torch.tensor([1.0, 2, 3, 2, 1], dtype=torch.float64)
    kernel = torch.outer(kernel, kernel) / 81  # a 3x3 mean twice

    def point(u: int, v: int) -> torch.Tensor:
        z = (kernel * depth[0, 0, v - 2 : v + 3, u - 2 : u + 3]).sum()
        return torch.stack([(u - cx) / fx * z, (v - cy) / fy * z, z])

    cross = torch.linalg.cross(point(7, 4) - point(3, 4), point(5, 6) - point(5, 2))
    torch.testing.assert_close(found, cross / cross.norm())


def test_the_unit_of_depth_does_not_matter() -> None:
    depth = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(0)) + 1

    scaled = normals(1000 * depth, CAMERA, SPACINGS)

    torch.testing.assert_close(scaled, normals(depth, CAMERA, SPACINGS), atol=1e-5, rtol=0)


def test_both_spacings_count_the_same() -> None:
    depth = torch.rand(1, 1, 20, 20, dtype=torch.float64) + 1

    both = normals(depth, CAMERA, (1, 3))

    mean = normals(depth, CAMERA, (1,)) + normals(depth, CAMERA, (3,))
    torch.testing.assert_close(both, mean / mean.norm(dim=1, keepdim=True))


def test_wide_spacings_see_through_the_steps_of_eight_bit_depth() -> None:
    camera = known_intrinsics(np.full((1, 4), np.nan), 192, 256)
    x = (torch.arange(256, dtype=torch.float64) - camera[0, 2]) / camera[0, 0]
    wall = 2.0 / (0.8 - 0.6 * x)
    stored = ((wall / 0.0392).floor() + 0.5) * 0.0392
    expected = torch.tensor([-0.6, 0.0, 0.8], dtype=torch.float64)

    def error_deg(spacings: tuple[int, ...]) -> float:
        found = inside(normals(stored.expand(1, 1, 192, 256), camera, spacings), 8)
        cosine = (found * expected[:, None, None]).sum(dim=1).clamp(max=1)
        return math.degrees(cosine.acos().mean().item())

    assert error_deg((2, 4)) < 0.6 * error_deg((1, 2))


@pytest.mark.parametrize("spacings", [(1, 2), (2, 4)])
def test_a_normal_depends_on_what_is_within_reach_and_on_nothing_else(
    spacings: tuple[int, ...],
) -> None:
    depth = (torch.rand(1, 1, 31, 31, dtype=torch.float64) + 1).requires_grad_()

    normals(depth, CAMERA, spacings)[0, :, 15, 15].sum().backward()

    assert depth.grad is not None
    rows, columns = depth.grad[0, 0].nonzero().T
    for where in (rows, columns):
        assert (where.min(), where.max()) == (15 - reach(spacings), 15 + reach(spacings))


def test_depth_of_zeros_has_no_direction_and_a_finite_gradient() -> None:
    depth = torch.zeros(1, 1, 12, 12, requires_grad=True)

    found = normals(depth, CAMERA, SPACINGS)
    found.sum().backward()

    assert (found == 0).all()
    assert depth.grad is not None
    assert torch.isfinite(depth.grad).all()


def test_gradient_agrees_with_differences() -> None:
    depth = (torch.rand(1, 1, 7, 8, dtype=torch.float64) + 1).requires_grad_()

    assert torch.autograd.gradcheck(lambda d: normals(d, CAMERA, SPACINGS), (depth,))


def test_an_unknown_camera_is_one_of_sixty_degrees_upright() -> None:
    given = np.array([[1.0, 2.0, 3.0, 4.0], [np.nan, 2.0, 3.0, 4.0]])

    cameras = known_intrinsics(given, 448, 640)

    assert cameras[0].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert cameras[1] == pytest.approx([387.98, 387.98, 319.5, 223.5], abs=0.01)


def test_erosion_needs_the_whole_square_inside_the_map() -> None:
    full = torch.ones(1, 1, 7, 9, dtype=torch.bool)
    full[0, 0, 3, 8] = False

    eroded = erode(full, 2)

    expected = torch.zeros_like(full)
    expected[0, 0, 2:5, 2:6] = True  # columns 6 and 7 see the hole, 8 is too near the border
    assert torch.equal(eroded, expected)
