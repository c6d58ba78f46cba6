"""A student's encoder is compared, level by level, with its teacher's standardized channels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from featherdepth.distill.feature_matching import (
    LEAST_SPREAD,
    LEVELS,
    EncoderTeacher,
    FeatureMatching,
    Maps,
)
from featherdepth.distill.views import DistillBatch
from featherdepth.errors import RunError, UsageError, WeightsError
from featherdepth.networks.build import build_network
from featherdepth.networks.depthnet import LITE_MEAN, LITE_STD, DepthNet

CHANNELS = {"enc4": 24, "enc8": 40, "enc16": 112, "enc32": 320}


@pytest.fixture(scope="module")
def teacher(encoder_file: Path) -> EncoderTeacher:
    return EncoderTeacher("efficientnet-lite0", str(encoder_file))


@pytest.fixture
def views() -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.rand(2, 3, 64, 96, generator=generator) for _ in range(3)]


class Constant(EncoderTeacher):
    """Gives one number a level."""

    def __init__(self, values: dict[str, float]) -> None:
        self.channels, self.values, self.asked = CHANNELS, values, list[Tensor]()

    def __call__(self, images: Tensor) -> Maps:
        self.asked.append(images)
        height, width = images.shape[-2:]
        return {
            level: torch.full(
                (len(images), n, height // int(level[3:]), width // int(level[3:])),
                self.values[level],
            )
            for level, n in CHANNELS.items()
        }


def batch_of(images: Tensor, clean: Tensor) -> DistillBatch:
    return DistillBatch(
        step=0,
        images=images,
        clean=clean,
        maps=None,
        shown=torch.ones_like(images[:, :1], dtype=torch.bool),
        intrinsics=np.ones((len(images), 4)),
        keys=(),
        seeds=np.zeros(len(images), np.int64),
    )


@pytest.fixture(scope="module")
def student() -> DepthNet:
    torch.manual_seed(0)
    return build_network("fast")


def test_values_by_hand(student: DepthNet) -> None:
    teacher = Constant({"enc4": 3.0, "enc8": -0.5, "enc16": 1.0, "enc32": 0.0})
    objective = FeatureMatching(student, teacher, seed=0)
    for projection in objective.projections.values():
        nn.init.zeros_(projection.weight)
        nn.init.constant_(projection.bias, 1.0)
    images, clean = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)

    with torch.no_grad():
        asked = list[Tensor]()
        hook = student.normalize.register_forward_pre_hook(lambda _, given: asked.append(given[0]))
        losses = objective(student, batch_of(images, clean))
        hook.remove()

    # Differences 2, 1.5, 0, 1: above 1 it is |d| - 1/2, below d^2 / 2.
    expected = {"enc4": 1.5, "enc8": 1.0, "enc16": 0.0, "enc32": 0.5}
    assert list(losses) == list(LEVELS)
    for level, value in expected.items():
        torch.testing.assert_close(losses[level], torch.full((2,), value))
    assert teacher.asked[0] is clean and asked[0] is images  # the student alone sees jitter


def test_every_encoder_layer_and_projection_learns_and_nothing_else(
    teacher: EncoderTeacher, views: list[Tensor]
) -> None:
    student = build_network("fast").train()
    teacher.measure(views)
    objective = FeatureMatching(student, teacher, seed=0)

    losses = objective(student, batch_of(views[0], views[0]))
    torch.stack([value.mean() for value in losses.values()]).sum().backward()

    silent = {n for n, p in student.named_parameters() if p.grad is None}
    assert silent == {n for n, _ in student.named_parameters() if n.startswith("decoder.")}
    trained = dict(objective.named_parameters())
    assert trained.keys() == {f"projections.{v}.{p}" for v in LEVELS for p in ("weight", "bias")}
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained.values())


def test_projections_are_a_function_of_the_seed(student: DepthNet) -> None:
    teacher = Constant(dict.fromkeys(LEVELS, 0.0))
    state = torch.get_rng_state()

    first, same, other = (FeatureMatching(student, teacher, seed=seed) for seed in (1, 1, 2))

    weights = [m.projections["enc8"].weight for m in (first, same, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_measured_channels_have_no_mean_and_unit_spread(
    teacher: EncoderTeacher, views: list[Tensor]
) -> None:
    teacher.measure(views)

    found = [teacher(images) for images in views]

    for level, width in CHANNELS.items():
        maps = torch.cat([maps[level] for maps in found])
        assert maps.shape[1] == width and not maps.requires_grad
        torch.testing.assert_close(maps.mean(dim=(0, 2, 3)), torch.zeros(width), atol=2e-3, rtol=0)
        spread = maps.std(dim=(0, 2, 3), correction=0)
        torch.testing.assert_close(spread, torch.ones(width), atol=2e-3, rtol=0)


def test_a_channel_that_says_nothing_is_not_blown_up(
    encoder_file: Path, views: list[Tensor]
) -> None:
    teacher = EncoderTeacher("efficientnet-lite0", str(encoder_file))
    bn = teacher._module[1].blocks[-1].project.bn
    nn.init.zeros_(bn.weight[:1])

    teacher.measure(views)

    assert teacher._moments["enc32"][1][0].item() == pytest.approx(LEAST_SPREAD)
    assert teacher(views[0])["enc32"][:, 0].abs().max() < 1


def test_the_teacher_sees_pictures_as_its_weights_were_trained(
    teacher: EncoderTeacher, views: list[Tensor]
) -> None:
    encoder = teacher._module[1]
    with torch.no_grad():
        mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (LITE_MEAN, LITE_STD))
        expected = encoder((views[0] - mean) / std)[2]

    teacher.measure(views)

    mean, spread = teacher._moments["enc16"]
    torch.testing.assert_close(
        teacher(views[0])["enc16"], (expected - mean) / spread, rtol=1e-4, atol=1e-4
    )


def test_the_digest_is_of_the_weights(encoder_file: Path, tmp_path: Path) -> None:
    state = torch.load(encoder_file, weights_only=True)
    state["_conv_stem.weight"][0, 0, 0, 0] += 1
    torch.save(state, tmp_path / "other.pth")

    digests = [
        EncoderTeacher("efficientnet-lite0", str(path)).digest
        for path in (encoder_file, encoder_file, tmp_path / "other.pth")
    ]

    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("network", "words"),
    [("small", "expected a bare encoder"), ("topformer-tiny", "expected a bare encoder")],
)
def test_what_is_no_imagenet_encoder_is_refused(
    network: str, words: str, encoder_file: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        EncoderTeacher(network, str(encoder_file))


def test_weights_of_another_encoder_are_refused(encoder_file: Path) -> None:
    with pytest.raises(WeightsError, match="does not fit this encoder"):
        EncoderTeacher("efficientnet-lite2", str(encoder_file))


def test_a_teacher_that_gives_nan_is_a_run_error(encoder_file: Path, views: list[Tensor]) -> None:
    teacher = EncoderTeacher("efficientnet-lite0", str(encoder_file))
    nn.init.constant_(teacher._module[1].stem.bn.weight, float("nan"))

    with pytest.raises(RunError, match="enc4 is not finite"):
        teacher.measure(views)


def test_encode_gives_the_inner_maps_of_features() -> None:
    network = build_network("fast").eval()
    images = torch.rand(1, 3, 64, 96)

    with torch.no_grad():
        encoded, (_, inner) = network.encode(images), network.features(images)

    assert list(encoded) == list(LEVELS)
    assert all(torch.equal(encoded[level], inner[level]) for level in LEVELS)
    with pytest.raises(ValueError, match="multiples of 32"):
        network.encode(torch.rand(1, 3, 60, 96))
