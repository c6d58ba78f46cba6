"""What is trained on the photos of the experiment says under which terms they are."""

import io
import re
from pathlib import Path
from typing import get_args

import numpy as np
import PIL.Image
import pytest
from tools.ablation.photos import DOMAINS, TERMS, Kind, with_camera
from tools.ablation.rows import inline, read_domain

from featherdepth.config import set_keys
from featherdepth.images.read import read_image


def test_every_kind_of_photos_has_terms() -> None:
    assert TERMS.keys() == DOMAINS.keys()
    for terms in TERMS.values():
        assert set(terms) == set(get_args(Kind))


def test_a_domain_like_another_learns_the_same_labels_with_its_own_student() -> None:
    rooms, other = read_domain("rooms"), read_domain("rooms-base")

    assert (other.size, other.labels) == (rooms.size, rooms.labels)
    assert (other.student, rooms.student) == ("base", "topformer-lite")
    losses = {row.name: row.losses for row in rooms.rows}
    assert all(row.losses == losses[row.name] for row in other.rows)


@pytest.mark.parametrize(
    ("domain", "kind", "strictest"),
    [("rooms", "target", "B"), ("rooms", "source", "B"), ("streets", "target", "C")],
)
def test_terms_reach_the_recipe_whole(domain: str, kind: Kind, strictest: str) -> None:
    terms = TERMS[domain][kind]

    recipe = set_keys({}, [f"photo_terms={inline(terms)}"])

    assert recipe == {"photo_terms": terms}
    assert max(re.findall(r"class ([ABC])\b", terms)) == strictest


def test_a_known_camera_goes_into_the_photo_and_changes_no_pixel(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "JPEG")
    before, told = tmp_path / "before.jpg", tmp_path / "told.jpg"
    before.write_bytes(file.getvalue())

    told.write_bytes(with_camera(before.read_bytes(), 259.43, (240, 320)))

    camera = read_image(told).intrinsics
    assert camera is not None and camera.fx == pytest.approx(259.43, rel=0.01)
    assert read_image(before).intrinsics is None
    np.testing.assert_array_equal(read_image(told).pixels, read_image(before).pixels)
