"""Results never take the place of what they were made of."""

import os

import numpy as np
import pytest

from featherdepth.errors import UsageError
from featherdepth.images.targets import check_targets
from featherdepth.images.write import save
from featherdepth.types import Depth, DepthKind


@pytest.fixture
def photo(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"photo")
    return tmp_path / "photo.png"


def test_a_source_is_known_by_any_of_its_names(photo):
    (photo.parent / "deep").mkdir()
    soft, hard = photo.with_name("soft.png"), photo.with_name("hard.png")
    soft.symlink_to(photo)
    os.link(photo, hard)

    for name in (photo, photo.parent / "deep" / ".." / "photo.png", soft, hard):
        with pytest.raises(UsageError, match="would be overwritten"):
            check_targets([photo], [photo.with_name("new.png"), name])


def test_what_is_no_result_is_replaced_only_when_asked(photo):
    values = np.ones((2, 3), np.float32)
    depth = Depth(values=values, valid=values > 0, kind=DepthKind.METRIC)
    save(depth, photo.with_name("map.png"))
    save(depth, photo.with_name("lone.color.png"), format="color")  # killed before its map

    check_targets([], [photo.with_name("map.png"), photo.with_name("lone.color.png")])
    for name in ("map.png", "map.png.json", "lone.color.png"):
        check_targets([], [photo.with_name(name)], replace_others=False)
    check_targets([], [photo.with_name("new.color.png")], replace_others=False)
    check_targets([], [photo])
    with pytest.raises(UsageError, match=r"photo\.png: is there already and no result"):
        check_targets([], [photo], replace_others=False)


def test_sources_that_are_gone_and_folders_stand_in_nobodys_way(photo):
    check_targets([photo.with_name("gone.png"), photo.parent], [photo])
