"""Put the model of a run into the package: python -m tools.embed RUN NAME

Writes src/featherdepth/runtime/weights/NAME (config.json, model.safetensors, model.onnx, README.md)
beside its place, checks every backend against torch at ten sizes and the counts against the
generated list of networks, and only then lets it take the place of the old one.
"""

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from featherdepth.errors import FeatherDepthError, WeightsError
from featherdepth.export.onnx import write_graph
from featherdepth.export.parity import verify
from featherdepth.networks.folder import CARD, CONFIG, GRAPH, WEIGHTS, read_preset
from featherdepth.networks.listing import list_networks
from featherdepth.networks.weights import load_model, save_model
from featherdepth.runtime.presets import EMBEDDED


def embed(run: Path, name: str, place: Path = EMBEDDED) -> Path:
    """Make `place/name` from the model folder `run`; the old one stays until this is checked.

    Raises:
        WeightsError: the run is damaged, its counts are wrong, or it has no card or no terms.
        BackendError: a backend computes something else than torch.
    """
    preset, module = load_model(run)
    card = run / CARD
    if not card.is_file() or not preset.license or not preset.materials:
        raise WeightsError(f"{run}: expected a card, a license and materials before it ships")
    row = next((r for r in list_networks() if r["name"] == preset.network), None)
    if row is not None and not preset.settings and row["params"] != preset.params:
        raise WeightsError(f"{run}: {preset.params} parameters, {row['params']} are listed")
    macs = preset.macs or (row["macs"] if row is not None else 0)
    fresh, target, old = (place / n for n in (f".{name}.new", name, f".{name}.old"))
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        text = card.read_text(encoding="utf-8")
        save_model(fresh, replace(preset, name=name, macs=macs), module, text)
        write_graph(fresh)
        for difference in verify(fresh):
            print(f"{difference.backend} {difference.size}: {difference.share:.1e} of the range")
        if read_preset(fresh).params != preset.params:
            raise WeightsError(f"{fresh}: counts changed on the way")
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    return target


def main() -> int:
    """Embed and print what it weighs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    arguments = parser.parse_args()
    try:
        target = embed(arguments.run, arguments.name)
    except FeatherDepthError as error:
        print(f"embed: {error}", file=sys.stderr)
        return error.exit_code
    for file in (CONFIG, WEIGHTS, GRAPH, CARD):
        print(f"{target / file}: {(target / file).stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
