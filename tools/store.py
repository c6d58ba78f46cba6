"""Store a model again, in 8 bits or fp16: python -m tools.store RUN -o weights/NAME --storage int8

Writes the model folder weights/NAME (config.json, model.safetensors, README.md; no model.onnx,
which is made on first use), scores the weights before and after on labelled data with paired
differences, and writes what moved into the card and storage.json. Where abs_rel moves by as much as
`--max-move` nothing is left and the exit code is 6.

    python -m tools.store runs/small -o weights/small --storage int8 --data data/nyu --split val
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tools.place import replacing

from featherdepth import api
from featherdepth.errors import FeatherDepthError, InputError, RunError, WeightsError
from featherdepth.evaluation.compare import compare
from featherdepth.images.atomic import write_atomic, write_json
from featherdepth.networks.folder import CARD, WEIGHTS
from featherdepth.networks.weights import load_model, save_model

Storage = Literal["fp16", "int8"]
Score = Callable[[Path], dict[str, Any]]
"""A model folder to its document of `evaluate`."""

RESULT = "storage.json"
HEADING = "## Storage"
MEASURE = "abs_rel"
SHOWN = ("abs_rel", "delta1", "rmse")
MAX_MOVE = 0.003
"""Relative change of abs_rel from which 8 bits are too few."""
WORDS = {
    "int8": "Weights of convolutions and linear layers are stored in 8 bits with one scale an"
    " output channel (filters and layers of few weights in fp16), and computed with in float32.",
    "fp16": "Weights with two or more axes are stored in fp16, and are computed with in float32.",
}


def store(
    run: Path,
    target: Path,
    storage: Storage,
    score: Score,
    *,
    max_move: float = MAX_MOVE,
    least: int = 0,
) -> dict[str, Any]:
    """Make the model folder `target` from `run`; what was there stays until this is measured.

    Args:
        least: layers of fewer weights stay in fp16. The first ones are small, and all behind them
            sees what they lose.

    Returns:
        What storage.json holds: `storage`, `bytes`, `sha256` (before and after each), `count`,
        `protocol`, `data`, `metrics` (measure -> before, after, difference and its 95 % paired
        bootstrap interval, relative), `max_move`, `least`.

    Raises:
        WeightsError: the run is damaged, or has no terms.
        InputError: its card cannot be read.
        RunError: abs_rel moves too far; nothing was written.
    """
    if target.resolve() == run.resolve():
        raise WeightsError(f"{run}: expected another folder for what is stored anew")
    preset, module = load_model(run)
    if not preset.license or not preset.materials:
        raise WeightsError(f"{run}: expected a license and materials before it is passed on")
    try:
        card = (run / CARD).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{run / CARD}: cannot read it: {error}") from error
    with replacing(target) as fresh:
        named = replace(preset, name=target.name)
        halves = [name for name, weights in module.named_parameters() if weights.numel() < least]
        stored = save_model(fresh, named, module, card, storage=storage, halves=halves)
        before, after = score(run), score(fresh)
        result = {
            "storage": {"before": preset.storage, "after": storage},
            "sha256": {"before": preset.sha256, "after": stored.sha256},
            "bytes": {
                key: (folder / WEIGHTS).stat().st_size
                for key, folder in (("before", run), ("after", fresh))
            },
            **moved(before, after),
            "max_move": max_move,
            "least": least,
        }
        relative = result["metrics"][MEASURE]["relative"]
        if not abs(relative) < max_move:
            raise RunError(
                f"{run}: {MEASURE} moves by {relative:+.2%} in {storage}; expected less than"
                f" {max_move:.2%}: keep {preset.storage}"
            )
        write_json(fresh / RESULT, result)
        write_atomic(fresh / CARD, with_section(card, result).encode())
    return result


def moved(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What two documents of `evaluate` on the same images say of the change between them.

    Raises:
        InputError: they are not of the same images.
    """
    found = compare(before, after, names=("before", "after"))
    if found["only_a"] or found["only_b"]:
        raise InputError("before and after: not the same images were scored")
    metrics = {
        name: {
            "before": row["a"],
            "after": row["b"],
            "difference": row["difference"],
            "low": row["low"],
            "high": row["high"],
            "relative": row["difference"] / row["a"] if row["a"] else float("nan"),
        }
        for name, row in found["metrics"].items()
    }
    data = {key: before["data"][key] for key in ("name", "split")}
    protocol = found["protocol"]["name"]
    return {"metrics": metrics, "count": found["count"], "data": data, "protocol": protocol}


def with_section(card: str, result: Mapping[str, Any]) -> str:
    """The card with its storage section written anew, at the end."""
    head, _, rest = card.partition(f"{HEADING}\n")
    following = rest.partition("\n## ")
    kept = head.rstrip() + ("\n\n## " + following[2].rstrip() if following[1] else "")
    return kept + "\n\n" + "\n".join(_section(result))


def _section(result: Mapping[str, Any]) -> list[str]:
    size, kind, data = result["bytes"], result["storage"], result["data"]
    relative = result["metrics"][MEASURE]["relative"]
    return [
        HEADING,
        "",
        f"{WORDS[kind['after']]} {size['after'] / 1e6:.2f} MB; {size['before'] / 1e6:.2f} MB in"
        f" {kind['before']} before. {MEASURE} moved by {relative:+.2%}, allowed is less than"
        f" {result['max_move']:.2%}: {data['name']}, split `{data['split']}` ({result['count']}"
        f" images), protocol `{result['protocol']}`, differences with their 95 % paired bootstrap"
        " interval. Figures elsewhere in this card are of the weights before.",
        "",
        f"| | {kind['before']} | {kind['after']} | difference |",
        "|---|---|---|---|",
        *(
            f"| {name} | {row['before']:.5f} | {row['after']:.5f} | {row['difference']:+.5f}"
            f" ({row['low']:+.5f} to {row['high']:+.5f}) |"
            for name, row in result["metrics"].items()
            if name in SHOWN
        ),
        "",
    ]


def main() -> int:
    """Store, and print what moved."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--storage", choices=sorted(WORDS), default="int8")
    parser.add_argument("--data", type=Path, required=True, help="folder with measured depth")
    parser.add_argument("--split", default="val")
    parser.add_argument("--protocol", default="aligned")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--max-move", type=float, default=MAX_MOVE, help="relative, of abs_rel")
    parser.add_argument("--least", type=int, default=0, help="weights of a layer in 8 bits")
    options = parser.parse_args()

    def score(folder: Path) -> dict[str, Any]:
        return api.evaluate(
            options.data,
            model=folder,
            split=options.split,
            protocol=options.protocol,
            backend="torch",  # it needs no model.onnx
            threads=options.threads,
        )

    try:
        result = store(
            options.run,
            options.output,
            options.storage,
            score,
            max_move=options.max_move,
            least=options.least,
        )
    except FeatherDepthError as error:
        print(f"store: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(_section(result)[2:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
