"""A part at rate 0 stays as it is: its weights, and what BatchNorm has measured."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from featherdepth.training.freezing import hold_batchnorm, rate_of


def parts_that_moved(tiny, folder: Path, **settings: object) -> set[str]:
    before: dict[str, Tensor] = tiny.new_net().state_dict()
    tiny.train(folder, steps=3, **settings)
    after = tiny.newest_state(folder)["modules"][0]
    return {name for name, value in after.items() if not torch.equal(value, before[name])}


def test_at_rate_0_nothing_of_a_part_moves(tiny, tmp_path: Path) -> None:
    assert parts_that_moved(tiny, tmp_path, rates={"encoder": 0.0}) == {
        "decoder.weight",
        "decoder.bias",
    }


def test_at_another_rate_batchnorm_goes_on_measuring(tiny, tmp_path: Path) -> None:
    moved = parts_that_moved(tiny, tmp_path, rates={"encoder": 0.1})

    assert {"encoder.1.running_mean", "encoder.1.running_var", "encoder.1.weight"} <= moved


@pytest.mark.parametrize(
    ("rates", "every", "training"),
    [
        ({}, False, [True, True]),
        ({}, True, [False, False]),
        ({"a": 0.0}, False, [False, True]),
        ({"a": 0.0, "a.0": 1.0}, False, [True, True]),
        ({"a": 1.0, "b.0": 0.0}, False, [True, False]),
        ({"a.0.weight": 0.0}, False, [True, True]),
    ],
)
def test_the_longest_name_that_fits_says_which_layers_are_held(
    rates: dict[str, float], every: bool, training: list[bool]
) -> None:
    model = nn.ModuleDict({part: nn.Sequential(nn.BatchNorm2d(2)) for part in "ab"})

    hold_batchnorm(model.train(), rates, every=every)

    assert [model[part][0].training for part in "ab"] == training


def test_a_part_is_not_another_whose_name_begins_the_same() -> None:
    assert rate_of("encoder2.0", {"encoder": 0.0}) == 1.0
