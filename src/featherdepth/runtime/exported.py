"""What an exported file says about itself: a JSON text under the key `featherdepth`.

In an .onnx file it is one of the metadata properties, in an OpenVINO .xml the run-time info, in a
.pt2 an extra file. Beside it an .onnx has plain keys (kind, unit, size, ...) that others can read.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32

from featherdepth.config import from_table
from featherdepth.errors import UsageError, WeightsError
from featherdepth.geometry.resize import Size
from featherdepth.networks.folder import check_preset
from featherdepth.types import Preset

KEY = "featherdepth"
FORM = 1
"""Of the JSON text; a file of a later form is refused."""
SUFFIXES = {".onnx": "onnx", ".xml": "openvino"}
"""Files that are models, and the backend that runs each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """What a file holds; the preset's sha256 is that of the weights that it was made from."""

    preset: Preset
    precision: Literal["fp32", "fp16", "bf16", "int8"]
    input: Literal["float", "uint8"] = "float"
    """`images`: RGB in 0..1, `b 3 h w`; or `pixels`: RGB, `b h w 3`."""
    fixed: Size | None = None
    """(height, width), where they are not open."""
    channels: int = 3
    opset: int | None = None
    version: str = ""
    """Of the package that wrote it."""
    kept: tuple[str, ...] = ()
    """Layers of an int8 file that compute in float."""

    @property
    def port(self) -> str:
        """Name of the input."""
        return "images" if self.input == "float" else "pixels"

    def fed(self, images: Float32[np.ndarray, "b c h w"]) -> np.ndarray:
        """What goes into the file for RGB in 0..1."""
        if self.input == "float":
            return images
        pixels = np.rint(images.transpose(0, 2, 3, 1) * np.float32(255))
        return np.ascontiguousarray(pixels.clip(0, 255).astype(np.uint8))

    def size_for(self, asked: int | Size | None) -> int | Size:
        """Size of the network's input: what is asked for, where it is open.

        Raises:
            UsageError: it is fixed, and another one was asked for.
        """
        if self.fixed is not None and asked not in (None, self.fixed):
            height, width = self.fixed
            raise UsageError(
                f"{self.preset.name}: was exported for {height}x{width} and sees nothing else;"
                " leave --size out"
            )
        return self.fixed or asked or self.preset.size

    def to_text(self) -> str:
        """The JSON text."""
        table = {**asdict(self), "form": FORM, "unit": self.preset.unit}
        return json.dumps(table, sort_keys=True)

    def plain(self) -> dict[str, str]:
        """The keys that others read; `mean` and `std` are not among them: the graph has them."""
        preset = self.preset
        size = preset.size if self.fixed is None else "x".join(map(str, self.fixed))
        table = {
            "name": preset.name,
            "kind": preset.kind.value,
            "unit": preset.unit or "",
            "size": str(size),
            "multiple": str(preset.multiple),
            "resize": preset.resize,
            "license": preset.license,
            "precision": self.precision,
            "sha256": preset.sha256,
            "version": self.version,
        }
        return {key: value for key, value in table.items() if value}


def exported_sha256(path: Path) -> str:
    """Of an exported file; of an OpenVINO model, of the .xml and the .bin behind it.

    Files of one model differ in what they compute: in size, precision and calibration.
    """
    parts = (path, path.with_suffix(".bin")) if path.suffix == ".xml" else (path,)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes())
    return digest.hexdigest()


def parse_exported(text: str | None, path: Path) -> Exported:
    """Read the JSON text of a file.

    Raises:
        UsageError: the file has none: another program wrote it.
        WeightsError: it is damaged, or of a later form.
    """
    if not text:
        raise UsageError(
            f"{path}: has no {KEY!r} metadata (kind, input size, rule of resizing), so what its"
            " numbers mean is unknown; expected a file that featherdepth export wrote; as a"
            f" teacher of distill or label, name {path}?kind=KIND"
        )
    try:
        table: dict[str, Any] = json.loads(text)
        form = table.pop("form")
        table.pop("unit", None)  # follows from the kind
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise WeightsError(f"{path}: its {KEY!r} metadata is damaged; export it anew") from error
    if form != FORM:
        raise WeightsError(
            f"{path}: its {KEY!r} metadata has form {form}, this version reads {FORM};"
            " use the version that wrote it"
        )
    try:
        exported = from_table(Exported, table, f"{path}: {KEY}")
    except UsageError as error:
        raise WeightsError(f"{error}; export it anew") from error
    check_preset(exported.preset, str(path))
    return exported
