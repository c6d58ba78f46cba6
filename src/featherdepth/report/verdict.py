"""What the figures of a distillation say, in words, and never more than they say."""

from dataclasses import dataclass
from typing import Literal

from featherdepth.report.document import Distillation, Estimate
from featherdepth.report.wording import (
    SPACE,
    change_interval,
    figure,
    points,
    points_interval,
    signed,
)
from featherdepth.runtime.presets import DEFAULT

RANDOM = "random weights"
FEW = 10
"""Below so many held-out photos an interval is itself uncertain."""

Tone = Literal["good", "unclear", "bad"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One comparison in words."""

    tone: Tone
    short: str
    """One or two words."""
    headline: str
    text: str
    cautions: tuple[str, ...] = ()


def judge(gain: Estimate, photos: int) -> Tone:
    """Whether a change of rms (smaller is better) is an improvement that its interval carries.

    One photo alone has an interval of no width: it never carries anything.
    """
    if photos < 2:
        return "unclear"
    return "good" if gain.high < 0 else "bad" if gain.low > 0 else "unclear"


def verdict_on_start(run: Distillation) -> Verdict:
    """The student against the weights that it started from."""
    figures, photos = run.agreement, compared_photos(run)
    tone = judge(figures.gain.rms, photos)
    headline = {
        "good": "The student agrees better with its teacher than before.",
        "unclear": "No improvement is shown.",
        "bad": "The student agrees less with its teacher than before.",
    }[tone]
    before, after = figures.before.rms.value, figures.after.rms.value
    text = (
        f"The disagreement of student and teacher (0: {same(run.teacher.kind)}, 1: no better than"
        f" a constant) went from {figure(before)} to {figure(after)} on {_photos(photos)} held out"
        f" from training: {_change(figures.gain.rms, tone, photos)}"
    )
    if starts_from_default(run):
        text += {
            "good": " The start was the default weights: it is better than those.",
            "unclear": " The start was the default weights: they may serve as well.",
            "bad": " The start was the default weights: use those.",
        }[tone]
    return Verdict(
        tone=tone,
        short={"good": "improved", "unclear": "not shown", "bad": "worse"}[tone],
        headline=headline,
        text=text,
        cautions=tuple(_cautions(run, tone)),
    )


def verdict_on_default(run: Distillation) -> Verdict | None:
    """The student against the weights that ship; None where there is nothing to compare with."""
    figures, photos = run.agreement, compared_photos(run)
    if run.default is None or figures.default is None or figures.gain_over_default is None:
        return None  # a start from the default is told by the verdict on the start
    name = f"the default weights “{run.default.name}”"
    tone = judge(figures.gain_over_default.rms, photos)
    headline = {
        "good": f"It is also better than {name}.",
        "unclear": f"It is not shown to be better than {name}.",
        "bad": f"It is worse than {name}.",
    }[tone]
    if tone == "good" and judge(figures.gain.rms, photos) != "good":
        headline = headline.replace("also ", "")
    advice = {
        "good": "",
        "unclear": " On photos like these the default weights may serve as well.",
        "bad": " Use those, or start the next run from them.",
    }[tone]
    after, default = figures.after.rms.value, figures.default.rms.value
    change = _change(figures.gain_over_default.rms, tone, photos)
    return Verdict(
        tone=tone,
        short={"good": "better", "unclear": "not better", "bad": "worse"}[tone],
        headline=headline,
        text=f"Disagreement {figure(after)} against {figure(default)}: {change}{advice}",
    )


def alignment(kind: str) -> str:
    """What is done to the student's map before it is compared with a teacher of `kind`."""
    return {
        "metric": "as they are",
        "scale_invariant": "after the best scale",
    }.get(kind, "after the best scale and shift")


def same(kind: str) -> str:
    """What no disagreement means for a teacher of `kind`."""
    return {"metric": "the same depth", "scale_invariant": "the same up to a scale"}.get(
        kind, "the same shape"
    )


def starts_from_default(run: Distillation) -> bool:
    """Whether the weights before training are those that ship: then nothing is scored twice."""
    default = DEFAULT if run.default is None else run.default.name
    return run.agreement.default is None and run.initial.name == default


def compared_photos(run: Distillation) -> int:
    """How many held-out photos the figures are means of."""
    return len(run.agreement.photos) or run.photos.held_out


def improved_photos(run: Distillation) -> int:
    """How many held-out photos show less disagreement than before."""
    return sum(row.after.rms < row.before.rms for row in run.agreement.photos)


def _change(gain: Estimate, tone: Tone, photos: int) -> str:
    if photos < 2:
        return f"a change of {signed(gain.value)}; a single photo has no interval."
    said = f"a change of {signed(gain.value)}, 95{SPACE}% interval {change_interval(gain)}"
    none = ", which includes 0: it may be no change at all" if tone == "unclear" else ""
    return f"{said}{none}."


def _cautions(run: Distillation, tone: Tone) -> list[str]:
    photos, found = compared_photos(run), []
    if photos < FEW:
        found.append(
            f"Only {_photos(photos)} {'were' if photos > 1 else 'was'} held out: too few to trust"
            " an interval. Hold out more."
        )
    if run.training.best_step == 0:
        found.append("No step of the training agreed better: the weights kept are the start's.")
    if tone == "good" and run.initial.name == RANDOM:
        found.append(
            "The start was random weights, which agree with no teacher: this improvement says only"
            " that training works."
        )
    delta1 = run.agreement.gain.delta1
    if photos > 1 and tone == "good" and delta1.high < 0:
        found.append(
            f"The share of pixels within 25{SPACE}% of the teacher fell at the same time, by"
            f" {points(-delta1.value).removeprefix('+')} points"
            f" ({points_interval(delta1)}): the two measures disagree."
        )
    if run.drift is not None and run.drift.alarms:
        alarms = len(run.drift.alarms)
        found.append(
            f"The drift guard spoke {'once' if alarms == 1 else f'{alarms} times'}: see Training."
        )
    return found


def _photos(number: int) -> str:
    return "1 photo" if number == 1 else f"{number:,} photos"
