"""DA-2K: ordered pairs of points, so that "always the first" is worth a coin."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from featherdepth.data.da2k import Da2k, OrdinalPair
from featherdepth.data.doctor import examine
from featherdepth.data.probe import open_data, recognise
from featherdepth.errors import InputError, UsageError

HEIGHT, WIDTH = 20, 30
PER_PHOTO = 25


def annotations() -> dict[str, list[dict[str, Any]]]:
    """As published: (row, column), the nearer one first. Here rows are odd where nearer."""
    random = np.random.default_rng(0)

    def entry() -> dict[str, Any]:
        rows, columns = random.integers(0, 10, 2) * 2, random.integers(0, WIDTH, 2)
        nearer, farther = (int(rows[0]) + 1, int(columns[0])), (int(rows[1]), int(columns[1]))
        return {"point1": list(nearer), "point2": list(farther), "closer_point": "point1"}

    names = [f"images/{s}/{i:03d}.jpg" for s in ("indoor", "underwater") for i in range(10)]
    return {name: [entry() for _ in range(PER_PHOTO)] for name in names}


def write(root: Path, table: Any) -> None:
    (root / "annotations.json").write_text(json.dumps(table))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in annotations():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / name)
    write(tmp_path, annotations())
    return tmp_path


def open_pairs(root: Path, split: str | None = None) -> Da2k:
    return Da2k(Da2k.Config(root=root, split=split))


def all_pairs(reader: Da2k) -> list[OrdinalPair]:
    return [pair for i in range(len(reader)) for pair in reader.pairs(i)]


def test_photos_come_without_a_map_and_with_their_pairs(tree: Path) -> None:
    reader = open_pairs(tree)

    sample = reader[3]

    assert sample.depth is None
    assert sample.image.size == (HEIGHT, WIDTH)
    assert len(reader.pairs(3)) == PER_PHOTO
    assert reader.describe() == "DA-2K: 20 photos with ordered pairs of points, 500 pairs"


def test_the_first_point_is_the_nearer_one_in_about_half_of_the_pairs(tree: Path) -> None:
    # 500 fair coins: outside of 0.5 +- 0.1 once in 10^5 draws; the draw is the same every time.
    share = np.mean([pair.first_is_nearer for pair in all_pairs(open_pairs(tree))])

    assert 0.4 < share < 0.6


def test_photos_with_one_pair_are_swapped_too(tree: Path) -> None:
    reader = open_pairs(tree)

    assert {reader.pairs(i)[0].first_is_nearer for i in range(len(reader))} == {True, False}


def test_swapping_keeps_the_truth(tree: Path) -> None:
    # Nearer points have odd rows here, farther ones even rows.
    for pair in all_pairs(open_pairs(tree)):
        nearer, farther = pair.first, pair.second
        if not pair.first_is_nearer:
            nearer, farther = farther, nearer
        assert (nearer[0] % 2, farther[0] % 2) == (1, 0)


def test_swapping_is_the_same_every_time_and_in_every_part(tree: Path) -> None:
    whole, part = open_pairs(tree), open_pairs(tree, "underwater")

    assert all_pairs(whole) == all_pairs(open_pairs(tree))
    assert [whole.pairs(10 + i) for i in range(10)] == [part.pairs(i) for i in range(10)]


def test_points_are_row_and_column(tree: Path) -> None:
    entry = {"point1": [3, 29], "point2": [19, 0], "closer_point": "point2"}
    write(tree, {"images/indoor/000.jpg": [entry]})
    reader = open_pairs(tree)

    (pair,) = reader.pairs(0)

    assert {pair.first, pair.second} == {(3, 29), (19, 0)}
    nearer = pair.first if pair.first_is_nearer else pair.second
    assert nearer == (19, 0)
    assert reader[0].image.size == (HEIGHT, WIDTH)


def test_points_outside_of_the_photo_are_a_fault(tree: Path) -> None:
    # Planted: (column, row) in place of (row, column).
    entry = {"point1": [29, 3], "point2": [0, 19], "closer_point": "point1"}
    write(tree, {"images/indoor/000.jpg": [entry]})

    with pytest.raises(InputError, match=r"\(row 29, column 3\) lies outside of 30x20 pixels"):
        open_pairs(tree)[0]


def test_scene_types_are_splits_and_groups(tree: Path) -> None:
    reader = open_pairs(tree, "indoor")

    assert len(reader) == 10
    assert set(reader.groups) == {"indoor"}
    with pytest.raises(UsageError, match="no split 'aerial'; known: indoor, underwater"):
        open_pairs(tree, "aerial")


def test_missing_photos_are_listed_half_of_them_stop_and_names_stay_inside(tree: Path) -> None:
    table = annotations()
    write(tree, {"../secret.jpg": next(iter(table.values())), **table})
    (tree / "images/indoor/000.jpg").unlink()

    assert [s.key for s in open_pairs(tree).skipped] == ["../secret.jpg", "images/indoor/000.jpg"]

    for path in (tree / "images/indoor").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="10 of 21 listed pairs are there"):
        open_pairs(tree)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"point1": [1, 2], "point2": [3, 4], "closer_point": "point3"}, "closer_point 'point3'"),
        ({"point1": [1], "point2": [3, 4], "closer_point": "point1"}, r"point \[1\]; expected"),
        ({"point1": [1, 2], "point2": ["a", 4], "closer_point": "point1"}, "expected .row, column"),
        ({"point1": [1, 2], "closer_point": "point1"}, "point None"),
        ("text", "expected a list of pairs"),
    ],
)
def test_annotations_of_another_form_are_named(tree: Path, entry: Any, reason: str) -> None:
    write(tree, {"images/indoor/000.jpg": [entry]})

    with pytest.raises(InputError, match=reason):
        open_pairs(tree)


def test_the_annotations_are_recognised_and_others_are_not(tree: Path) -> None:
    assert recognise(tree) == "da2k"
    assert len(open_data(tree, "indoor")) == 10

    write(tree, {"images": [], "categories": []})
    assert recognise(tree) == "photos"


def test_doctor_names_layout_count_and_unit_and_finds_nothing_wrong(tree: Path) -> None:
    found = examine(tree)

    assert (found["layout"], found["count"], found["stored"]) == ("da2k", 20, None)
    assert found["faults"] == []
