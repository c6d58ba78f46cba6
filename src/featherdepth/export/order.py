"""What is asked of an export, and whether it can be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from featherdepth.errors import UsageError
from featherdepth.export.existing import check_existing
from featherdepth.export.source import Source
from featherdepth.export.verify import DROPS
from featherdepth.geometry.resize import Size, network_size
from featherdepth.networks.folder import CONFIG

To = Literal["onnx", "openvino", "pt2"]
Precision = Literal["fp32", "fp16", "bf16", "int8"]
SUFFIX = {"onnx": ".onnx", "openvino": ".xml", "pt2": ".pt2"}
PRECISIONS = {
    "onnx": ("fp32", "fp16", "int8"),
    "openvino": ("fp32", "fp16", "bf16", "int8"),
    "pt2": ("fp32", "bf16"),
}
"""fp16 is storage: half the bytes, arithmetic in float32."""
ENOUGH = 20
"""Photos for the scales of int8."""


def written_as(output: Path) -> str:
    """What the name of a file says it is for.

    Raises:
        UsageError: nothing that is known.
    """
    for to, suffix in SUFFIX.items():
        if output.suffix == suffix:
            return to
    names = ", ".join(f"{suffix} ({to})" for to, suffix in SUFFIX.items())
    raise UsageError(f"-o {output}: unknown suffix {output.suffix!r}; expected {names}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is wanted."""

    to: str
    output: Path
    precision: Precision = "fp32"
    fixed: Size | None = None
    pixels: bool = False
    """uint8 input, preparation in the graph."""
    calibrate: Sequence[str | Path] = ()
    verify: Sequence[str | Path] = ()
    max_drop: float | None = None
    overwrite: bool = False
    """Files that no export wrote may be replaced."""

    def checked(self, source: Source) -> "Order":
        """Itself, if it can be carried out.

        Raises:
            UsageError: it cannot; one line that says why.
        """
        known = get_args(To)
        if self.to not in known:
            raise UsageError(f"--to {self.to!r} is unknown; expected {', '.join(known)}")
        if self.precision not in get_args(Precision):
            names = ", ".join(get_args(Precision))
            raise UsageError(f"--precision {self.precision!r} is unknown; expected {names}")
        if self.precision not in PRECISIONS[self.to]:
            possible = ", ".join(PRECISIONS[self.to])
            raise UsageError(f"--to {self.to} has no {self.precision}; expected {possible}")
        if self.output.suffix != SUFFIX[self.to]:
            raise UsageError(f"-o {self.output}: --to {self.to} writes {SUFFIX[self.to]} files")
        if self.output.name == "model.onnx" and (self.output.parent / CONFIG).is_file():
            raise UsageError(f"-o {self.output}: is the graph of a model folder; take another name")
        check_existing(self.output, self.to, overwrite=self.overwrite)
        if self.precision == "int8" and not self.calibrate:
            raise UsageError(
                f"int8 takes its scales from photos of your domain; name {ENOUGH} or more with"
                " --calibrate PHOTOS"
            )
        if self.calibrate and self.precision != "int8":
            raise UsageError(f"--calibrate is for int8, not {self.precision}; leave it out")
        if self.max_drop is not None and self.precision not in DROPS:
            raise UsageError(f"--max-drop is for {' and '.join(DROPS)}, not {self.precision}")
        if self.max_drop is not None and not 0 < self.max_drop < 1:
            raise UsageError(f"--max-drop {self.max_drop:g}; expected a share, such as 0.02")
        if self.pixels and source.channels != 3:
            raise UsageError(f"{source.preset.name} takes depth and points too: no --uint8-input")
        if self.fixed is not None:
            network_size(1, 1, self.fixed, source.preset.multiple)
        return self
