"""Who is held out: by name alone, a share of all, but never too few, too many or nearly all."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.data.photos import Photos
from featherdepth.data.reader import Reader
from featherdepth.distill.split import MOST_HELD_OUT, split_photos
from featherdepth.errors import InputError
from featherdepth.rng import derive
from featherdepth.types import Sample


class Named(Reader):
    """A collection of names, of which no photo is read."""

    name = "named"

    def __init__(self, count: int) -> None:
        super().__init__()
        self.keys = [f"{i:05d}.jpg" for i in range(count)]

    def _read(self, index: int) -> Sample:
        raise NotImplementedError

    def _size(self, index: int) -> tuple[int, int]:
        raise NotImplementedError


def folder_of(root: Path, count: int, start: int = 0) -> Photos:
    root.mkdir(exist_ok=True)
    for i in range(start, start + count):
        PIL.Image.new("RGB", (4, 4)).save(root / f"{i:05d}.bmp")
    return Photos(Photos.Config(root=root))


def test_adding_photos_moves_none_across(tmp_path: Path) -> None:
    few = folder_of(tmp_path / "p", 60, start=100)
    before = split_photos(few, 0.2, seed=0)
    many = folder_of(tmp_path / "p", 90)  # some before, some behind

    after = split_photos(many, 0.2, seed=0)

    held = {few.keys[i] for i in before.held_out}
    trained = {few.keys[i] for i in before.training}
    assert len(held) > 2
    assert held <= {many.keys[i] for i in after.held_out}
    assert trained <= {many.keys[i] for i in after.training}


def test_every_photo_is_on_one_side_and_the_share_is_that_asked_for(tmp_path: Path) -> None:
    photos = folder_of(tmp_path / "p", 400)

    split = split_photos(photos, 0.1, seed=0)

    both = np.concatenate([split.training, split.held_out])
    assert sorted(both.tolist()) == list(range(400))
    assert (np.diff(split.training) > 0).all() and (np.diff(split.held_out) > 0).all()
    assert 20 <= len(split.held_out) <= 60  # binomial: 40 +- 6
    assert not np.array_equal(split.held_out, split_photos(photos, 0.1, seed=1).held_out)


@pytest.mark.parametrize("seed", range(5))
def test_at_least_two_are_held_out(tmp_path: Path, seed: int) -> None:
    assert len(split_photos(folder_of(tmp_path / "p", 10), 0.01, seed).held_out) == 2


def test_fewer_than_ten_photos_are_refused_in_one_line(tmp_path: Path) -> None:
    one, nine = folder_of(tmp_path / "one", 1), folder_of(tmp_path / "nine", 9)

    with pytest.raises(InputError) as refused:
        split_photos(one, 0.1, 0)
    assert str(refused.value) == (
        "one: 1 photo; distillation needs 10 or more, a part of which is held out"
    )
    with pytest.raises(InputError, match=r"^nine: 9 photos; distillation needs 10"):
        split_photos(nine, 0.1, 0)


def test_of_a_large_collection_the_first_of_the_order_are_held_out_and_the_rest_trains() -> None:
    small = split_photos(Named(9_000), 0.05, seed=0)
    large = split_photos(Named(9_000), 0.5, seed=0)

    assert len(small.held_out) < MOST_HELD_OUT == len(large.held_out)
    assert set(small.held_out) < set(large.held_out)
    assert len(large.training) == 9_000 - MOST_HELD_OUT


def test_one_photo_is_left_to_train_on() -> None:
    photos = Named(10)

    def largest(seed: int) -> float:
        return max(derive(seed, "holdout", key) for key in photos.keys) / 2**63

    seed = next(seed for seed in range(20_000) if largest(seed) < 0.5)  # by chance, all ten
    split = split_photos(photos, 0.5, seed)

    assert len(split.held_out) == 9
    assert sorted([*split.training, *split.held_out]) == list(range(10))
