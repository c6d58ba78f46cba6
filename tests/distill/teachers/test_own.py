"""Model folders of this package teach with their own kind, sizes, terms and inner maps."""

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch

from featherdepth.distill.teachers.base import digest_of
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import UsageError
from featherdepth.images.prepare import prepare
from featherdepth.networks.build import build_network
from featherdepth.networks.folder import read_config
from featherdepth.networks.weights import load_model, save_model
from featherdepth.types import DepthKind, Image, Preset


@pytest.fixture(scope="module")
def small_model(tmp_path_factory, randomize):
    """A model folder with random weights and no graph: teachers run on torch."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = randomize(build_network("small"))
    preset = Preset(
        name="random-small",
        network="small",
        kind=DepthKind.AFFINE_INVARIANT,
        mean=tuple(network.normalize.mean.flatten().tolist()),
        std=tuple(network.normalize.std.flatten().tolist()),
        params=0,
        macs=0,
        license="Apache-2.0",
    )
    folder = tmp_path_factory.mktemp("own") / "model"
    save_model(folder, preset, network, "")
    return folder


@pytest.fixture
def teacher(small_model):
    return open_teacher(small_model)


def with_config(folder, target, **changes):
    shutil.copytree(folder, target)
    table = asdict(read_config(folder)) | changes
    (target / "config.json").write_text(json.dumps(table))
    return target


def test_its_card_is_that_of_the_folder(teacher, small_model):
    preset = read_config(small_model)

    assert isinstance(teacher, Teacher)
    assert teacher.card.name == "random-small"
    assert teacher.card.kind is DepthKind.AFFINE_INVARIANT
    assert teacher.card.license == "Apache-2.0"
    assert teacher.card.params == preset.params
    assert teacher.card.materials == (
        {"name": "random-small", "class": "A", "terms": "Apache-2.0", "use": "teacher"},
    )


@pytest.mark.parametrize("kind", list(DepthKind))
def test_its_kind_is_that_of_the_folder(kind, small_model, tmp_path):
    folder = with_config(small_model, tmp_path / "m", kind=kind.value)

    assert open_teacher(folder).card.kind is kind


def test_its_maps_are_raw(teacher, small_model):
    _, network = load_model(small_model)
    images = torch.rand(2, 3, 64, 96)

    with torch.no_grad():
        expected = network(images)

    torch.testing.assert_close(teacher(images), expected, rtol=1e-4, atol=1e-5)


def test_inner_maps_come_by_name_and_without_gradient(teacher):
    maps, inner = teacher.features(torch.rand(1, 3, 64, 96))

    assert maps.shape == (1, 1, 64, 96)
    assert set(inner) == {"enc4", "enc8", "enc16", "enc32", "dec16", "dec8", "dec4"}
    assert inner["enc8"].shape[-2:] == (8, 12)
    assert not any(tensor.requires_grad for tensor in inner.values())


def test_photos_are_prepared_as_in_prediction(teacher, small_model, photo):
    pixels = photo(300, 400)

    ready = teacher.prepare(pixels, 128)

    assert teacher.input_size(300, 400, 128) == ready.shape[1:] == (128, 128)
    expected = prepare(Image(pixels=pixels), size=128, multiple=64, rule="keep")
    assert np.array_equal(ready, expected)


def test_a_folder_that_stretches_is_stretched_for(small_model, tmp_path, photo):
    teacher = open_teacher(with_config(small_model, tmp_path / "m", resize="stretch", size=192))

    assert teacher.prepare(photo(100, 400)).shape == (3, 192, 192)


def test_the_digest_changes_with_the_preprocessing_and_not_with_the_name(small_model, tmp_path):
    same = open_teacher(with_config(small_model, tmp_path / "a", name="other"))
    stretched = open_teacher(with_config(small_model, tmp_path / "b", resize="stretch"))

    digest = open_teacher(small_model).card.digest
    assert same.card.digest == digest
    assert stretched.card.digest != digest


def test_the_digest_changes_with_what_sets_the_size_of_a_photo(small_model, tmp_path):
    sizes = [{"size": 448}, {"size": 288}, {"size": 224}, {"multiple": 32}]
    folders = [with_config(small_model, tmp_path / str(i), **s) for i, s in enumerate(sizes)]

    assert len({open_teacher(folder).card.digest for folder in folders}) == 4


def test_maps_in_caches_from_before_stay_good_for_the_sizes_of_that_time(small_model, tmp_path):
    folder = with_config(small_model, tmp_path / "m", size=288)
    preset = read_config(folder)

    before = ("own", preset.sha256, preset.kind.value, preset.resize, preset.mean, preset.std)

    assert open_teacher(folder).card.digest == digest_of(*before)


def test_a_class_c_ingredient_makes_it_non_commercial(small_model, tmp_path):
    rows = [{"name": "KITTI", "class": "C", "terms": "CC BY-NC-SA 3.0", "use": "training"}]

    card = open_teacher(with_config(small_model, tmp_path / "m", materials=rows)).card

    assert [row["class"] for row in card.materials] == ["C", "C"]
    assert not card.commercial


def test_a_larger_value_is_farther_for_depth_as_the_network_gives_it(small_model):
    # The network is replaced by a ramp: nothing between it and the caller may turn it over.
    teacher = open_teacher(small_model)
    teacher.module.forward = lambda images: images[:, :1] * 4 - 2

    maps = teacher(torch.linspace(0, 1, 64).expand(1, 3, 64, 64).contiguous())

    assert torch.equal(maps[0, 0, 0].sort().values, maps[0, 0, 0])
    assert (maps.min(), maps.max()) == (-2.0, 2.0)


def test_what_completes_points_is_no_teacher_and_is_not_offered_as_one():
    with pytest.raises(UsageError, match="completes measured points and sees no depth by itself"):
        open_teacher("completion")
    with pytest.raises(UsageError, match="expected base, fast, small, default, a folder"):
        open_teacher("quite else")
