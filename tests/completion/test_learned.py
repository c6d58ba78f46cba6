"""The embedded completion network: any size, any scale, and what happens without a photo."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from featherdepth.completion import DEFAULT, learned
from featherdepth.completion.complete import complete_map
from featherdepth.completion.model import CompletionModel
from featherdepth.completion.scene import Field, Scene
from featherdepth.errors import RunError, UsageError, WeightsError
from featherdepth.export.parity import verify
from featherdepth.geometry.anchors import Anchors
from featherdepth.networks.folder import layout, read_config, read_preset
from featherdepth.runtime.model import DepthModel
from featherdepth.runtime.presets import embedded_folder
from featherdepth.types import Completion, Depth, DepthKind, Image

Measured = Callable[..., Depth]


@pytest.fixture
def photo(room: np.ndarray) -> Image:
    """The room as a camera with headlights sees it."""
    gray = (255 * (1.2 - room / 5).clip(0, 1)).astype(np.uint8)
    return Image(pixels=np.repeat(gray[..., None], 3, axis=2), name="room")


def completed(guess: Depth, sparse: Depth, photo: Image | None) -> Completion:
    return complete_map(guess, sparse, photo=photo)


def off(result: Completion, room: np.ndarray) -> float:
    return float(np.abs(result.values / room - 1).mean())


def test_it_is_the_default_and_comes_near_the_truth(
    guess: Depth, measured: Measured, photo: Image, room: np.ndarray
) -> None:
    result = completed(guess, measured(80), photo)

    assert result.method == DEFAULT == "learned"
    assert off(result, room) < 0.05
    assert result.depth.valid.all() and result.values.shape == room.shape
    assert result.confidence.min() > 0
    assert result.confidence.max() <= 1


@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_multiples_of_the_points_give_multiples_of_the_depth(
    guess: Depth, measured: Measured, photo: Image, factor: float
) -> None:
    points = measured(80)
    scaled = Depth(
        values=(points.values * factor).astype(np.float32), valid=points.valid, kind=points.kind
    )

    one, other = completed(guess, points, photo), completed(guess, scaled, photo)

    np.testing.assert_allclose(other.values, factor * one.values, rtol=1e-4)


def test_more_points_do_not_make_it_worse(
    guess: Depth, measured: Measured, photo: Image, room: np.ndarray
) -> None:
    errors = [off(completed(guess, measured(n), photo), room) for n in (10, 100, 1000)]

    assert errors[1] < 1.02 * errors[0] and errors[2] < 1.02 * errors[1]


def test_without_a_photo_the_training_free_method_stands_in(
    guess: Depth, measured: Measured
) -> None:
    assert completed(guess, measured(80), None).method.startswith("kriging")


def test_asked_for_by_name_it_says_that_it_needs_the_photo(
    guess: Depth, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featherdepth.completion.complete.DEFAULT", "auto")

    with pytest.raises(RunError, match="looks at the photo"):
        complete_map(guess, measured(80), method="learned")


def test_a_photo_of_another_size_is_brought_to_the_points(
    guess: Depth, measured: Measured, photo: Image
) -> None:
    half = Image(pixels=np.ascontiguousarray(photo.pixels[::2, ::2]), name="half")

    small, full = (completed(guess, measured(80), p) for p in (half, photo))

    np.testing.assert_allclose(small.values, full.values, rtol=0.1)


def test_a_large_picture_is_completed_at_a_smaller_size(
    guess: Depth,
    measured: Measured,
    photo: Image,
    room: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learned, "MOST_PIXELS", 4000)

    result = completed(guess, measured(80), photo)

    assert result.values.shape == room.shape and off(result, room) < 0.06


@pytest.mark.parametrize(
    ("count", "size", "seen"),
    [
        (500, (480, 640), [(240, 320)]),  # 13 pixels to the nearest point: half the size
        (1500, (480, 640), [(480, 640)]),
        (3, (192, 256), [(192, 256)]),  # the size of its training is never halved
        (50, (1920, 2560), [(217, 289)]),  # shrunk to a million pixels, then halved twice
    ],
)
def test_it_sees_points_as_dense_as_in_training(
    count: int, size: tuple[int, int], seen: list[tuple[int, int]]
) -> None:
    places = np.random.default_rng(0).permutation(size[0] * size[1])[:count]

    assert list(learned.seen_sizes(flat_scene(places, size))) == seen


def below_the_sky(count: int) -> np.ndarray:
    """Points as of a laser: none in the upper two fifths of 480x640."""
    return np.random.default_rng(0).permutation(np.arange(192 * 640, 480 * 640))[:count]


def flat_scene(places: np.ndarray, size: tuple[int, int]) -> Scene:
    """A wall a meter away, and points of it: numbers of pixels."""
    at = np.stack(np.unravel_index(places, size), axis=1)
    anchors = Anchors(places=at, meters=np.ones(len(places)), size=size)
    flat = np.zeros(size, np.float32)
    prior = Depth(values=flat + 1, valid=np.ones(size, np.bool_), kind=DepthKind.METRIC)
    black = Image(pixels=np.zeros((*size, 3), np.uint8), name="black")
    return Scene(anchors=anchors, log_prior=flat, prior=prior, photo=black)


def test_where_a_part_has_no_point_two_sizes_are_seen_and_the_greater_one_believed_near_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = flat_scene(below_the_sky(2500), (480, 640))
    assert learned.seen_sizes(scene) == ((240, 320), (480, 640))
    apart = np.float32(0.2)
    look = learned._look

    def told(scene: Scene, start: Field, size: tuple[int, int]) -> learned.Learned:
        found = look(scene, start, size)
        return found if size == (240, 320) else found._replace(log_depth=found.log_depth + apart)

    both = learned.look(scene)
    monkeypatch.setattr(learned, "_look", told)
    other = learned.look(scene)

    moved = other.log_depth - both.log_depth
    at = scene.anchors.places
    np.testing.assert_allclose(moved[at[:, 0], at[:, 1]], apart, atol=1e-5)
    np.testing.assert_allclose(moved[:160], 0, atol=1e-5)
    assert both.spread.shape == (480, 640)


def test_of_few_points_in_a_part_the_lesser_size_is_enough() -> None:
    scene = flat_scene(below_the_sky(300), (480, 640))

    assert learned.seen_sizes(scene) == ((240, 320),)


def test_it_goes_through_dense_points(
    guess: Depth, measured: Measured, photo: Image, room: np.ndarray
) -> None:
    points = measured(3000)

    result = completed(guess, points, photo)

    at = points.valid
    assert np.abs(result.values[at] / points.values[at] - 1).mean() < 0.003
    assert off(result, room) < 0.01


def one_wrong(points: Depth) -> tuple[Depth, int, int]:
    """The points with one of them off, and where; near enough for the network to be shown it."""
    row, column = np.argwhere(points.valid)[1500]
    values = points.values.copy()
    values[row, column] *= 1.4
    return replace(points, values=values), int(row), int(column)


def test_one_wrong_point_among_many_pulls_nothing_along(
    guess: Depth, measured: Measured, photo: Image, room: np.ndarray
) -> None:
    wrong, row, column = one_wrong(measured(3000))

    result = completed(guess, wrong, photo)

    assert len(result.rejected) == 0
    assert result.values[row, column] == pytest.approx(room[row, column], rel=0.1)


def test_outliers_that_are_kept_are_followed(
    guess: Depth, measured: Measured, photo: Image, room: np.ndarray
) -> None:
    far, row, column = one_wrong(measured(3000))

    model = CompletionModel.from_pretrained(guess, reject_outliers=False)
    result = model.complete(photo, far)

    assert result.values[row, column] > 1.2 * room[row, column]


def test_threads_reach_its_network(
    guess: Depth, measured: Measured, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, asked = learned.open_network, []
    monkeypatch.setattr(
        learned, "open_network", lambda folder, threads: asked.append(threads) or opened(folder, 1)
    )

    CompletionModel.from_pretrained(guess, threads=1).complete(photo, measured(80))
    CompletionModel.from_pretrained(guess).complete(photo, measured(80))

    assert asked == [1, None]


def test_a_network_of_ones_own_takes_the_place_of_the_embedded_one(
    guess: Depth, measured: Measured, photo: Image, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(embedded_folder("completion"), own)
    points = measured(80)

    shipped = completed(guess, points, photo)
    copied = complete_map(guess, points, photo=photo, method=f"learned@{own}")

    assert copied.method == f"learned@{own}"
    np.testing.assert_array_equal(copied.values, shipped.values)

    shipped_sha256 = change_bias(own)
    other = CompletionModel.from_pretrained(guess, method=f"learned@{own}")
    learned._opened.cache_clear()

    assert not np.array_equal(other.complete(photo, points).values, shipped.values)
    assert other.network_sha256 == read_config(own).sha256 != shipped_sha256


def change_bias(folder: Path) -> str:
    """Other weights under the same graph; what their sha256 was."""
    weights, config = folder / "model.safetensors", folder / "config.json"
    place = layout(folder)["head.bias"]
    data = bytearray(weights.read_bytes())
    data[place.offset : place.offset + place.length] = bytes([0x38] * place.length)  # .5 each
    weights.write_bytes(data)
    told = json.loads(config.read_text())
    before, told["sha256"] = told["sha256"], hashlib.sha256(data).hexdigest()
    config.write_text(json.dumps(told))
    return str(before)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("auto@runs/mine", "only learned@FOLDER names a network"),
        ("learned@", "only learned@FOLDER names a network"),
        ("lerned@runs/mine", "did you mean 'learned'"),
    ],
)
def test_a_method_that_takes_no_network_says_so(guess: Depth, method: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CompletionModel.from_pretrained(guess, method=method)


def test_a_model_that_sees_depth_completes_nothing(
    guess: Depth, measured: Measured, photo: Image, tmp_path: Path
) -> None:
    for folder, message in ((embedded_folder("small"), "'small'; expected"), (tmp_path, "config")):
        model = CompletionModel.from_pretrained(guess, method=f"learned@{folder}")
        with pytest.raises(WeightsError, match=message):
            model.complete(photo, measured(80))


def test_backends_agree_on_it() -> None:
    verify(embedded_folder("completion"), sizes=[(64, 96), (96, 160)])


def test_only_data_whose_terms_allow_it_went_in() -> None:
    preset = read_preset(embedded_folder("completion"))

    assert {row["class"] for row in preset.materials} <= {"A", "B"}
    assert preset.network == "completion" and preset.multiple == 32


def test_as_a_depth_model_it_is_refused() -> None:
    with pytest.raises(UsageError, match="featherdepth complete"):
        DepthModel.from_pretrained("completion")


@pytest.mark.parametrize("size", [(1, 1), (12, 16), (20, 30)])
def test_a_picture_that_is_solved_exactly_before_the_steps_are_done_gives_numbers(
    size: tuple[int, int],
) -> None:
    """On four cells twelve steps divide nothing by nothing: the graph once did, torch did not."""
    random = np.random.default_rng(0)
    values = random.uniform(1, 5, size).astype(np.float32)
    guess = Depth(values=values, valid=values > 0, kind=DepthKind.SCALE_INVARIANT)
    seen = random.random(size) < 0.2
    seen[0, 0] = True
    points = Depth(values=np.where(seen, values, 0), valid=seen, kind=DepthKind.METRIC)
    photo = Image(pixels=random.integers(0, 256, (*size, 3), dtype=np.uint8), name="noise")

    result = completed(guess, points, photo)

    assert result.method == "learned"
    assert np.isfinite(result.values).all()
