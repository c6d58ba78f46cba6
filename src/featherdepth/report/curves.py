"""The plots of a distillation page, from its figures and the lines of its journal."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from featherdepth.report.document import Agreement, Distillation, Drift, Estimate
from featherdepth.report.plots.element import Svg
from featherdepth.report.plots.frame import Axis
from featherdepth.report.plots.lines import Mark, Series, line_chart
from featherdepth.report.plots.scatter import Pair, paired_scatter
from featherdepth.report.plots.whiskers import Whisker, whisker_plot
from featherdepth.report.verdict import starts_from_default
from featherdepth.report.wording import (
    change_interval,
    figure,
    interval,
    percent,
    percent_interval,
    points,
    points_interval,
    signed,
)

STEP = Axis(label="training step")
WIDE = 20
"""Values that differ by more than this factor are drawn on a log scale."""
SCORES = {
    "rms": Axis(label="rms left, in spreads of the teacher's map"),
    "delta1": Axis(label="pixels within 25 % of the teacher", percent=True),
}

TITLES = {"rms": "Disagreement", "delta1": "Pixels within 25 %"}


def states(run: Distillation) -> list[tuple[str, Agreement, str]]:
    """What is compared: its name, its figures, its look."""
    start = f"before: {run.initial.name}"
    if starts_from_default(run):
        start += " (the default)"
    rows = [(start, run.agreement.before, "before"), ("after", run.agreement.after, "after")]
    if run.agreement.default is not None:
        name = run.default.name if run.default else ""
        rows.append((f"default weights {name}".strip(), run.agreement.default, "default"))
    return rows


def changes(run: Distillation) -> list[tuple[str, Agreement, str]]:
    """Paired differences, as `states`."""
    rows = [("after minus before", run.agreement.gain, "after")]
    if run.agreement.gain_over_default is not None:
        rows.append(("after minus default", run.agreement.gain_over_default, "default"))
    return rows


def agreement_plots(run: Distillation) -> list[tuple[str, Svg]]:
    """Four dot-and-whisker plots with their titles: values and paired changes of both measures."""
    now, paired = states(run), changes(run)
    return [
        _whiskers(
            "Disagreement: smaller is better",
            SCORES["rms"],
            [(n, f.rms, f"{figure(f.rms.value)}  ({interval(f.rms)})", s) for n, f, s in now],
        ),
        _whiskers(
            "How it changed, photo by photo: below 0 is better",
            Axis(label="change of the rms"),
            [
                (n, f.rms, f"{signed(f.rms.value)}  ({change_interval(f.rms)})", s)
                for n, f, s in paired
            ],
            zero="no change",
        ),
        _whiskers(
            "Pixels within 25\N{NO-BREAK SPACE}% of the teacher: larger is better",
            SCORES["delta1"],
            [
                (n, f.delta1, f"{percent(f.delta1.value)}  ({percent_interval(f.delta1)})", s)
                for n, f, s in now
            ],
        ),
        _whiskers(
            "How it changed, photo by photo: above 0 is better",
            Axis(label="change in percentage points"),
            [
                (
                    n,
                    _hundredfold(f.delta1),
                    f"{points(f.delta1.value)}  ({points_interval(f.delta1)}) points",
                    s,
                )
                for n, f, s in paired
            ],
            zero="no change",
        ),
    ]


def _hundredfold(share: Estimate) -> Estimate:
    return Estimate(value=100 * share.value, low=100 * share.low, high=100 * share.high)


def _whiskers(
    title: str,
    axis: Axis,
    rows: Sequence[tuple[str, Estimate, str, str]],
    zero: str | None = None,
) -> tuple[str, Svg]:
    drawn = [
        Whisker(label=name, value=e.value, low=e.low, high=e.high, said=said, style=look)
        for name, e, said, look in rows
    ]
    said = "; ".join(f"{row.label} {row.said}" for row in drawn)
    return title, whisker_plot(drawn, x=axis, zero=zero, description=f"{title}. {said}")


def photo_plot(run: Distillation) -> Svg:
    """Every held-out photo, before against after."""
    pairs = [
        Pair(
            x=row.before.rms,
            y=row.after.rms,
            label=f"{row.key}: {figure(row.before.rms)} to {figure(row.after.rms)}",
        )
        for row in run.agreement.photos
    ]
    better = sum(p.y < p.x for p in pairs)
    return paired_scatter(
        pairs,
        x=Axis(label="rms before training"),
        y=Axis(label="rms after training"),
        description=f"rms before and after of {len(pairs)} photos; {better} lie below the diagonal",
    )


def loss_plot(lines: Sequence[Mapping[str, Any]]) -> Svg | None:
    """The losses of a journal by name, and their sum; None if it has none."""
    found = [
        (line["step"], {"total": line.get("total"), **losses})
        for line, losses in _told(lines, "losses")
    ]
    names = list(dict.fromkeys(name for _, losses in found for name in losses))
    x = [float(step) for step, _ in found]
    series = [
        Series(label=name, x=x, y=[_number(losses.get(name)) for _, losses in found])
        for name in names
    ]
    if not series:
        return None
    log = _spread([v for s in series for v in s.y]) > WIDE
    label = "loss, mean between two lines of the journal" + (", log scale" if log else "")
    return line_chart(
        series,
        x=STEP,
        y=Axis(label=label, log=log),
        description="Losses along the training: " + ", ".join(names),
    )


def validation_plots(lines: Sequence[Mapping[str, Any]], best_step: int) -> list[tuple[str, Svg]]:
    """Curves of the held-out figures with their titles; the step that was kept is marked."""
    found = [(line["step"], figures) for line, figures in _told(lines, "validation")]
    names = list(dict.fromkeys(name for _, figures in found for name in figures))
    shown = [name for name in names if name in SCORES] or names[:2]
    kept = Mark(x=float(best_step), label=f"kept: step {best_step:,}", style="kept")
    plots = []
    for name in shown:
        y = [_number(figures.get(name)) for _, figures in found]
        axis = SCORES.get(name, Axis(label=name))
        plots.append(
            (
                f"{TITLES.get(name, name)} on held-out photos",
                line_chart(
                    [Series(label=name, x=[float(step) for step, _ in found], y=y)],
                    x=STEP,
                    y=axis,
                    marks=[kept],
                    description=f"{axis.label} on held-out photos along the training",
                ),
            )
        )
    return plots


def drift_plot(drift: Drift) -> Svg | None:
    """Mean and spread of the raw outputs, with a line at each alarm; None without a point."""
    if not drift.steps:
        return None
    steps = [float(step) for step in drift.steps]
    marks = [
        Mark(x=float(a.step), label="alarm" if i == 0 else "", style="alarm")
        for i, a in enumerate(drift.alarms)
    ]
    return line_chart(
        [
            Series(label="mean, difference", x=steps, y=list(drift.mean)),
            Series(label="spread, ratio", x=steps, y=list(drift.spread)),
        ],
        x=STEP,
        y=Axis(label="raw output against the teacher's, in its spreads"),
        marks=marks,
        include=(0.0, 1.0),
        description=f"Mean and spread of the raw output against the teacher's; {len(marks)} alarms",
    )


def _told(
    lines: Sequence[Mapping[str, Any]], what: str
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The lines that tell `what`, each with it; odd ones are left out."""
    return [
        (line, line[what])
        for line in lines
        if isinstance(line.get(what), Mapping) and _number(line["step"]) is not None
    ]


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def _spread(values: Sequence[float | None]) -> float:
    """Largest over smallest, of values above 0; 1 if any is not above 0."""
    found = [v for v in values if v is not None]
    return max(found) / min(found) if found and min(found) > 0 else 1.0
