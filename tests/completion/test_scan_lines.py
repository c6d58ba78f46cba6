"""Between two near points of one row that say the same lies what is between them."""

import numpy as np
import pytest

from featherdepth.completion import scan_lines
from featherdepth.completion.complete import complete_map
from featherdepth.completion.scan_lines import between
from featherdepth.geometry.anchors import Anchors, anchors_of
from featherdepth.types import Image

from .conftest import depth_of

SIZE = (375, 1242)


def points(*found: tuple[int, int, float]) -> Anchors:
    rows, columns, meters = zip(*found, strict=True)
    return Anchors(
        places=np.array([rows, columns]).T, meters=np.array(meters, np.float64), size=SIZE
    )


def test_depth_is_linear_along_the_row() -> None:
    found = between(points((7, 10, 20.0), (7, 14, 20.4), (7, 15, 20.4), (7, 17, 20.0)))

    assert found.places.tolist() == [[7, 11], [7, 12], [7, 13], [7, 16]]
    np.testing.assert_allclose(found.meters, [20.1, 20.2, 20.3, 20.2])
    assert found.size == SIZE


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ((7, 21, 20.0), "too far apart"),
        ((7, 11, 20.0), "nothing between them"),
        ((8, 14, 20.0), "of another line"),
        ((7, 14, 21.1), "of another surface"),
        ((7, 14, 18.9), "of another surface"),
    ],
)
def test_other_pairs_say_nothing(second: tuple[int, int, float], why: str) -> None:
    assert len(between(points((7, 10, 20.0), second))) == 0, why


def test_one_point_has_no_neighbor() -> None:
    assert len(between(points((7, 10, 20.0)))) == 0


def test_multiples_of_the_points_give_multiples() -> None:
    meters = np.exp(np.random.default_rng(0).normal(3, 0.02, 400))
    places = np.stack([np.repeat(np.arange(4), 100), np.tile(np.arange(0, 300, 3), 4)], axis=1)

    one, other = (
        between(Anchors(places=places, meters=factor * meters, size=SIZE)) for factor in (1, 1000)
    )

    assert len(one) > 300
    np.testing.assert_array_equal(other.places, one.places)
    np.testing.assert_allclose(other.meters, 1000 * one.meters)


def test_the_completed_map_holds_them(guess, room, monkeypatch) -> None:
    monkeypatch.setattr(scan_lines, "REACH", 4 / room.shape[1])
    sparse = depth_of(room, valid=every(room, 8, 4))

    done = complete_map(guess, sparse, photo=gray(room))

    lines = between(anchors_of(sparse))
    rows, columns = lines.places.T
    assert len(lines) > 500
    np.testing.assert_allclose(done.values[rows, columns], lines.meters, rtol=1e-5)


def test_nothing_is_drawn_between_two_wrong_points_of_a_sensor_that_errs(
    guess, room, monkeypatch
) -> None:
    monkeypatch.setattr(scan_lines, "REACH", 4 / room.shape[1])
    measured = room.copy()
    measured[80, 20:25:4] *= 3  # neighbors, and both say the same
    alone = ([8, 8, 16, 64, 72, 88], [20, 100, 60, 20, 100, 60])
    measured[alone] *= np.array([3, 2, 3, 2, 3, 2])

    done = complete_map(guess, depth_of(measured, valid=every(room, 8, 4)), photo=gray(room))

    np.testing.assert_allclose(done.values[80, 21:24], room[80, 21:24], rtol=0.5)


def every(room: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """A scanner's grid: lines of near points."""
    valid = np.zeros(room.shape, dtype=bool)
    valid[::rows, ::columns] = True
    return valid


def gray(room: np.ndarray) -> Image:
    return Image(pixels=np.full((*room.shape, 3), 128, np.uint8), name="room")
