"""Makes the file of an order, in a folder of its own, and opens it as a reader would."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from featherdepth.export.int8 import kept_nodes, quantize_onnx, search
from featherdepth.export.order import SUFFIX
from featherdepth.export.pictures import Photos
from featherdepth.export.sensitivity import Sensitivity, sensitivities
from featherdepth.export.source import Source
from featherdepth.runtime.backends import BACKENDS, Network, choose
from featherdepth.runtime.exported import Exported

if TYPE_CHECKING:
    import onnx

T = TypeVar("T")


class Maker:
    """One model in one format and precision.

    Args:
        said: what the file will say, but for the layers kept in float32.
        folder: where it is made.
        calibration: photos for int8.
    """

    def __init__(
        self, source: Source, said: Exported, to: str, folder: Path, calibration: Photos | None
    ) -> None:
        self.source = source
        self.said = said
        self.to = to
        self.folder = folder
        self.calibration = calibration
        self.ranking: list[Sensitivity] = []
        """Of layers in 8 bits, where it was looked for."""
        if to == "openvino":
            choose("openvino")  # says what is missing before the long work
        self._graph = None if to == "pt2" else self._traced()

    def search(self, attempt: Callable[[tuple[str, ...]], T]) -> T:
        """Attempt with all layers in the precision; of int8 with fewer until one holds."""
        if self.said.precision != "int8":
            return attempt(())
        assert self._graph is not None  # noqa: S101 - for types
        return search(self._ranked, attempt, kept_nodes(self._graph.graph))

    def make(self, kept: tuple[str, ...]) -> tuple[Exported, list[Path], Network]:
        """The files, the one that names the model first, and a network that runs them."""
        said = replace(self.said, kept=kept)
        path = self.folder / f"model{SUFFIX[self.to]}"
        if self._graph is None:
            from featherdepth.export.torch_file import open_program, save_program

            save_program(self.source.module, path, said)
            return said, [path], open_program(path, said)
        made = self._write(path, said, self._graph)
        read, network = BACKENDS.load(self.to).open_file(path, None)
        if read != made:
            raise AssertionError(f"metadata came back as {read}, written was {made}")
        return made, [path, path.with_suffix(".bin")][: 2 if self.to == "openvino" else 1], network

    def _write(self, path: Path, said: Exported, graph: "onnx.ModelProto") -> Exported:
        import onnx

        from featherdepth.export.metadata import opset_of, write_onnx
        from featherdepth.export.single_file import half_storage
        from featherdepth.export.uint8_input import take_pixels

        model = onnx.ModelProto()
        model.CopyFrom(graph)
        said = replace(said, opset=opset_of(model))
        photos = self.calibration if said.precision == "int8" else None
        if photos is not None:
            model = quantize_onnx(model, photos, said.kept, self.folder)
        if said.precision == "fp16" and self.to == "onnx":
            half_storage(model)
        if said.input == "uint8":
            take_pixels(model, multiple=said.preset.multiple)
        if self.to == "onnx":
            write_onnx(model, said)
            onnx.checker.check_model(model)
            path.write_bytes(model.SerializeToString(deterministic=True))
            return said
        from featherdepth.export.openvino import read_onnx, save_openvino

        between = self.folder / "between.onnx"
        onnx.save(model, between)
        converted = read_onnx(between)
        save_openvino(converted, path, said)
        return said

    def _ranked(self) -> list[Sensitivity]:
        assert self._graph is not None and self.calibration is not None  # noqa: S101 - for types
        kind = self.source.preset.kind
        self.ranking = sensitivities(self._graph, self.calibration, kind)
        return self.ranking

    def _traced(self) -> "onnx.ModelProto":
        from featherdepth.export.single_file import single_file

        return single_file(
            self.source.module, multiple=self.source.preset.multiple, size=self.said.fixed
        )
