"""Pictures stand where they are told to, words beside them."""

import numpy as np
import pytest

from featherdepth.errors import UsageError
from featherdepth.images.colormap import legend_of
from featherdepth.images.grid import BETWEEN, GAP, Block, draw_grid, height_of


def block(color: int, label: str = "row") -> Block:
    cell = np.full((30, 50, 3), color, dtype=np.uint8)
    bar = np.full((height_of(2, 30), 9, 3), 7, dtype=np.uint8)
    return Block(rows=[[cell, cell], [cell, cell + 1]], labels=[label, label], legend=bar)


def test_pictures_stand_in_rows_and_columns_with_their_bar():
    canvas = draw_grid([block(10), block(20)], ["a", "b"], font_px=10)

    second = 20 + 60 + GAP + BETWEEN
    assert canvas.shape == (second + 60 + GAP + GAP, 20 + 2 * (50 + GAP) + 9, 3)
    for top, color in ((20, 10), (second, 20)):
        assert (canvas[top : top + 30, 20:70] == color).all()
        assert (canvas[top + 30 + GAP : top + 60 + GAP, 74:124] == color + 1).all()
        assert (canvas[top : top + 64, 128:137] == 7).all()
    assert (canvas[50:54, 20:70] == 255).all()


def test_titles_and_labels_stay_in_their_places():
    long = "a name that is much too long for its picture"

    canvas = draw_grid([block(10, long)], [long, long], font_px=10)

    assert (canvas[:20, 20:70] < 100).any()
    assert (canvas[:20, 71:73] == 255).all()  # no title runs into the gap
    assert (canvas[20:50, :20] < 100).any()
    assert (canvas[50:54, :20] == 255).all()


def test_a_bar_alone_is_the_one_of_the_map_and_refuses_no_range():
    assert legend_of((1, 10), 120).shape[0] == 120
    for limits in ((2, 2), (0, 5)):
        with pytest.raises(UsageError, match="are no range of metric values"):
            legend_of(limits, 120)
