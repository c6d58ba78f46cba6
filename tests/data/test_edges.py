"""Pixels beside jumps in depth are dropped, and no others."""

import numpy as np

from featherdepth.data.edges import without_edges


def keep(values: list[list[float]], radius: int = 1) -> list[list[bool]]:
    array = np.array(values, dtype=np.float32)
    return without_edges(array, array > 0, jump=0.1, radius=radius).tolist()


def test_both_sides_of_a_jump_go_and_the_rest_stays() -> None:
    assert keep([[1, 1, 2, 2, 2]]) == [[True, False, False, True, True]]
    assert keep([[1], [1], [2], [2]]) == [[True], [False], [False], [True]]
    assert keep([[1, 1, 2, 2, 2]], radius=2) == [[False, False, False, False, True]]


def test_corners_count_as_neighbors() -> None:
    kept = keep([[2, 1, 1], [1, 1, 1], [1, 1, 1]])

    assert kept == [[False, False, True], [False, False, True], [True, True, True]]


def test_the_limit_is_a_tenth_of_the_nearer_depth() -> None:
    assert keep([[1.0, 1.09]]) == [[True, True]]
    assert keep([[1.0, 1.11]]) == [[False, False]]


def test_holes_are_no_edges_and_stay_holes() -> None:
    assert keep([[1, 0, 1, 0, 5]]) == [[True, False, True, False, True]]
