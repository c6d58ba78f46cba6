"""What models and networks are."""

from pathlib import Path
from typing import Any

from featherdepth.errors import UsageError, WeightsError


def info(model: str | Path | None = None, *, licenses: bool = False) -> dict[str, Any]:
    """What models and networks are; no weights are loaded.

    Args:
        model: an embedded model, a model folder or a network; None lists all embedded models
            and all networks.
        licenses: add what each model was made from (`materials`: name, class, terms, use).

    Returns:
        `models`: name, network, params, macs, size, kind, license, sha256, bytes (of the weights);
        `networks`: name, params, macs (multiply-accumulates at 448x448, thop convention).

    Raises:
        UsageError: no such model or network.
        WeightsError: a model folder that is missing or damaged.
    """
    from featherdepth.networks.folder import WEIGHTS, read_config
    from featherdepth.networks.listing import list_networks
    from featherdepth.runtime.presets import embedded_folder, embedded_models
    from featherdepth.runtime.reference import resolve

    networks = [row for row in list_networks() if model in (None, row["name"])]
    folders = [embedded_folder(name) for name in embedded_models() if model is None]
    if model is not None and (model in embedded_models() or not networks):
        reference = resolve(model)
        if reference.network is not None:
            raise UsageError(f"{model}: a foreign file says nothing about itself; name a folder")
        folders = [reference.path]
    models = []
    for folder in folders:
        preset = read_config(folder)
        if not (folder / WEIGHTS).is_file():
            raise WeightsError(f"{folder / WEIGHTS}: not found; expected the weights there")
        row = {
            "name": preset.name,
            "network": preset.network,
            "params": preset.params,
            "macs": preset.macs,
            "size": [preset.size, preset.size],
            "kind": preset.kind.value,
            "license": preset.license,
            "sha256": preset.sha256,
            "bytes": (folder / WEIGHTS).stat().st_size,
        }
        models.append({**row, "materials": list(preset.materials)} if licenses else row)
    return {"models": models, "networks": networks}


def card(model: str | Path | None = None) -> str:
    """The model card, Markdown; empty for a network without weights.

    Raises:
        UsageError, WeightsError: as `info`.
    """
    from featherdepth.networks.folder import CARD
    from featherdepth.networks.listing import list_networks
    from featherdepth.runtime.presets import embedded_models
    from featherdepth.runtime.reference import resolve

    if model in {row["name"] for row in list_networks()} - set(embedded_models()):
        return ""
    path = resolve(model).path / CARD
    return path.read_text(encoding="utf-8") if path.is_file() else ""
