"""Teachers stay as they are: eval mode, no gradient, float32, and whole maps only."""

import pytest
import torch
from torch import nn

from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.distill.teachers.base import Sizing, TorchTeacher, as_maps, digest_of
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.distill.teachers.terms import with_itself
from featherdepth.errors import UsageError
from featherdepth.types import DepthKind

CARD = TeacherCard(
    name="t", kind=DepthKind.METRIC, digest="d", license="MIT", materials=with_itself("t", "MIT")
)


class Network(nn.Module):
    """With everything that could change: dropout, statistics, weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 1)
        self.norm = nn.BatchNorm2d(1)
        self.drop = nn.Dropout(0.5)

    def forward(self, images):
        return self.drop(self.norm(self.conv(images.mul_(1.0))))


@pytest.fixture
def teacher():
    return TorchTeacher(CARD, Sizing(size=64), None, Network().train())


def checksum(module):
    return {key: tensor.clone() for key, tensor in module.state_dict().items()}


def test_it_is_a_teacher(teacher):
    assert isinstance(teacher, Teacher)


def test_a_thousand_calls_change_neither_weights_nor_statistics(teacher):
    before = checksum(teacher.module)
    images = torch.rand(2, 3, 8, 8)

    maps = [teacher(images) for _ in range(1000)]

    after = teacher.module.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert all(torch.equal(maps[0], other) for other in maps)
    assert not teacher.module.training


def test_nothing_of_it_has_a_gradient_and_its_maps_can_be_used_for_one(teacher):
    images = torch.rand(2, 3, 8, 8, requires_grad=True)

    maps = teacher(images)
    weight = torch.ones(1, requires_grad=True)
    (maps * weight).square().sum().backward()

    assert not maps.requires_grad
    assert not maps.is_inference()
    assert images.grad is None
    assert all(not p.requires_grad and p.grad is None for p in teacher.module.parameters())
    assert weight.grad is not None


def test_train_on_what_owns_it_does_not_reach_it(teacher):
    class Objective(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.student = nn.Linear(1, 1)
            self.teacher = teacher

    objective = Objective()
    objective.train()

    assert not teacher.module.training
    assert set(objective.state_dict()) == {"student.weight", "student.bias"}


def test_the_autocast_of_the_caller_does_not_reach_it(teacher):
    images = torch.rand(2, 3, 8, 8)
    expected = teacher(images)

    with torch.autocast("cpu", torch.bfloat16):
        maps = teacher(images)

    assert torch.equal(maps, expected)


def test_the_callers_pictures_are_not_written_into(teacher):
    images = torch.rand(2, 3, 8, 8)
    before = images.clone()
    teacher.module.forward = lambda x: x.mul_(2).sum(1)

    teacher(images)

    assert torch.equal(images, before)


def test_it_goes_where_it_is_sent(teacher):
    teacher.to("meta")

    assert {tensor.device.type for tensor in teacher.module.state_dict().values()} == {"meta"}


def test_nan_is_handed_on(teacher):
    maps = teacher(torch.full((1, 3, 4, 4), torch.nan))

    assert maps.isnan().all()


def test_maps_without_a_channel_axis_get_one():
    assert as_maps(torch.rand(2, 4, 5), 2, "t").shape == (2, 1, 4, 5)


def test_half_precision_maps_become_float32():
    assert as_maps(torch.rand(2, 1, 4, 5).half(), 2, "t").dtype == torch.float32


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1.0], "gave list; expected a tensor of shape (2, 1, h, w) or (2, h, w)"),
        (torch.rand(2, 3, 4, 5), "gave float32 of shape (2, 3, 4, 5); expected"),
        (torch.rand(1, 1, 4, 5), "of shape (1, 1, 4, 5)"),
        (torch.rand(4, 5), "of shape (4, 5)"),
        (torch.rand(2, 1, 0, 5), "of shape (2, 1, 0, 5)"),
        (torch.ones(2, 1, 4, 5, dtype=torch.int64), "gave int64"),
    ],
)
def test_what_is_no_map_is_refused(value, words):
    with pytest.raises(UsageError) as caught:
        as_maps(value, 2, "t")

    assert words in str(caught.value)
    assert str(caught.value).startswith("teacher t: ")


def test_a_size_that_does_not_fit_is_refused_at_the_door():
    with pytest.raises(UsageError, match="100x64 does not fit this network; expected multiples"):
        TorchTeacher(CARD, Sizing(size=64), (100, 64), Network())


def test_a_fixed_size_takes_no_other():
    teacher = TorchTeacher(CARD, Sizing(size=(48, 64), fixed=True), None, Network())

    assert teacher.input_size(1000, 10) == teacher.input_size(5, 5, (48, 64)) == (48, 64)
    with pytest.raises(UsageError, match="teacher t: sees every photo at 48x64, not at 96"):
        teacher.input_size(10, 10, 96)


def test_the_size_asked_for_at_a_call_wins_over_that_of_the_door_and_that_over_its_own():
    own = TorchTeacher(CARD, Sizing(size=64), None, Network())
    asked = TorchTeacher(CARD, Sizing(size=64), 128, Network())

    assert own.input_size(10, 10) == (64, 64)
    assert asked.input_size(10, 10) == (128, 128)
    assert asked.input_size(10, 10, 96) == (96, 96)


def test_only_networks_of_this_package_name_inner_maps(teacher):
    with pytest.raises(UsageError, match="teacher t: has no inner maps by name; losses on feature"):
        teacher.features(torch.rand(1, 3, 8, 8))


def test_a_digest_changes_with_every_part_and_with_their_order():
    digests = {digest_of("a", "b"), digest_of("b", "a"), digest_of("ab"), digest_of("a", "b", 1)}

    assert len(digests) == 4
