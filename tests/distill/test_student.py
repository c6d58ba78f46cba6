"""A student begins as its recipe says, in the sense of its teacher's numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from featherdepth.distill.recipe import DistillRecipe, parse_recipe
from featherdepth.distill.student import find_start, start_student, turn
from featherdepth.errors import UsageError, WeightsError
from featherdepth.networks.build import build_network
from featherdepth.networks.efficientnet_lite import EfficientNetLite
from featherdepth.networks.weights import load_model
from featherdepth.runtime.presets import embedded_folder
from featherdepth.types import DepthKind

DEPTH, DISPARITY = DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY


def recipe(**changes: Any) -> DistillRecipe:
    table = {"student": "fast", "size": [64, 64], "batch": 2, "steps": 1}
    return parse_recipe(table | {"losses": [{"name": "mse"}]} | changes, "r")


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}


def equal(first: nn.Module, second: nn.Module) -> bool:
    ours, theirs = weights(first), weights(second)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_default_is_the_embedded_model_of_the_students_name() -> None:
    chosen = recipe(student="small")

    assert find_start(chosen) == embedded_folder("small")
    assert equal(start_student(chosen, DEPTH), load_model(embedded_folder("small"))[1])


def test_default_is_random_where_there_is_no_such_model_or_it_would_not_fit() -> None:
    assert find_start(recipe(student="topformer-lite")) is None
    assert find_start(recipe(student="small", settings={"widths": [32, 48, 64]})) is None
    assert find_start(recipe(student="small", encoder_weights="x.pth")) is None
    assert find_start(recipe(student="small", init="random")) is None


def test_random_weights_are_those_of_the_seed_whatever_was_drawn_before() -> None:
    first = start_student(recipe(init="random"), DEPTH)
    torch.rand(7)
    state = torch.get_rng_state()

    second = start_student(recipe(init="random"), DEPTH)

    assert equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)  # nobody else's numbers move
    assert not equal(first, start_student(recipe(init="random", seed=1), DEPTH))


def test_settings_reach_the_network() -> None:
    narrow = start_student(recipe(settings={"widths": [16, 16, 16]}), DEPTH)

    assert narrow.get_submodule("decoder.top.conv").weight.shape[0] == 16


def test_a_folder_gives_its_weights(make_model: Callable[..., Path]) -> None:
    folder = make_model("fast", graph=False)

    assert equal(start_student(recipe(init=str(folder)), DEPTH), load_model(folder)[1])


def test_a_start_of_the_other_sense_is_turned(make_model: Callable[..., Path]) -> None:
    folder = make_model("fast", graph=False, kind=DISPARITY)
    images = torch.rand(1, 3, 64, 64)

    turned = start_student(recipe(init=str(folder)), DEPTH).eval()
    kept = start_student(recipe(init=str(folder)), DISPARITY).eval()

    before = load_model(folder)[1]
    with torch.no_grad():
        assert torch.equal(turned(images), -before(images))
        assert torch.equal(kept(images), before(images))


def test_encoder_weights_fill_the_encoder_and_leave_the_decoder_random(tmp_path: Path) -> None:
    encoder = EfficientNetLite("lite0")
    path = tmp_path / "lite0.pth"
    torch.save(_as_released(encoder), path)

    student = start_student(recipe(student="small", encoder_weights=str(path)), DEPTH)

    assert equal(student.get_submodule("encoder"), encoder)
    random = start_student(recipe(student="small", init="random"), DEPTH)
    assert equal(student.get_submodule("decoder"), random.get_submodule("decoder"))


def _as_released(encoder: nn.Module) -> dict[str, Tensor]:
    """Under the names of the PyTorch port (tests/networks/test_imagenet.py has all of them)."""
    state = {}
    for key, tensor in encoder.state_dict().items():
        name = key.replace("stem.conv", "_conv_stem").replace("stem.bn", "_bn0")
        if key.startswith("blocks."):
            name = "_" + name
            for theirs, ours in (
                ("_expand_conv", "expand.conv"),
                ("_bn0", "expand.bn"),
                ("_depthwise_conv", "depthwise.conv"),
                ("_bn1", "depthwise.bn"),
                ("_project_conv", "project.conv"),
                ("_bn2", "project.bn"),
            ):
                name = name.replace(f".{ours}.", f".{theirs}.")
        state[name] = tensor
    return state


def test_a_start_that_does_not_fit_is_one_line(
    make_model: Callable[..., Path], tmp_path: Path
) -> None:
    fast = make_model("fast", graph=False)
    foreign = tmp_path / "res50.pth"
    foreign.touch()

    def said(kind: type[Exception], **changes: Any) -> str:
        with pytest.raises(kind) as refused:
            start_student(recipe(**changes), DEPTH)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    other = said(UsageError, student="small", init=str(fast))
    assert other == (
        f"init {fast}: of network 'fast', the student is 'small'; take --student fast or another"
        " start"
    )
    settings = {"widths": [16, 16, 16]}
    assert "does not fit network 'fast'" in said(WeightsError, init=str(fast), settings=settings)
    assert "a foreign file" in said(UsageError, init=f"leres-resnet50@{foreign}")
    assert "no such file or folder" in said(WeightsError, init=str(tmp_path / "gone"))
    assert "did you mean 'small'?" in said(UsageError, init="smal")
    assert "bare encoder" in said(UsageError, student="topformer-tiny")
    assert "lite0" in said(WeightsError, student="small", encoder_weights="lite0_gone")


@pytest.mark.parametrize("network", ["small", "fast", "base", "efficientnet-lite2-ffm"])
def test_turning_negates_the_raw_output_exactly(
    network: str, randomize: Callable[[nn.Module], nn.Module]
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = randomize(build_network(network))
        images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = model(images)

        turn(model, DISPARITY, DEPTH)

        assert before.std() > 0
        assert torch.equal(model(images), -before)
        turn(model, DEPTH, DISPARITY)
        assert torch.equal(model(images), before)


@pytest.mark.parametrize("other", [DEPTH, DepthKind.METRIC, DepthKind.SCALE_INVARIANT])
def test_kinds_of_one_sense_turn_nothing(other: DepthKind) -> None:
    model = build_network("fast")
    before = {k: v.clone() for k, v in weights(model).items()}

    turn(model, other, DEPTH)
    turn(model, DISPARITY, DISPARITY)

    assert all(torch.equal(v, before[k]) for k, v in weights(model).items())
