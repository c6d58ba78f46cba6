"""LeReS teaches with the picture it was trained on and with its raw map."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from featherdepth.distill.teachers import foreign
from featherdepth.distill.teachers.foreign import stretched
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.errors import UsageError, WeightsError
from featherdepth.types import DepthKind

CHECKPOINTS = Path(__file__).parents[2] / "golden" / "checkpoints"


@pytest.fixture(scope="module")
def leres_file(tmp_path_factory):
    """Like the released one, but small: the rows of each weight are one row repeated."""
    shapes = json.loads((CHECKPOINTS / "leres_res50.json").read_text())
    generator = torch.Generator().manual_seed(0)
    state = {}
    for key, shape in shapes.items():
        if key.endswith("num_batches_tracked"):
            state["module." + key] = torch.zeros((), dtype=torch.int64)
        elif key.endswith("running_var"):
            state["module." + key] = torch.ones(shape)
        else:
            row = torch.randn([1, *shape[1:]], generator=generator) * 0.02
            state["module." + key] = row.expand(shape)
    path = tmp_path_factory.mktemp("leres") / "res50.pth"
    torch.save({"depth_model": state}, path)
    return path


@pytest.fixture(scope="module")
def leres(leres_file):
    return open_teacher(f"leres-resnet50@{leres_file}")


def test_it_is_affine_invariant_depth_and_not_commercial(leres):
    assert leres.card.name == "leres-resnet50@res50.pth"
    assert leres.card.kind is DepthKind.AFFINE_INVARIANT
    assert leres.card.params == 52_126_529
    assert "Adobe Research" in leres.card.license
    assert [row["class"] for row in leres.card.materials] == ["C"]
    assert not leres.card.commercial


def test_every_photo_is_stretched_to_448_unless_another_edge_is_asked_for(leres):
    assert leres.input_size(1200, 300) == (448, 448)
    assert leres.input_size(1200, 300, 64) == (64, 64)
    assert leres.input_size(1200, 300, (64, 96)) == (64, 96)


def test_its_map_is_raw_with_no_shift_of_its_own(leres):
    images = torch.rand(2, 3, 32, 32)

    maps = leres(images)

    with torch.no_grad():
        expected = leres.module(images)
    torch.testing.assert_close(maps, expected)
    assert maps.min() < 0.01  # the demo would have made this 0.01


def test_bilinear_without_antialiasing_by_hand():
    # Four pixels to two: centers lie at 0.5 and 2.5, half way between their neighbors. A filter
    # that antialiases would reach farther.
    row = np.array([0, 100, 200, 40], dtype=np.uint8)
    pixels = np.repeat(row[None, :, None], 3, axis=2)

    resized = stretched(pixels, (1, 2))

    np.testing.assert_allclose(resized[:, 0] * 255, [[50, 120]] * 3, rtol=1e-6)


def test_photos_are_resized_without_antialiasing(leres):
    stripes = np.zeros((64 * 4, 64 * 4, 3), dtype=np.uint8)
    stripes[:, 1::4] = stripes[:, 2::4] = 255  # the two columns under every new center

    assert np.array_equal(leres.prepare(stripes, 64), np.ones((3, 64, 64), dtype=np.float32))


def test_the_digest_is_of_the_file(leres, leres_file, tmp_path, monkeypatch):
    other = tmp_path / "other.pth"
    state = torch.load(leres_file, weights_only=True)
    torch.save(state | {"focal_model": {"a": torch.ones(1)}}, other)
    monkeypatch.setattr(foreign, "load_foreign", lambda *_: (leres.module, None))  # slow to build

    assert open_teacher(f"leres-resnet50@{other}").card.digest != leres.card.digest
    assert open_teacher(f"leres-resnet50@{leres_file}").card.digest == leres.card.digest


def test_an_encoder_gives_no_depth(tmp_path):
    path = tmp_path / "b.pth"
    path.write_bytes(b"")

    with pytest.raises((UsageError, WeightsError), match=r"b\.pth|encoder"):
        open_teacher(f"topformer-base@{path}")


def test_a_completion_network_is_no_teacher(tmp_path):
    path = tmp_path / "e.pth"
    path.write_bytes(b"")

    with pytest.raises(UsageError, match=r"teacher enet@e\.pth: enet completes measured depth"):
        open_teacher(f"enet@{path}")
