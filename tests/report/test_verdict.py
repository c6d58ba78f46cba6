"""The verdict says what the intervals carry, and no more."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from featherdepth.config import from_table
from featherdepth.report.document import Distillation, Estimate
from featherdepth.report.plots.scale import MINUS
from featherdepth.report.verdict import (
    improved_photos,
    judge,
    verdict_on_default,
    verdict_on_start,
)
from featherdepth.report.wording import SPACE

Build = Callable[..., Distillation]


@pytest.fixture
def build(make_document: Callable[[int], dict[str, Any]]) -> Build:
    def make(
        gain: tuple[float, float, float] = (-0.09, -0.1, -0.08),
        over_default: tuple[float, float, float] | None = None,
        photos: int = 40,
        **changes: Any,
    ) -> Distillation:
        found = make_document(photos)
        names = ("value", "low", "high")
        found["agreement"]["gain"]["rms"] = dict(zip(names, gain, strict=True))
        if over_default is not None:
            row = dict(zip(names, over_default, strict=True))
            found["agreement"]["gain_over_default"]["rms"] = row
        return from_table(Distillation, found | changes, "test")

    return make


@pytest.mark.parametrize(
    ("gain", "photos", "tone"),
    [
        ((-0.09, -0.1, -0.08), 40, "good"),
        ((-0.09, -0.2, 0.0), 40, "unclear"),
        ((-0.01, -0.03, 0.01), 40, "unclear"),
        ((0.01, 0.0, 0.02), 40, "unclear"),
        ((0.09, 0.08, 0.1), 40, "bad"),
        ((-0.09, -0.09, -0.09), 1, "unclear"),
    ],
)
def test_only_an_interval_that_excludes_zero_decides(
    gain: tuple[float, float, float], photos: int, tone: str
) -> None:
    value, low, high = gain

    assert judge(Estimate(value=value, low=low, high=high), photos) == tone


def test_an_improvement_is_told_with_value_and_interval(build: Build) -> None:
    said = verdict_on_start(build())

    assert said.headline == "The student agrees better with its teacher than before."
    change = f"a change of {MINUS}0.090, 95{SPACE}% interval {MINUS}0.100 to {MINUS}0.080."
    assert change in said.text
    assert "on 40 photos held out" in said.text


def test_no_improvement_is_told_plainly(build: Build) -> None:
    said = verdict_on_start(build((-0.004, -0.013, 0.006)))

    assert said.headline == "No improvement is shown."
    assert "includes 0: it may be no change at all" in said.text


def test_a_loss_is_told_plainly(build: Build) -> None:
    said = verdict_on_start(build((0.02, 0.01, 0.03)))

    assert (said.tone, said.short) == ("bad", "worse")
    assert "agrees less with its teacher than before" in said.headline


@pytest.mark.parametrize(
    ("over_default", "words"),
    [
        ((-0.05, -0.06, -0.04), "also better than the default weights “small”"),
        ((-0.01, -0.03, 0.01), "not shown to be better than the default weights “small”"),
        ((0.05, 0.04, 0.06), "worse than the default weights “small”"),
    ],
)
def test_the_default_weights_are_compared_with(
    build: Build, over_default: tuple[float, float, float], words: str
) -> None:
    said = verdict_on_default(build(over_default=over_default))

    assert said is not None
    assert words in said.headline


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        ((-0.09, -0.1, -0.08), "it is better than those"),
        ((-0.01, -0.03, 0.01), "they may serve as well"),
        ((0.09, 0.08, 0.1), "use those"),
    ],
)
def test_a_start_from_the_default_weights_is_said_once(
    build: Build, gain: tuple[float, float, float], words: str
) -> None:
    run = build(gain, initial={"name": "small"}, default=None)
    run = replace(run, agreement=replace(run.agreement, default=None, gain_over_default=None))

    assert verdict_on_default(run) is None
    assert words in verdict_on_start(run).text


def test_without_default_weights_nothing_is_said_of_them(build: Build) -> None:
    run = build(initial={"name": "other"}, default=None)

    assert verdict_on_default(run) is None
    assert "default" not in verdict_on_start(run).text


def test_one_photo_carries_no_verdict(build: Build) -> None:
    said = verdict_on_start(build((-0.09, -0.09, -0.09), photos=1))

    assert said.tone == "unclear"
    assert "a single photo has no interval" in said.text
    assert any("1 photo was held out" in caution for caution in said.cautions)


def test_few_photos_and_a_random_start_and_alarms_are_cautioned_about(build: Build) -> None:
    drift = {
        "steps": [1],
        "mean": [0.0],
        "spread": [1.0],
        "alarms": [{"step": 1, "text": "a"}, {"step": 2, "text": "b"}],
    }

    cautions = " ".join(verdict_on_start(build(photos=9, drift=drift)).cautions)

    assert "Only 9 photos were held out" in cautions
    assert "random weights" in cautions
    assert "The drift guard spoke 2 times" in cautions


def test_a_start_that_was_trained_needs_no_caution(build: Build) -> None:
    assert verdict_on_start(build(initial={"name": "other"})).cautions == ()


def test_measures_that_disagree_are_told(build: Build) -> None:
    run = build()
    fell = {"value": -0.02, "low": -0.03, "high": -0.01}
    states = {name: as_table(getattr(run.agreement, name)) for name in ("before", "after", "gain")}
    states["gain"]["delta1"] = fell

    said = verdict_on_start(build(initial={"name": "other"}, agreement=states))

    assert "2.0 points" in said.cautions[0]
    assert "the two measures disagree" in said.cautions[0]


def as_table(found: Any) -> dict[str, Any]:
    return {
        name: {k: getattr(getattr(found, name), k) for k in ("value", "low", "high")}
        for name in ("rms", "delta1")
    }


def test_photos_that_improved_are_counted(build: Build) -> None:
    run = build()

    by_hand = [row for row in run.agreement.photos if row.after.rms < row.before.rms]
    assert improved_photos(run) == len(by_hand) > 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("affine_invariant", "the same shape"),
        ("metric", "the same depth"),
        ("scale_invariant", "up to a scale"),
    ],
)
def test_what_zero_means_depends_on_the_kind(build: Build, kind: str, words: str) -> None:
    teacher = {"name": "t", "kind": kind, "commercial": True}

    assert words in verdict_on_start(build(teacher=teacher)).text


def test_a_start_of_the_same_name_is_not_taken_for_the_default(build: Build) -> None:
    run = build(initial={"name": "small"})

    assert verdict_on_default(run) is not None
    assert "default" not in verdict_on_start(run).text


def test_a_training_that_never_improved_is_told(build: Build) -> None:
    run = build((0.0, 0.0, 0.0), initial={"name": "other"})
    run = replace(run, training=replace(run.training, best_step=0))

    assert "the weights kept are the start's" in verdict_on_start(run).cautions[0]
