"""The pictures of a run: photos from the best to the worst agreement, small, in files that open."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor, nn

from featherdepth.distill.agreement import HeldOut
from featherdepth.distill.pictures import write_pictures
from featherdepth.errors import RunError
from featherdepth.types import DepthKind


class Ramp(nn.Module):
    """Farther to the right, or to the left."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.sign = nn.Parameter(torch.tensor(sign))

    def forward(self, images: Tensor) -> Tensor:
        width = images.shape[-1]
        return 2 + self.sign * torch.linspace(-1, 1, width).expand_as(images[:, :1])


STUDENTS = (Ramp(-1.0), Ramp(1.0))
RAMP = np.tile(np.linspace(1, 3, 64, dtype=np.float32), (32, 1))


def held(count: int, shape: tuple[int, int] = (32, 64)) -> list[HeldOut]:
    photos = []
    for i in range(count):
        rgb = np.full((3, *shape), round(255 * i / max(count - 1, 1)), np.uint8)
        photos.append(HeldOut(key=f"p/{i}.jpg", rgb=rgb, map=RAMP))
    return photos


def rows(count: int) -> np.ndarray:
    """Agreement worsens with the place, but for two that are swapped."""
    values = np.arange(count, dtype=np.float64)
    values[[0, 1]] = values[[1, 0]]
    return np.column_stack([values, np.zeros(count)])


def written(folder: Path, count: int, kind: DepthKind = DepthKind.AFFINE_INVARIANT) -> list[dict]:
    return write_pictures(folder, held(count), rows(count), kind, STUDENTS)


def test_six_samples_from_best_to_worst_then_the_four_worst(tmp_path: Path) -> None:
    table = written(tmp_path, 20)

    keys = [row["key"] for row in table]
    # The first sixteen in steps of three: the best is number 1, since 0 and 1 are swapped.
    assert keys[:6] == [f"p/{i}.jpg" for i in (1, 3, 6, 9, 12, 15)]
    assert keys[6:] == [f"p/{i}.jpg" for i in (19, 18, 17, 16)]
    assert [row["role"] for row in table] == ["sample"] * 6 + ["worst"] * 4


@pytest.mark.parametrize(("count", "samples"), [(2, 0), (4, 0), (5, 1), (7, 3), (10, 6)])
def test_few_photos_are_shown_once_each(tmp_path: Path, count: int, samples: int) -> None:
    table = written(tmp_path, count)

    assert [row["role"] for row in table] == ["sample"] * samples + ["worst"] * min(count, 4)
    assert len({row["key"] for row in table}) == count == len(table)


def test_every_picture_is_a_small_jpeg_beside_the_run(tmp_path: Path) -> None:
    table = written(tmp_path, 3)

    names = [row[part] for row in table for part in ("photo", "before", "after", "teacher")]
    assert len(set(names)) == 12
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*")) == sorted(
        names
    )
    for name in names:
        with PIL.Image.open(tmp_path / name) as picture:
            assert picture.format == "JPEG" and picture.size == (256, 128)


def test_photo_before_after_and_teacher_are_what_they_say(tmp_path: Path) -> None:
    row = written(tmp_path, 3)[0]  # the worst, number 2: white

    shown = {}
    for part in ("photo", "before", "after", "teacher"):
        with PIL.Image.open(tmp_path / row[part]) as picture:
            shown[part] = np.asarray(picture.convert("RGB")).astype(float)
    assert row["key"] == "p/2.jpg"
    assert shown["photo"].min() > 250
    assert abs(shown["after"] - shown["teacher"]).mean() < 3
    assert abs(shown["before"][:, ::-1] - shown["teacher"]).mean() < 3
    assert abs(shown["before"] - shown["teacher"]).mean() > 50


@pytest.mark.parametrize("kind", DepthKind)
def test_maps_of_every_kind_can_be_painted(tmp_path: Path, kind: DepthKind) -> None:
    assert len(written(tmp_path, 2, kind)) == 2


def test_tall_photos_are_as_high_as_wide_ones_are_wide(tmp_path: Path) -> None:
    table = write_pictures(
        tmp_path, held(2, (128, 32)), rows(2), DepthKind.AFFINE_INVARIANT, STUDENTS
    )

    with PIL.Image.open(tmp_path / table[0]["photo"]) as picture:
        assert picture.size == (64, 256)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file")

    with pytest.raises(RunError, match="cannot make folder"):
        written(tmp_path, 2)
