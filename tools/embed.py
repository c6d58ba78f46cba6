"""Put the model of a run into the package: python -m tools.embed RUN NAME EVALUATION.json

Writes src/featherdepth/runtime/weights/NAME (config.json, model.safetensors, model.onnx, README.md)
beside its place, checks every backend against torch at ten sizes and the counts against the
generated list of networks, and only then lets it take the place of the old one. The card's figures
are those of EVALUATION.json, which `featherdepth evaluate --model RUN -o` wrote, and of
docs/results/robustness-NAME.json where that is of the same weights.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from tools.card import model_card
from tools.place import replacing

from featherdepth.config import read_json
from featherdepth.errors import FeatherDepthError, WeightsError
from featherdepth.export.onnx import write_graph
from featherdepth.export.parity import verify
from featherdepth.networks.folder import CARD, CONFIG, GRAPH, WEIGHTS, read_preset, read_tensors
from featherdepth.networks.listing import list_networks
from featherdepth.networks.weights import load_model, save_model
from featherdepth.runtime.presets import EMBEDDED

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def embed(
    run: Path, name: str, evaluation: Path, place: Path = EMBEDDED, results: Path = RESULTS
) -> Path:
    """Make `place/name` from the model folder `run`; the old one stays until this is checked.

    Raises:
        WeightsError: the run is damaged, its counts are wrong, it has no terms, or the evaluation
            is of other weights.
        InputError: run.json or the evaluation cannot be read.
        BackendError: a backend computes something else than torch.
    """
    preset, module = load_model(run)
    if not preset.license or not preset.materials:
        raise WeightsError(f"{run}: expected a license and materials before it ships")
    row = next((r for r in list_networks() if r["name"] == preset.network), None)
    if row is not None and not preset.settings and row["params"] != preset.params:
        raise WeightsError(f"{run}: {preset.params} parameters, {row['params']} are listed")
    macs = preset.macs or (row["macs"] if row is not None else 0)
    try:
        robust = results / f"robustness-{name}.json"
        text = model_card(
            name,
            preset,
            read_json(run / "run.json"),
            read_json(evaluation),
            read_json(robust) if robust.is_file() else None,
        )
    except ValueError as error:
        raise WeightsError(f"{evaluation}: {error}") from error
    target = place / name
    with replacing(target) as fresh:
        named = replace(preset, name=name, macs=macs)
        halves = [name for name, tensor in read_tensors(run)[1].items() if tensor.dtype == np.half]
        save_model(fresh, named, module, text, storage=preset.storage, halves=halves)
        write_graph(fresh)
        for difference in verify(fresh):
            print(f"{difference.backend} {difference.size}: {difference.share:.1e} of the range")
        if read_preset(fresh).params != preset.params:
            raise WeightsError(f"{fresh}: counts changed on the way")
    return target


def main() -> int:
    """Embed and print what it weighs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("evaluation", type=Path)
    arguments = parser.parse_args()
    try:
        target = embed(arguments.run, arguments.name, arguments.evaluation)
    except FeatherDepthError as error:
        print(f"embed: {error}", file=sys.stderr)
        return error.exit_code
    for file in (CONFIG, WEIGHTS, GRAPH, CARD):
        print(f"{target / file}: {(target / file).stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
