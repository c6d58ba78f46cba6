"""8-bit weights are what the formula says, within half a scale, and damage is named."""

import numpy as np
import pytest

from featherdepth.networks.eight_bit import quantize, restore

SLACK = 1e-4
"""Of float32, in scales."""


def test_value_by_hand() -> None:
    # 127 / 64 is the largest of both rows, so the scale is 1/64. In steps of it the first row is
    # 127, 0.25, -3.25, 2: each to its nearest, which moves the sum by nothing. The second is
    # 0.3, 0.4, 0.45, -127: the nearest are 1.15 less in sum, so 0.45, the nearest to the middle,
    # goes up.
    steps = np.array([[127, 0.25, -3.25, 2], [0.3, 0.4, 0.45, -127]], dtype=np.float32)

    whole, scale = quantize(steps / 64)

    assert whole.dtype == np.int8 and scale.dtype == np.float32
    np.testing.assert_array_equal(scale, [[1 / 64], [1 / 64]])
    assert whole.tolist() == [[127, 0, -3, 2], [0, 0, 1, -127]]


def test_each_channel_has_its_own_scale() -> None:
    whole, scale = quantize(np.array([[2.54, -1.0], [6.4, -12.7]], dtype=np.float32))

    np.testing.assert_allclose(scale, [[0.02], [0.1]], rtol=1e-6)
    assert whole.tolist() == [[127, -50], [64, -127]]


@pytest.mark.parametrize("shape", [(5, 7), (6, 1, 3, 3), (4, 8, 5, 5), (3, 2, 9)])
@pytest.mark.parametrize("spread", [1e-30, 1.0, 1e30])
def test_values_move_by_less_than_a_scale_and_sums_by_half_of_one(
    shape: tuple[int, ...], spread: float
) -> None:
    generator = np.random.default_rng(0)
    gains = spread * 10.0 ** generator.uniform(-3, 3, (shape[0], *(1 for _ in shape[1:])))
    weight = (gains * generator.standard_normal(shape)).astype(np.float32)

    whole, scale = quantize(weight)
    back = restore({"w": whole, "w.scale": scale})["w"]

    assert scale.shape == gains.shape and back.dtype == np.float32
    moved = ((back.astype(np.float64) - weight) / scale).reshape(shape[0], -1)
    assert (np.abs(moved) < 1).all()
    assert (np.abs(moved.sum(axis=1)) <= 0.5 + SLACK).all()
    most = np.abs(whole.astype(int)).max(axis=tuple(range(1, len(shape))))
    assert (most == 127).all()  # every channel uses its whole range


def test_no_more_values_than_needed_leave_their_nearest() -> None:
    weight = np.random.default_rng(2).standard_normal((64, 300)).astype(np.float32)

    whole, scale = quantize(weight)

    steps = (weight / scale).astype(np.float64)
    nearest = np.rint(steps)
    turned = (whole != nearest).sum(axis=1)
    surplus = np.abs(np.rint((nearest - steps).sum(axis=1)))
    np.testing.assert_array_equal(turned, surplus)
    assert surplus.max() >= 5  # without that, sums would have moved by as many scales
    assert np.abs(whole - steps).max() < 0.6


def test_the_negative_of_a_weight_is_stored_as_its_negative() -> None:
    weight = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)

    (whole, scale), (other, same) = quantize(weight), quantize(-weight)

    np.testing.assert_array_equal(whole, -other)
    np.testing.assert_array_equal(scale, same)


@pytest.mark.parametrize("value", [0.0, 1e-45, 1e-38])
def test_a_channel_of_nothing_stays_nothing_and_leaves_the_others(value: float) -> None:
    weight = np.array([[value, -value], [1.0, 0.5]], dtype=np.float32)

    whole, scale = quantize(weight)
    back = restore({"w": whole, "w.scale": scale})["w"]

    assert back[0].tolist() == [0, 0] and scale[0] == 1
    np.testing.assert_allclose(back[1], weight[1], atol=0.004)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        quantize(np.array([[1.0, value]], dtype=np.float32))


def test_other_tensors_pass_as_they_are() -> None:
    tensors = {"a": np.ones(3, dtype=np.float16), "b": np.ones((2, 2), dtype=np.float32)}

    restored = restore(tensors)

    assert restored.keys() == tensors.keys()
    assert all(restored[name] is tensors[name] for name in tensors)


WHOLE = np.array([[1, 2], [3, 4]], dtype=np.int8)
GOOD = np.array([[0.5], [2.0]], dtype=np.float32)


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (None, r"w is 8-bit but w\.scale is missing"),
        (GOOD[:1], r"w\.scale is float32 \(1, 1\); expected float32 \(2, 1\)"),
        (GOOD[:, 0], r"expected float32 \(2, 1\)"),
        (GOOD.T, r"expected float32 \(2, 1\)"),
        (GOOD.astype(np.float16), "is float16"),
        (GOOD * [[1], [np.nan]], "is float64"),
        (GOOD * np.array([[1], [np.nan]], dtype=np.float32), "not above 0 and finite"),
        (GOOD * np.array([[1], [np.inf]], dtype=np.float32), "not above 0 and finite"),
        (GOOD * np.array([[1], [0]], dtype=np.float32), "not above 0 and finite"),
        (GOOD * np.array([[1], [-1]], dtype=np.float32), "not above 0 and finite"),
    ],
)
def test_a_damaged_scale_is_named(scale: np.ndarray | None, words: str) -> None:
    tensors = {"w": WHOLE} | ({} if scale is None else {"w.scale": scale})

    with pytest.raises(ValueError, match=words):
        restore(tensors)
    assert restore({"w": WHOLE, "w.scale": GOOD})["w"].tolist() == [[0.5, 1.0], [6.0, 8.0]]


def test_a_scale_without_its_weight_is_named() -> None:
    with pytest.raises(ValueError, match=r"w\.scale is the scale of no 8-bit weight"):
        restore({"w": WHOLE.astype(np.float32), "w.scale": GOOD})
