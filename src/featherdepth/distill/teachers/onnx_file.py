"""An ONNX file as teacher, run by onnxruntime on the CPU.

One input: RGB, rank 4, float32 or float16, of fixed or free size. One output, or one that is
called `depth` or `predicted_depth`: `b 1 h w` or `b h w`. What the graph does not tell is read
from its metadata or from the reference (`stated.py`): `kind` is needed; `mean` and `std` if the
graph does not normalize by itself (default: RGB in 0..1 goes in as it is); for a free size `size`
(448), `multiple` (32) and `resize` (keep). A fixed size is stretched to.

External data is read from the folder of the file and nowhere else.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from jaxtyping import Float32
from torch import Tensor

from featherdepth.data.storage import is_inside
from featherdepth.data.teacher_cards import TeacherCard
from featherdepth.distill.teachers.base import BaseTeacher, Maps, Sizing, as_maps, digest_of
from featherdepth.distill.teachers.stated import Stated, needed_kind, read_stated
from featherdepth.distill.teachers.terms import with_itself
from featherdepth.errors import BackendError, UsageError, WeightsError
from featherdepth.geometry.resize import Size
from featherdepth.networks.folder import CONFIG, GRAPH, file_sha256
from featherdepth.runtime.backends.onnx import FAULTS, SILENT
from featherdepth.runtime.exported import KEY, parse_exported

TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
MAP_NAMES = ("predicted_depth", "depth")


class OnnxTeacher(BaseTeacher):
    """A session, and what goes in front of it."""

    def __init__(
        self,
        card: TeacherCard,
        sizing: Sizing,
        asked: int | Size | None,
        session: Any,
        form: Stated,
    ) -> None:
        super().__init__(card, sizing, asked)
        self._session = session
        self._input = session.get_inputs()[0]
        self._output = _output_name(session, card.name)
        self._mean = _column(form.mean or (0.0, 0.0, 0.0))
        self._std = _column(form.std or (1.0, 1.0, 1.0))

    def __call__(self, images: Float32[Tensor, "b 3 h w"]) -> Maps:
        with torch.no_grad():
            pixels = (images.detach().cpu().numpy() - self._mean) / self._std
        single = self._input.shape[0] == 1
        parts = np.split(pixels, len(pixels)) if single else [pixels]
        maps = [
            as_maps(torch.from_numpy(self._run(part)), len(part), self._card.name) for part in parts
        ]
        return torch.cat(maps).to(images.device)

    def _run(self, pixels: np.ndarray) -> np.ndarray:
        feed = {self._input.name: pixels.astype(TYPES[self._input.type])}
        try:
            return np.asarray(self._session.run([self._output], feed)[0])
        except FAULTS as error:
            height, width = pixels.shape[2:]
            raise BackendError(
                f"teacher {self._card.name}: onnxruntime cannot run it at {height}x{width}:"
                f" {' '.join(str(error).split())}; state a fitting size or multiple"
            ) from error


def open_onnx(
    path: Path, stated: Stated, asked: int | Size | None, threads: int | None
) -> OnnxTeacher:
    """The ONNX file at `path`.

    Raises:
        UsageError: no stated kind, or a graph that does not take RGB.
        WeightsError: the file is missing or damaged, or points out of its folder.
    """
    where = f"teacher {path}"
    if not path.is_file():
        raise WeightsError(f"{where}: no such file; expected an ONNX file")
    if path.name == GRAPH and (path.parent / CONFIG).is_file():
        raise UsageError(f"{where}: is a part of a model folder; name the folder, {path.parent}")
    digests = [file_sha256(file) for file in (path, *_external_files(path))]
    session = _session(path, threads)
    height, width = _input_size(session, where)
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    form = stated.over(read_stated(metadata, f"{where}: metadata"))
    kind = needed_kind(form, where, f"write `kind` into its metadata, or name it {path}?kind=KIND")
    exported = parse_exported(metadata[KEY], path).preset if KEY in metadata else None
    name = path.name if exported is None else exported.name
    materials = () if exported is None else exported.materials
    card = TeacherCard(
        name=name,
        kind=kind,
        digest=digest_of("onnx", *digests, form),
        license=form.license or "",
        materials=with_itself(name, form.license or "", materials),
    )
    if height and width:
        sizing = Sizing(size=(height, width), multiple=1, rule="stretch", fixed=True)
    else:
        sizing = Sizing(
            size=form.size or 448, multiple=form.multiple or 32, rule=form.resize or "keep"
        )
    return OnnxTeacher(card, sizing, asked, session, form)


def _session(path: Path, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()  # type: ignore[attr-defined] # it has no __all__
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = SILENT
    try:
        return onnxruntime.InferenceSession(  # type: ignore[attr-defined]
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except FAULTS as error:
        raise WeightsError(
            f"teacher {path}: onnxruntime cannot load it: {' '.join(str(error).split())}"
        ) from error


def _input_size(session: Any, where: str) -> tuple[int, int]:
    """(height, width) where they are fixed, zeros where they are free."""
    inputs = session.get_inputs()
    first = inputs[0] if inputs else None
    if first is None or len(inputs) > 1 or first.type not in TYPES or len(first.shape) != 4:
        found = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs) or "none"
        raise UsageError(
            f"{where}: its inputs are {found}; expected one of float RGB, shape (batch, 3, h, w)"
        )
    batch, channels, height, width = (d if isinstance(d, int) else 0 for d in first.shape)
    if channels not in (0, 3) or batch > 1 or bool(height) != bool(width):
        raise UsageError(
            f"{where}: its input has shape {first.shape}; expected (batch, 3, h, w) with batch 1"
            " or free, and h and w both fixed or both free"
        )
    return height, width


def _output_name(session: Any, name: str) -> str:
    names = [output.name for output in session.get_outputs()]
    chosen = names if len(names) == 1 else [n for n in MAP_NAMES if n in names]
    if not chosen:
        raise UsageError(
            f"teacher {name}: its outputs are {', '.join(names)}; expected one, or one that is"
            f" called {' or '.join(MAP_NAMES)}"
        )
    return str(chosen[0])


def _external_files(path: Path) -> list[Path]:
    """Files that tensors of the graph lie in, sorted.

    Raises:
        WeightsError: not an ONNX file, or one of them is missing or outside of the folder.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise WeightsError(f"teacher {path}: not an ONNX file") from error
    names = {
        entry.value
        for tensor in _tensors(model)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    for name in sorted(names):
        inside = is_inside(name) and (path.parent / name).resolve().is_relative_to(
            path.parent.resolve()
        )
        if not inside:
            raise WeightsError(
                f"teacher {path}: wants the file {name!r}; data is read from its own folder only"
            )
        if not (path.parent / name).is_file():
            raise WeightsError(f"teacher {path}: its data file {name!r} is missing")
    return [path.parent / name for name in sorted(names)]


def _tensors(message: Any) -> Iterator[Any]:
    """All tensors of a protobuf message, however deep: branches and functions hold some too."""
    import onnx

    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in value if field.is_repeated else [value]:
            yield from _tensors(part)


def _column(values: tuple[float, float, float]) -> np.ndarray:
    return np.asarray(values, dtype=np.float32).reshape(1, 3, 1, 1)
