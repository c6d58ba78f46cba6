"""The numbers of each family are what its card says: disparity or depth, never mixed up."""

import math
from types import SimpleNamespace

import pytest
import torch

from featherdepth.distill.teachers.hub.families import FAMILIES, family_of
from featherdepth.errors import UsageError
from featherdepth.types import DepthKind


def kind(model_type, **config):
    return FAMILIES[model_type].kind(SimpleNamespace(**config))


@pytest.mark.parametrize(
    ("model_type", "config", "expected"),
    [
        ("depth_anything", {"depth_estimation_type": "relative"}, "affine_invariant_disparity"),
        ("depth_anything", {"depth_estimation_type": "metric"}, "metric"),
        ("dpt", {"add_projection": False}, "affine_invariant_disparity"),
        ("dpt", {"add_projection": True}, "metric"),
        ("zoedepth", {}, "metric"),
        ("glpn", {}, "metric"),
        ("depth_pro", {"use_fov_model": True}, "metric"),
        ("depth_pro", {"use_fov_model": False}, "scale_invariant"),
    ],
)
def test_the_kind_of_every_family(model_type, config, expected):
    assert kind(model_type, **config) is DepthKind(expected)


@pytest.mark.parametrize(
    ("model_type", "words"),
    [
        ("prompt_depth_anything", "needs measured depth as a prompt beside each photo"),
        ("chmv2", "gives the height of trees"),
        ("depth_anythin", "nearest: depth_anything; expected one of depth_anything, depth_pro"),
        ("bert", "others fit in as py:module:function"),
        ("", "model type '' is not a known depth model"),
    ],
)
def test_other_models_are_refused_with_a_sentence(model_type, words):
    with pytest.raises(UsageError) as caught:
        family_of({"model_type": model_type}, "teacher t")

    assert words in str(caught.value)
    assert str(caught.value).startswith("teacher t: ")


def depth_pro(inverse, fov=None):
    output = SimpleNamespace(predicted_depth=inverse, field_of_view=fov)
    return FAMILIES["depth_pro"].depth(output)


def test_depth_pro_in_metres_by_hand():
    # 90 degrees: the picture is 2 tan 45 = 2 focal lengths wide. 1 / (0.25 * 2) = 2 m.
    maps = depth_pro(torch.full((1, 2, 2), 0.25), torch.tensor([90.0]))

    torch.testing.assert_close(maps, torch.full((1, 2, 2), 2.0))


def test_each_photo_has_its_own_field_of_view():
    fov = torch.tensor([90.0, math.degrees(2 * math.atan(0.5))])

    maps = depth_pro(torch.full((2, 1, 1), 0.5), fov)

    torch.testing.assert_close(maps.flatten(), torch.tensor([1.0, 2.0]))


def test_depth_pro_without_a_field_of_view_is_the_inverse_alone():
    torch.testing.assert_close(depth_pro(torch.full((1, 1, 1), 0.25)), torch.full((1, 1, 1), 4.0))


def test_depth_pro_turns_its_raw_map_over_a_larger_raw_value_is_nearer():
    raw = torch.linspace(0.1, 1, 8).reshape(1, 1, 8)

    assert depth_pro(raw, torch.tensor([60.0])).diff(dim=-1).lt(0).all()


def test_depth_pro_stays_finite_where_its_raw_map_is_0_or_huge():
    maps = depth_pro(torch.tensor([[[0.0, 1e9]]]), torch.tensor([60.0]))

    torch.testing.assert_close(maps, torch.tensor([[[1e4, 1e-4]]]))


def test_the_librarys_own_formula_gives_the_same_metres():
    # As it stands there: through a focal length in pixels of the picture that is asked for.
    raw, fov, width = torch.rand(1, 4, 6) + 0.1, torch.tensor([70.0]), 6

    focal = 0.5 * width / torch.tan(0.5 * torch.deg2rad(fov))
    expected = 1.0 / torch.clamp(raw * width / focal, min=1e-4, max=1e4)

    torch.testing.assert_close(depth_pro(raw, fov), expected)
