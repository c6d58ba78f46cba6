"""The unrolled solve is a linear solver: exact by hand, equal to a dense one, differentiable."""

import pytest
import torch
from torch import Tensor

from featherdepth.networks.poisson import (
    Edges,
    System,
    cascade,
    coarser,
    edges_inside,
    gathered,
    relief_weights,
    solve,
    steps_of,
)


def grid(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)[None, None]


def random_system(height: int, width: int, seed: int = 0) -> System:
    draw = torch.Generator().manual_seed(seed)

    def rand() -> Tensor:
        return torch.rand(1, 1, height, width, generator=draw, dtype=torch.float64)

    inside = edges_inside(rand())
    weight = Edges(inside.right * (0.1 + rand()), inside.down * (0.1 + rand()))
    return System(weight, Edges(rand() - 0.5, rand() - 0.5), (rand() < 0.3).double(), rand())


def dense_solution(system: System) -> Tensor:
    """By the normal equations of all edges and cells, written out one by one."""
    height, width = system.trust.shape[2:]
    rows, values = [], []
    for i in range(height):
        for j in range(width):
            for there, weight, step in (
                ((i, j + 1), system.weight.right, system.step.right),
                ((i + 1, j), system.weight.down, system.step.down),
            ):
                if there[0] < height and there[1] < width:
                    row = torch.zeros(height, width, dtype=torch.float64)
                    row[there], row[i, j] = 1, -1
                    root = weight[0, 0, i, j].sqrt()
                    rows.append(root * row.flatten())
                    values.append(root * step[0, 0, i, j])
            row = torch.zeros(height, width, dtype=torch.float64)
            row[i, j] = 1
            root = system.trust[0, 0, i, j].sqrt()
            rows.append(root * row.flatten())
            values.append(root * system.target[0, 0, i, j])
    a, b = torch.stack(rows), torch.stack(values)
    return torch.linalg.solve(a.T @ a, a.T @ b).reshape(1, 1, height, width)


def test_a_chain_between_two_points_is_a_straight_line() -> None:
    # Four cells, edges of weight 1 that want no step, the ends pulled hard to 0 and 3.
    ones = torch.ones(1, 1, 1, 4, dtype=torch.float64)
    inside = edges_inside(ones)
    trust = 1e9 * grid([1, 0, 0, 1])
    system = System(inside, Edges(0 * ones, 0 * ones), trust, grid([0, 9, 9, 3]))

    found = solve(system, 0 * ones, steps=8)

    assert found.flatten().tolist() == pytest.approx([0, 1, 2, 3], abs=1e-6)


def test_a_chain_by_hand() -> None:
    # Minimize (u1 - u0 - 1)^2 + 5 u0^2 + 5 (u1 - 3)^2: u0 = 2/7, u1 = 3 - 2/7.
    ones = torch.ones(1, 1, 1, 2, dtype=torch.float64)
    system = System(edges_inside(ones), Edges(ones, ones), 5 * ones, grid([0, 3]))

    found = solve(system, 0 * ones, steps=2)

    assert found.flatten().tolist() == pytest.approx([2 / 7, 3 - 2 / 7], abs=1e-12)


def test_one_point_and_wanted_steps_fix_all_cells() -> None:
    ones = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    trust = torch.zeros_like(ones)
    trust[..., 1, 1] = 1
    system = System(edges_inside(ones), Edges(0.5 * ones, -2 * ones), trust, 7 * ones)

    found = solve(system, 0 * ones, steps=9)

    rows = [[8.5, 9, 9.5], [6.5, 7, 7.5], [4.5, 5, 5.5]]
    assert torch.allclose(found[0, 0], torch.tensor(rows, dtype=torch.float64), atol=1e-9)


@pytest.mark.parametrize("size", [(5, 7), (1, 6), (6, 1)])
def test_it_ends_where_a_dense_solver_does(size: tuple[int, int]) -> None:
    system = random_system(*size)

    found = solve(system, torch.zeros_like(system.trust), steps=2 * size[0] * size[1])

    assert torch.allclose(found, dense_solution(system), atol=1e-8)


def test_it_stays_at_a_solution() -> None:
    system = random_system(4, 4)
    solution = dense_solution(system)

    assert torch.allclose(solve(system, solution, steps=5), solution, atol=1e-9)


def test_gathering_is_the_transpose_of_stepping() -> None:
    draw = torch.Generator().manual_seed(0)
    field, right, down = (
        torch.randn(1, 1, 4, 5, generator=draw, dtype=torch.float64) for _ in range(3)
    )
    inside = edges_inside(field)
    right, down = right * inside.right, down * inside.down
    steps = steps_of(field)

    along_edges = (steps.right * right + steps.down * down).sum()

    assert along_edges.item() == pytest.approx((field * gathered(right, down)).sum().item())


def test_gradients_are_those_of_finite_differences() -> None:
    system = random_system(3, 4)

    def run(right: Tensor, down: Tensor, step: Tensor, target: Tensor) -> Tensor:
        changed = System(Edges(right, down), Edges(step, system.step.down), system.trust, target)
        return solve(changed, torch.zeros_like(target), steps=6)

    inputs = [t.requires_grad_() for t in (*system.weight, system.step.right, system.target)]
    assert torch.autograd.gradcheck(run, inputs)


def test_few_steps_of_a_cascade_do_what_many_on_the_fine_grid_need() -> None:
    # One point in a corner of a large grid: the far corner hears of it by way of coarse grids.
    ones = torch.ones(1, 1, 32, 32, dtype=torch.float64)
    trust = torch.zeros_like(ones)
    trust[..., 0, 0] = 5
    pulls = [(trust, 2 * ones)]
    for _ in range(2):
        pulls.append(coarser(*pulls[-1]))
    systems = [System(edges_inside(k), Edges(0 * k, 0 * k), k, target) for k, target in pulls]

    deep = cascade(systems[::-1], 0 * pulls[-1][0], (16, 4, 4))
    flat = solve(systems[0], 0 * ones, steps=24)

    assert deep[0, 0, -1, -1].item() > 1  # on the way to 2
    assert flat[0, 0, -1, -1].item() < 0.1


def test_a_coarser_cell_has_the_trust_of_its_cells_and_their_weighted_mean() -> None:
    trust, target = coarser(grid([1, 3], [0, 0]), grid([10, 2], [99, 99]))

    assert trust.item() == 4 and target.item() == 4  # (1 * 10 + 3 * 2) / 4


def test_a_coarser_cell_without_trust_is_not_a_number_of_nothing() -> None:
    trust, target = coarser(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))

    assert trust.item() == 0 and target.item() == 0


def test_an_edge_is_half_as_stiff_at_its_scale() -> None:
    weights = relief_weights(grid([0, 0.06, 0.06]), 0.06)

    assert weights.right.flatten().tolist() == pytest.approx([0.5, 1, 0])
    assert weights.down.abs().max() == 0
