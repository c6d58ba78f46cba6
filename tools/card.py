"""The card of weights that ship: what they are, how good, made from what, on what terms."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featherdepth.types import Preset

SHOWN = ("delta1", "delta2", "abs_rel", "rmse", "log10", "silog")


def model_card(
    name: str,
    preset: Preset,
    run: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    robust: Mapping[str, Any] | None = None,
) -> str:
    """Markdown, with the front matter that model hubs read.

    Args:
        run: run.json of the training that made the weights.
        evaluation: the document of `featherdepth evaluate` for these weights.
        robust: that of `featherdepth evaluate --corrupt`; not shown if it is of other weights.

    Raises:
        ValueError: the evaluation is of other weights.
    """
    if evaluation["environment"]["sha256"] != preset.sha256:
        raise ValueError(f"the evaluation is of other weights than {name}'s; run it again")
    return "\n".join(
        [
            *_front_matter(preset),
            f"# {name}",
            "",
            f"Network `{preset.network}`: {preset.params:,} parameters, {preset.macs:,} MACs at"
            f" 448x448. The output is {preset.kind.value} depth: larger is farther, scale and"
            f" shift are unknown. Input: RGB 0..1, an area of {preset.size}x{preset.size} with the"
            f" photo's aspect, height and width multiples of {preset.multiple}.",
            "",
            *_figures(evaluation),
            *robustness_section(preset, robust),
            *_training(run),
            "## Terms",
            "",
            f"The weights are {preset.license}. Bill of materials (class A: permissive; class B:"
            " research data whose images may not be passed on):",
            "",
            *(
                f"- {m['name']}, class {m['class']}, {m['use']}: {m['terms']}"
                for m in preset.materials
            ),
            "",
            "## Limits",
            "",
            "Trained on few measured pictures, nearly all of rooms; outdoors it knows renderings,"
            " whose sky was put at the farthest depth of the frame. Mirrors, glass and thin"
            " structures fail, and photos on their side. Not metric.",
            "",
        ]
    )


def _front_matter(preset: Preset) -> list[str]:
    tags = [
        f"license: {preset.license.lower()}",
        "library_name: featherdepth",
        "pipeline_tag: depth-estimation",
    ]
    return ["---", *tags, "---", ""]


def _figures(evaluation: Mapping[str, Any]) -> list[str]:
    data, height_width = evaluation["data"], evaluation["environment"]["size"]
    rows = {"this model": evaluation["metrics"], **evaluation.get("baselines", {})}
    lines = [
        "## Figures",
        "",
        f"{data['name']}, split `{data['split']}` ({data['count']} images, not trained on),"
        f" protocol `{evaluation['protocol']['name']}`, input size {height_width or 'as above'};"
        " 95 % bootstrap intervals over images.",
        "",
        "| | " + " | ".join(SHOWN) + " |",
        "|---" * (len(SHOWN) + 1) + "|",
    ]
    for label, metrics in rows.items():
        cells = (_interval(metrics[measure]) for measure in SHOWN)
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def robustness_section(preset: Preset, robust: Mapping[str, Any] | None) -> list[str]:
    """What is kept on photos made worse; nothing where it was not measured for these weights."""
    if robust is None or robust["environment"]["sha256"] != preset.sha256:
        return []
    found, data = robust["robustness"], robust["data"]
    if found["mrr"] is None:
        return []
    families: dict[str, list[float]] = {}
    for row in found["corruptions"]:
        families.setdefault(row["family"], []).append(row["rr"]["value"])
    strengths = ", ".join(map(str, found["strengths"]))
    return [
        "## Robustness",
        "",
        f"Mean resilience (mRR) over {len(found['corruptions'])} common corruptions at strengths"
        f" {strengths}: {_interval(found['mrr'])}; 1 is nothing lost. Resilience is"
        f" (1 - err) / (1 - err of the untouched photos), err = {found['err']};"
        f" {found['count']} images of {data['name']}, split `{data['split']}`, protocol"
        f" `{robust['protocol']['name']}`. The corruptions are featherdepth's own, so the figure"
        " compares with its own only.",
        "",
        "| | " + " | ".join([*families, *(row["name"] for row in found["conditions"])]) + " |",
        "|---" * (len(families) + len(found["conditions"]) + 1) + "|",
        "| kept | "
        + " | ".join(
            [
                *(f"{sum(kept) / len(kept):.3f}" for kept in families.values()),
                *(f"{row['rr']['value']:.3f}" for row in found["conditions"]),
            ]
        )
        + " |",
        "",
    ]


def _interval(value: Mapping[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def _training(run: Mapping[str, Any]) -> list[str]:
    recipe = run["recipe"]
    height, width = recipe["size"]
    # A start may be a folder of the machine that trained it: its name says enough.
    start = Path(recipe["init"] or "").name or recipe["encoder_weights"] or "random weights"
    losses = ", ".join(f"{row['name']} ({row['weight']})" for row in recipe["losses"])
    return [
        "## Training",
        "",
        f"{run['step']} steps of {recipe['batch']} views of {height}x{width}, from {start}; losses"
        f" {losses}; AdamW at {recipe['loop']['lr']}, averaged weights; seed {run['seed']}. The"
        " recipes are in the repository's `recipes/`.",
        "",
    ]
