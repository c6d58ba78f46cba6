"""A model is a folder; this file reads and writes it without torch.

    config.json          what a `Preset` is read from
    model.safetensors    the state dict as trained, BatchNorm kept: the only copy of the weights
    model.onnx           graph only; its initialisers are byte ranges of model.safetensors
    model.int8.onnx      the same for 8-bit arithmetic, where somebody made it
    README.md            the model card

The sha256 of the weights stands in config.json and is checked whenever the folder is read. Files
are replaced whole, weights before config: a write that was cut off shows as a wrong sha256.
"""

import hashlib
import json
import struct
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from featherdepth.config import from_table, read_json
from featherdepth.errors import BackendError, InputError, RunError, UsageError, WeightsError
from featherdepth.images.atomic import write_atomic
from featherdepth.types import Preset

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
GRAPH = "model.onnx"
GRAPH_INT8 = "model.int8.onnx"
CARD = "README.md"
SHA256 = "weights_sha256"
"""Key of a graph's metadata: the weights that it is for, where it is not for any."""
STORED = {"fp16", "int8"}
"""Ways of storing weights that this version reads: `networks.weights`, `networks.eight_bit`."""


class Stored(NamedTuple):
    """Where one tensor lies in model.safetensors."""

    dtype: str
    """As safetensors names it: I8, F16, F32."""
    shape: tuple[int, ...]
    offset: int
    """Bytes from the start of the file."""
    length: int
    """Bytes."""


def read_preset(folder: Path) -> Preset:
    """Read config.json of a model folder and check that the weights are the ones it names.

    Raises:
        WeightsError: a file is missing or damaged, config.json does not fit, or the sha256
            of the weights differs.
    """
    preset = read_config(folder)
    check_weights(folder, preset)
    return preset


def check_weights(folder: Path, preset: Preset) -> None:
    """Check model.safetensors against the sha256 in `preset`, without holding it in memory.

    Raises:
        WeightsError: the file is missing or another one.
    """
    try:
        found = file_sha256(folder / WEIGHTS)
    except OSError as error:
        raise WeightsError(f"{folder / WEIGHTS}: cannot read it: {error.strerror}") from error
    if found != preset.sha256:
        raise WeightsError(_damaged(folder, found, preset.sha256))


def file_sha256(path: Path) -> str:
    """Of a file, without holding it in memory.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_config(folder: Path) -> Preset:
    """Read config.json alone; the weights are not looked at.

    Raises:
        WeightsError: the folder or the file is missing, or it does not fit.
    """
    if not folder.is_dir():
        raise WeightsError(f"{folder}: no such folder; expected a model folder with {CONFIG}")
    path = folder / CONFIG
    try:
        preset = from_table(Preset, read_json(path), str(path))
    except (InputError, UsageError) as error:
        raise WeightsError(str(error)) from error
    check_preset(preset, str(path))
    if preset.storage not in STORED:
        known = ", ".join(sorted(STORED))
        raise WeightsError(
            f"{path}: storage {preset.storage!r} is not known to this version, which reads {known};"
            " install a newer featherdepth"
        )
    return preset


def check_preset(preset: Preset, where: str) -> None:
    """Check what another's hand may have put into a preset although its types fit.

    Args:
        where: the file that it was read from.

    Raises:
        WeightsError: text that a terminal would take for a command, or a size that is none.
    """
    for key in ("name", "network", "license"):
        text = getattr(preset, key)
        if printable(text) != text:
            raise WeightsError(f"{where}: {key} is {text!r}; expected printable characters only")
    for key in ("multiple", "size"):
        value = getattr(preset, key)
        if value < 1:
            raise WeightsError(f"{where}: {key} is {value}; expected 1 or more")


def printable(text: str) -> str:
    """The text with `_` for control characters and the like; spaces of all kinds stay."""
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else "_" for c in text)


def read_weights(folder: Path, preset: Preset) -> bytes:
    """The bytes of model.safetensors, checked against the sha256 in `preset`.

    Raises:
        WeightsError: the file is missing or another one.
    """
    data = _read(folder / WEIGHTS)
    found = hashlib.sha256(data).hexdigest()
    if found != preset.sha256:
        raise WeightsError(_damaged(folder, found, preset.sha256))
    return data


def read_tensors(folder: Path) -> tuple[Preset, dict[str, np.ndarray]]:
    """Read config.json and the stored tensors (int8, float16 or float32), checked by sha256.

    Raises:
        WeightsError: as `read_preset`, or the file is not a safetensors file.
    """
    preset = read_config(folder)
    try:
        return preset, load(read_weights(folder, preset))
    except (SafetensorError, KeyError) as error:
        raise WeightsError(f"{folder / WEIGHTS}: not a safetensors file: {error}") from error


def graph_name(precision: str) -> str:
    """The graph that computes in this precision."""
    return GRAPH_INT8 if precision == "int8" else GRAPH


def read_graph(folder: Path, precision: str = "fp32") -> bytes:
    """The bytes of model.onnx, or of model.int8.onnx.

    Raises:
        WeightsError: the folder has no model.onnx.
        BackendError: it has none for 8 bits.
    """
    if precision == "int8":
        if not (folder / GRAPH_INT8).exists():
            raise BackendError(
                f"{folder}: has no {GRAPH_INT8}; make a file for 8 bits with featherdepth export"
                f" {folder} --to onnx --precision int8 --calibrate PHOTOS -o FILE.onnx"
            )
        return _read(folder / GRAPH_INT8)
    if not (folder / GRAPH).exists():
        raise WeightsError(
            f"{folder}: has no {GRAPH}; expected one beside {WEIGHTS}: use --backend torch,"
            " or make it with featherdepth.export.onnx.write_graph"
        )
    return _read(folder / GRAPH)


def check_graph(stated: str | None, folder: Path, preset: Preset) -> None:
    """Check that a graph which names its weights is for those of the folder.

    Args:
        stated: its metadata under `SHA256`.

    Raises:
        WeightsError: it is for others.
    """
    if stated and stated != preset.sha256:
        raise WeightsError(
            f"{folder / GRAPH_INT8}: is for other weights ({stated[:12]}...); make it anew"
        )


def layout(folder: Path) -> dict[str, Stored]:
    """Where each tensor lies in model.safetensors, by name.

    Raises:
        WeightsError: the file is missing or its header cannot be read.
    """
    path = folder / WEIGHTS
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header: dict[str, Any] = json.loads(file.read(min(length, path.stat().st_size)))
        header.pop("__metadata__", None)
        return {name: _stored(entry, 8 + length) for name, entry in header.items()}
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it: {error.strerror}") from error
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: not a safetensors file: {error}") from error


def _stored(entry: dict[str, Any], start: int) -> Stored:
    first, last = entry["data_offsets"]
    shape = tuple(entry["shape"])
    return Stored(dtype=entry["dtype"], shape=shape, offset=start + first, length=last - first)


def write_folder(
    folder: Path, preset: Preset, tensors: Mapping[str, np.ndarray], card: str
) -> Preset:
    """Write config.json, model.safetensors and README.md; return the preset with its sha256.

    A graph from earlier weights is removed: its byte ranges may no longer hold. Each file appears
    whole or not at all.

    Raises:
        RunError: the folder cannot be written (no space, read-only).
    """
    # "pt" is what other readers of safetensors files look for.
    data = save({name: np.ascontiguousarray(t) for name, t in tensors.items()}, {"format": "pt"})
    found = hashlib.sha256(data).hexdigest()
    # What was verified, was so for other weights.
    verified = preset.verified if found == preset.sha256 else {}
    # The name is that of a folder, which may hold more than what is read back.
    preset = replace(preset, name=printable(preset.name), sha256=found, verified=verified)
    config = json.dumps(asdict(preset), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for graph in (GRAPH, GRAPH_INT8):
            (folder / graph).unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot write: {error.strerror}") from error
    write_atomic(folder / WEIGHTS, data)
    write_atomic(folder / CONFIG, config.encode())
    write_atomic(folder / CARD, card.encode())
    return preset


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it: {error.strerror}") from error


def _damaged(folder: Path, found: str, expected: str) -> str:
    path = folder / WEIGHTS
    size_mb = path.stat().st_size / 1e6
    return (
        f"{path}: {size_mb:.1f} MB, sha256 {found[:12]}... differs from {expected[:12]}..."
        f" in {CONFIG}; the file is damaged or of another model: fetch the folder again"
    )
