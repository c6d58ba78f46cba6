"""Several teachers teach their mean, of the photo and its mirror image."""

import numpy as np
import pytest
import torch

from featherdepth.distill.teachers.mean import MeanTeacher
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import UsageError
from featherdepth.types import DepthKind

TEACHERS = '''
import torch

def down(images):
    """Rows as depth."""
    b, _, h, w = images.shape
    return torch.arange(h, dtype=torch.float32)[:, None].expand(b, h, w)

def right(images):
    b, _, h, w = images.shape
    return torch.arange(w, dtype=torch.float32).expand(b, h, w)

def brightness(images):
    return images.mean(dim=1, keepdim=True)

def scaled(images):
    return 5 * brightness(images) + 3

def broken(images):
    maps = brightness(images).clone()
    maps[..., 0, 0] = torch.nan
    return maps

def far(images):
    return brightness(images)

def near(images):
    return brightness(images)

def bright(images):
    return 1 + brightness(images)

def five_times(images):
    return 5 * bright(images)

def meters(images):
    return 2 + brightness(images)

for teacher in (down, right, brightness, scaled, broken):
    teacher.kind, teacher.size, teacher.license = "affine_invariant", (64, 96), "MIT"
scaled.size = (128, 192)
scaled.license = "Apache-2.0"
for teacher in (bright, five_times):
    teacher.kind, teacher.size = "scale_invariant", (64, 96)
near.kind = "affine_invariant_disparity"
far.kind, far.size = "affine_invariant", (64, 96)
meters.kind, meters.size = "metric", (64, 96)
'''


@pytest.fixture
def named(tmp_path, monkeypatch):
    """Opens `mean:` of functions of a module in the working folder."""
    (tmp_path / "mean_of_these.py").write_text(TEACHERS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return lambda *names: open_teacher(f"mean:{'+'.join(f'py:mean_of_these:{n}' for n in names)}")


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def standard(maps):
    ordered = np.sort(maps.flatten(1).numpy(), axis=1)
    drop = ordered.shape[1] // 10
    inner = ordered[:, drop:-drop]
    mean, std = inner.mean(axis=1), inner.std(axis=1, ddof=1)
    return (maps.numpy() - mean[:, None, None, None]) / std[:, None, None, None]


def test_it_is_the_mean_of_what_they_say_without_their_scales(named, pictures):
    found = named("brightness", "brightness")(pictures)

    bright = standard(pictures.mean(dim=1, keepdim=True))
    np.testing.assert_allclose(found.numpy(), bright, atol=1e-5)


def test_a_slope_that_follows_the_frame_and_not_the_picture_is_gone(named, pictures):
    rows = torch.arange(64.0)[:, None].expand(2, 1, 64, 96)

    found = named("down", "right")(pictures)

    # `right` says the opposite of the mirror image; `down` says the same.
    np.testing.assert_allclose(found.numpy(), standard(rows) / 2, atol=1e-5)


def test_each_sees_its_own_size(named, pictures):
    both = named("brightness", "scaled")

    assert both.input_size(480, 640) == (128, 192)
    large = both.prepare(np.zeros((480, 640, 3), np.uint8))
    assert large.shape == (3, 128, 192)
    assert both(torch.from_numpy(large)[None]).shape == (1, 1, 128, 192)
    assert both(pictures).shape == (2, 1, 64, 96)


def test_metric_maps_keep_their_unit(named, pictures):
    np.testing.assert_allclose(
        named("meters", "meters")(pictures).numpy(),
        2 + pictures.mean(dim=1, keepdim=True).numpy(),
        atol=1e-6,
    )


def test_maps_of_unknown_scale_count_alike(named, pictures):
    values = 1 + pictures.mean(dim=1, keepdim=True).numpy()
    middle = np.median(values.reshape(2, -1), axis=1)[:, None, None, None]

    found = named("bright", "five_times")(pictures).numpy()

    np.testing.assert_allclose(found, values / middle, rtol=2e-3)


def test_what_one_does_not_know_is_not_hidden(named, pictures):
    found = named("brightness", "broken")(pictures)

    assert found[..., 0, 0].isnan().all()
    assert found[..., 0, -1].isnan().all()  # of the mirror image
    assert found[..., 1:, :].isfinite().all()


def test_its_card_tells_of_all(named):
    both = named("brightness", "scaled")

    assert isinstance(both, Teacher)
    assert isinstance(both, MeanTeacher)
    assert both.card.name == "mean:py:mean_of_these:brightness+py:mean_of_these:scaled"
    assert both.card.kind is DepthKind.AFFINE_INVARIANT
    assert both.card.license == "MIT and Apache-2.0"
    assert both.card.commercial
    assert both.card.digest != named("scaled", "brightness").card.digest
    assert len(named("scaled", "scaled").card.materials) == 1


def test_terms_that_are_not_known_stay_unknown(named):
    assert named("brightness", "far").card.license == ""
    assert not named("brightness", "far").card.commercial


def test_of_one_it_is_the_mean_of_picture_and_mirror_image(named, pictures):
    np.testing.assert_allclose(named("right")(pictures).numpy(), 0, atol=1e-5)


@pytest.mark.parametrize("reference", ["mean:", "mean:small+", "mean:+small"])
def test_a_mean_needs_names(reference):
    with pytest.raises(UsageError, match=r"expected mean:A\+B, the names of teachers"):
        open_teacher(reference)


def test_kinds_are_not_mixed(named):
    with pytest.raises(UsageError, match="near gives affine_invariant_disparity; expected"):
        named("far", "near")


def test_it_has_no_inner_maps(named, pictures):
    with pytest.raises(UsageError, match="no inner maps in common"):
        named("brightness", "scaled").features(pictures)
