"""A depth model: photos in, `Depth` out, at the photo's size."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NoReturn, overload

import numpy as np
import PIL.Image
from jaxtyping import Float32

import featherdepth
from featherdepth.errors import InputError, RunError, UsageError
from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.geometry.parts import Window
from featherdepth.geometry.resize import Size, checked_size, resize_map
from featherdepth.images.read import SupportsBytes, read_image
from featherdepth.networks.folder import read_config
from featherdepth.runtime.ahead import opened_ahead, work_ahead
from featherdepth.runtime.backends import BACKENDS, Network, choose
from featherdepth.runtime.choice import CPU, backend_on, choose_for, precision_named
from featherdepth.runtime.cpu import cores
from featherdepth.runtime.exported import SUFFIXES, Exported, exported_sha256
from featherdepth.runtime.fit import decoded_side, fit
from featherdepth.runtime.presets import check_sees_depth
from featherdepth.runtime.reference import resolve
from featherdepth.types import Depth, Image, Intrinsics, Preset, Provenance

logger = logging.getLogger(__name__)

Photo = str | Path | bytes | SupportsBytes | PIL.Image.Image | np.ndarray | Image
Photos = list[Any] | tuple[Any, ...]
OutSize = Literal["photo", "model"]
COMPLETE = "use featherdepth complete"


class DepthModel:
    """A network, ready to run, and what its numbers mean.

    One model may be shared by threads; at most `streams` of them are served at once, others wait.
    """

    def __init__(
        self,
        preset: Preset,
        network: Network,
        *,
        backend: str,
        precision: str,
        exported: Exported | None = None,
        threads: int | None = None,
        streams: int = 1,
    ) -> None:
        self.preset = preset
        self.exported = exported
        """What the file says, where the model is an exported one."""
        self.backend = backend
        self.precision = precision
        self.threads = threads or cores()
        """Of the network; of the resize before it, too, where one photo is computed at a time."""
        self.streams = streams
        """Photos that it computes at most at once, where several threads call it."""
        self.network = network
        """RGB in 0..1, `1 3 h w` with sides that `preset.multiple` divides, to raw depth."""

    def __repr__(self) -> str:
        return (
            f"<DepthModel {self.preset.name} on {self.backend} in {self.precision},"
            f" {self.preset.kind}>"
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a DepthModel holds an open network, which no other process can have; call"
            " DepthModel.from_pretrained there"
        )

    @property
    def provenance(self) -> Provenance:
        """What its maps say of where they came from, whatever their size."""
        return Provenance(
            model=self.preset.name,
            sha256=self.preset.sha256,
            backend=self.backend,
            precision=self.precision,
            version=featherdepth.__version__,
        )

    @classmethod
    def from_pretrained(
        cls,
        reference: str | Path | None = None,
        *,
        backend: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        streams: int = 1,
        device: str | None = None,
        wait: bool = True,
    ) -> "DepthModel":
        """Load a model.

        Args:
            reference: the name of an embedded model, a model folder, NETWORK@FILE, or an exported
                .onnx or .xml file; the everyday model if left out.
            backend: "onnx", "openvino", "torch" or "torch-compile"; "auto" is the fastest of the
                first two that is installed.
            precision: "fp32", "bf16" or "int8"; "auto" is the fastest on this CPU whose abs_rel was
                measured to rise by at most 1 % over fp32. An exported file has its own backend and
                precision.
            threads: of the network, and of the resize before it; by default what the backend takes.
            streams: photos that are computed at once when several threads call `infer`, by
                `threads` together: more photos a second, and each of them later. Backend "torch"
                computes one after the other.
            device: such as "cuda" or "mps", on which torch computes, whatever "auto" is elsewhere;
                by default the CPU, for backend "torch" the first of those that is there.
            wait: False: another thread opens a model folder's network, whose first call waits and
                raises what opening it raised (a WeightsError, a BackendError).

        Raises:
            UsageError: no such model, backend or precision; threads or streams below 1.
            WeightsError: missing, damaged or not matching weights.
            BackendError: the backend is not installed or cannot compute at this precision, or the
                device is not there.
        """
        if threads is not None and threads < 1:
            raise UsageError(f"threads is {threads}; expected 1 or more")
        if streams < 1:
            raise UsageError(f"streams is {streams}; expected 1 or more")
        found = resolve(reference, files=True)
        if found.network is None and found.path.suffix in SUFFIXES and found.path.is_file():
            if device not in CPU:
                raise UsageError(f"{found.path}: runs on the CPU, not on {device}; leave it out")
            return cls._from_file(found.path, backend, precision, threads, streams)
        backend = backend_on(device, backend)
        if found.network is not None:
            chosen = precision_named(precision)
            if backend not in ("auto", "torch"):
                raise UsageError(f"model {reference}: foreign weights run on torch, not {backend}")
            backend = choose("torch")
            opener = BACKENDS.load(backend).open_foreign
            preset, network = opener(found.network, found.path, threads, chosen, device)
        else:
            preset = read_config(found.path)
            check_sees_depth(preset, COMPLETE)
            backend, chosen = choose_for(found.path, preset, backend, precision)

            def opening() -> Network:
                opener: Callable[..., Network] = BACKENDS.load(backend).open
                return opener(found.path, preset, threads, chosen, streams, device=device)

            network = opening() if wait else opened_ahead(opening)
        logger.info("model %s on %s in %s", preset.name, backend, chosen)
        return cls(
            preset, network, backend=backend, precision=chosen, threads=threads, streams=streams
        )

    @classmethod
    def _from_file(
        cls, path: Path, backend: str, precision: str, threads: int | None, streams: int
    ) -> "DepthModel":
        own = SUFFIXES[path.suffix]
        if backend not in ("auto", own):
            raise UsageError(f"{path}: runs on {own}, not on {backend}; leave --backend out")
        exported, network = BACKENDS.load(choose(own)).open_file(path, threads, streams)
        if precision not in ("auto", exported.precision):
            raise UsageError(
                f"{path}: was exported in {exported.precision}, not {precision}; leave --precision"
                " out"
            )
        check_sees_depth(exported.preset, COMPLETE)
        logger.info("model %s on %s in %s", exported.preset.name, own, exported.precision)
        return cls(
            replace(exported.preset, sha256=exported_sha256(path)),
            network,
            backend=own,
            precision=exported.precision,
            exported=exported,
            threads=threads,
            streams=streams,
        )

    @overload
    def infer(
        self,
        image: Photo,
        *,
        size: int | Size | None = None,
        out_size: OutSize = "photo",
        intrinsics: Intrinsics | None = None,
    ) -> Depth: ...

    @overload
    def infer(
        self,
        image: Photos,
        *,
        size: int | Size | None = None,
        out_size: OutSize = "photo",
        intrinsics: Intrinsics | None = None,
    ) -> list[Depth]: ...

    def infer(
        self,
        image: Photo | Photos,
        *,
        size: int | Size | None = None,
        out_size: OutSize = "photo",
        intrinsics: Intrinsics | None = None,
    ) -> Depth | list[Depth]:
        """Predict the depth of a photo, or of each photo of a list.

        Args:
            image: a path, the bytes of a file, an open binary file, a PIL picture or an RGB array
                `h w 3` (uint8, or floats in 0..1); or a list of them, of any sizes.
            size: of the network's input: an edge N stands for the area N * N at the photo's
                aspect ratio, a pair (height, width) is taken as it is; the model's own by default.
            out_size: "photo" gives the photo's size, "model" that at which the network saw it.
            intrinsics: the photo's camera where it is known better than from its EXIF.

        Returns:
            Depth of the model's kind (`preset.kind`), valid everywhere. Its intrinsics are the
            given ones, or from EXIF, or assumed (`intrinsics.source` says which).

        Raises:
            InputError: a photo that cannot be read.
            UsageError: a size that the network cannot take.
            RunError: the network gave NaN or infinity, or memory ran out.
        """
        self.input_size(size)  # refused before a photo is read
        if isinstance(image, list | tuple):
            return [
                self.infer(one, size=size, out_size=out_size, intrinsics=intrinsics)
                for one in image
            ]
        if isinstance(image, str | Path | bytes):
            image = self.read(image, size=size)
        elif not isinstance(image, Image):
            image = read_image(image)
        return self.infer_image(image, size=size, out_size=out_size, intrinsics=intrinsics)

    def infer_image(
        self,
        image: Image,
        *,
        size: int | Size | None = None,
        out_size: OutSize = "photo",
        intrinsics: Intrinsics | None = None,
    ) -> Depth:
        """`infer` for a photo that has been read."""
        preset, asked = self.preset, self.input_size(size)
        if out_size not in ("photo", "model"):
            raise UsageError(f"out size {out_size!r}; expected photo or model")
        shown = f"--size {asked}"
        try:
            pixels, window = self.fitted(image, asked)
            input_size = pixels.shape[1:]
            shown = f"{input_size[0]}x{input_size[1]}"
            values = self.network(pixels[None])[0, 0][window]
            finite = bool(np.isfinite(values).all())
            if out_size == "photo":
                values = resize_map(np.ascontiguousarray(values), image.photo_size)
        except (MemoryError, RunError) as error:
            reason = str(error) or "out of memory"
            raise RunError(f"{image.name}: {reason} at {shown}; use a smaller --size") from error
        if not finite:
            raise RunError(
                f"{image.name}: {preset.name} on {self.backend} in {self.precision} gave NaN or"
                " infinity; expected finite depth: try --precision fp32 or another backend"
            )
        camera = intrinsics or image.intrinsics or assumed_intrinsics(*image.photo_size)
        return Depth(
            values=values,
            valid=np.ones(values.shape, dtype=np.bool_),
            kind=preset.kind,
            intrinsics=camera.resized(*values.shape),
            provenance=replace(self.provenance, input_size=(input_size[0], input_size[1])),
        )

    def infer_many(
        self,
        photos: Iterable[str | Path],
        *,
        size: int | Size | None = None,
        out_size: OutSize = "photo",
        failed: Callable[[str | Path, InputError], None] | None = None,
    ) -> Iterator[tuple[str | Path, Depth]]:
        """Predict many photos in order; the next ones are read while the network runs.

        Memory stays flat however many there are.

        Args:
            photos: paths, taken one by one as they are needed.
            size, out_size: as `infer`.
            failed: called with a photo that cannot be read and why; the rest go on. Without it
                the first such photo raises.

        Raises:
            InputError: a photo that cannot be read, where `failed` is not given.
            UsageError: one path in place of several.
        """
        if isinstance(photos, str | Path):  # a str would be taken letter by letter
            raise UsageError(f"{photos}: is one path; expected several, such as [{str(photos)!r}]")
        for photo, image in work_ahead(photos, lambda path: self.read(path, size=size)):
            if isinstance(image, InputError):
                if failed is None:
                    raise image
                failed(photo, image)
                continue
            yield photo, self.infer_image(image, size=size, out_size=out_size)

    def read(
        self, source: str | Path | bytes, *, size: int | Size | None = None, name: str | None = None
    ) -> Image:
        """Read a photo at no more detail than the network looks at: large JPEGs decode faster.

        Args:
            size: as `infer`.
            name: for messages; the file name by default.

        Raises:
            InputError: it cannot be read.
        """
        most = decoded_side(self.input_size(size))
        return read_image(source, name=name, max_side=most)

    def input_size(self, asked: int | Size | None) -> int | Size:
        """What `size` of `infer` stands for here.

        Raises:
            UsageError: it is no size; or an exported file has another one, and cannot take this.
        """
        asked = None if asked is None else checked_size(asked)
        if self.exported is not None:
            return self.exported.size_for(asked)
        return self.preset.size if asked is None else asked

    def fitted(self, image: Image, size: int | Size) -> tuple[Float32[np.ndarray, "3 h w"], Window]:
        """The network's input for a photo, and the rows and columns of it that are photo."""
        preset = self.preset
        threads = self.threads if self.streams == 1 else 1
        return fit(image, size=size, multiple=preset.multiple, rule=preset.resize, threads=threads)
