"""The trimmed z-score standardizes a target by the middle 80 percent of its valid values."""

import math

import pytest
import torch

from featherdepth.losses.zscore import trimmed_zscore


def test_one_to_twenty_has_the_trimmed_mean_and_sample_deviation() -> None:
    target = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5)

    result = trimmed_zscore(target, torch.ones_like(target, dtype=torch.bool))

    # 3..18 stay: mean 10.5, deviation 4.760952 with n - 1.
    torch.testing.assert_close(result, (target - 10.5) / 4.760952, atol=1e-5, rtol=1e-5)


def test_scale_and_shift_of_the_target_change_nothing() -> None:
    target = torch.rand(2, 1, 8, 9)
    valid = torch.rand(2, 1, 8, 9) > 0.3

    result = trimmed_zscore(7.0 * target + 3.0, valid)

    torch.testing.assert_close(result, trimmed_zscore(target, valid), atol=1e-4, rtol=1e-4)


def test_each_image_is_standardized_by_its_own_valid_pixels() -> None:
    target = torch.rand(2, 1, 6, 7)
    valid = torch.rand(2, 1, 6, 7) > 0.4

    result = trimmed_zscore(target, valid)

    for i in range(2):
        values = target[i][valid[i]].sort().values
        drop = math.floor(0.1 * len(values))
        middle = values[drop : len(values) - drop]
        expected = (target[i][valid[i]] - middle.mean()) / middle.std()
        torch.testing.assert_close(result[i][valid[i]], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_invalid_pixels_are_never_read_and_become_zero(bad: float) -> None:
    target = torch.rand(1, 1, 5, 5)
    valid = torch.ones_like(target, dtype=torch.bool)
    valid[..., 2, 2] = False
    dirty = target.clone()
    dirty[..., 2, 2] = bad

    result = trimmed_zscore(dirty, valid)

    assert torch.equal(result, trimmed_zscore(target, valid))
    assert result[0, 0, 2, 2] == 0


def test_fewer_than_ten_valid_pixels_pass_unchanged() -> None:
    target = torch.arange(1.0, 17.0).reshape(1, 1, 4, 4)
    valid = (target <= 9.0).clone()

    result = trimmed_zscore(target, valid)

    torch.testing.assert_close(result[valid], target[valid])


@pytest.mark.parametrize("value", [0.0, 0.1, 3.3, -10.0, 255.7, 1e-20])
def test_a_constant_target_becomes_zero(value: float) -> None:
    target = torch.full((1, 1, 256, 320), value)

    assert trimmed_zscore(target, torch.ones_like(target).bool()).eq(0).all()


def test_what_rounding_makes_of_a_constant_target_stays_next_to_zero() -> None:
    steps = torch.randint(-1, 2, (1, 1, 64, 80), generator=torch.Generator().manual_seed(0))
    target = 3.3 * (1 + steps * torch.finfo(torch.float32).eps)

    result = trimmed_zscore(target, torch.ones_like(target).bool())

    assert result.abs().max() < 0.05


@pytest.mark.parametrize("sky", [0.0, 3.3])
def test_what_is_left_of_a_map_of_sky_gets_bounded_targets(sky: float) -> None:
    target = torch.full((1, 1, 100, 80), sky)
    target[:, :, 92:] += torch.linspace(0.1, 5, 640).reshape(8, 80)

    result = trimmed_zscore(target, torch.ones_like(target).bool())

    # Of all values about the sky, 92 percent of them 0: their root mean square.
    spread = 0.1 * ((target - sky).square().sum() / (target.numel() - 1)).sqrt()
    torch.testing.assert_close(result, (target - sky) / spread, atol=1e-4, rtol=1e-4)
    assert result.square().mean() <= 100


def test_the_floor_leaves_an_ordinary_target_as_it_is_to_the_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ramp = torch.linspace(1, 6, 4800).reshape(1, 1, 60, 80)
    target = torch.where(torch.rand_like(ramp) < 0.05, 20.0, ramp)  # a sky far behind it
    valid = torch.rand_like(ramp) < 0.9
    with_floor = trimmed_zscore(target, valid)

    monkeypatch.setattr("featherdepth.losses.zscore.FLOOR", 0.0)
    monkeypatch.setattr("featherdepth.losses.zscore.ROUNDING", 0)

    assert torch.equal(trimmed_zscore(target, valid), with_floor)
