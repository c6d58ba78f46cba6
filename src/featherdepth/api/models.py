"""What models and networks are."""

from pathlib import Path
from typing import Any

from featherdepth.errors import UsageError, WeightsError


def info(model: str | Path | None = None, *, licenses: bool = False) -> dict[str, Any]:
    """What models and networks are; of model folders no weights are loaded.

    Args:
        model: an embedded model, a model folder, an exported file or a network; None lists all
            embedded models and all networks.
        licenses: add what each model was made from (`materials`: name, class, terms, use).

    Returns:
        `models`: name, network, params, macs, size, kind, license, sha256, bytes (of the weights,
        or of the file), and of an exported file `exported`: precision, input, channels, fixed
        (height and width, if they are), opset, version, kept; `networks`: name, params, macs
        (multiply-accumulates at 448x448, thop convention).

    Raises:
        UsageError: no such model or network.
        WeightsError: a model folder or file that is missing or damaged.
        BackendError: what reads the exported file is not installed.
    """
    from featherdepth.networks.listing import list_networks
    from featherdepth.runtime.presets import embedded_folder, embedded_models
    from featherdepth.runtime.reference import resolve

    networks = [row for row in list_networks() if model in (None, row["name"])]
    places = [embedded_folder(name) for name in embedded_models() if model is None]
    if model is not None and (model in embedded_models() or not networks):
        reference = resolve(model, files=True)
        if reference.network is not None:
            raise UsageError(f"{model}: a foreign file says nothing about itself; name a folder")
        places = [reference.path]
    return {"models": [_model(place, licenses=licenses) for place in places], "networks": networks}


def _model(place: Path, *, licenses: bool) -> dict[str, Any]:
    from featherdepth.networks.folder import WEIGHTS, read_config
    from featherdepth.runtime.backends import BACKENDS, choose
    from featherdepth.runtime.exported import SUFFIXES

    row: dict[str, Any] = {}
    if place.is_dir():
        preset, weights = read_config(place), place / WEIGHTS
        if not weights.is_file():
            raise WeightsError(f"{weights}: not found; expected the weights there")
        size: list[int] = [preset.size, preset.size]
    else:
        exported, _ = BACKENDS.load(choose(SUFFIXES[place.suffix])).open_file(place, 1)
        preset = exported.preset
        weights = place.with_suffix(".bin") if place.suffix == ".xml" else place
        size = list(exported.fixed or (preset.size, preset.size))
        said = ("precision", "input", "channels", "fixed", "opset", "version", "kept")
        row["exported"] = {key: getattr(exported, key) for key in said}
    row |= {
        "name": preset.name,
        "network": preset.network,
        "params": preset.params,
        "macs": preset.macs,
        "size": size,
        "kind": preset.kind.value,
        "license": preset.license,
        "sha256": preset.sha256,
        "bytes": weights.stat().st_size,
    }
    return {**row, "materials": list(preset.materials)} if licenses else row


def card(model: str | Path | None = None) -> str:
    """The model card, Markdown; empty for a network without weights and for an exported file.

    Raises:
        UsageError, WeightsError: as `info`.
    """
    from featherdepth.networks.folder import CARD
    from featherdepth.networks.listing import list_networks
    from featherdepth.runtime.presets import embedded_models
    from featherdepth.runtime.reference import resolve

    if model in {row["name"] for row in list_networks()} - set(embedded_models()):
        return ""
    path = resolve(model, files=True).path / CARD
    return path.read_text(encoding="utf-8") if path.is_file() else ""
