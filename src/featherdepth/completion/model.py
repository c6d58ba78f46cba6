"""A photo and measured points to dense metric depth: any first stage, any sparsity."""

import hashlib
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from featherdepth.completion import DEFAULT, parse_method
from featherdepth.completion.complete import complete_map
from featherdepth.completion.learned import network_sha256
from featherdepth.data.sparse import Points, sparse_depth
from featherdepth.errors import InputError, UsageError
from featherdepth.images.read import read_image
from featherdepth.images.read_depth import read_depth
from featherdepth.runtime.choice import repeatable
from featherdepth.runtime.cpu import threads_beside
from featherdepth.runtime.model import DepthModel, Photo
from featherdepth.types import Completion, Depth, DepthKind, Image, Intrinsics, Provenance

DEPTH_SUFFIXES = (".npy", ".png")


def is_depth_file(first: str | Path) -> bool:
    """Whether a first stage is depth that is known already, and no model."""
    path = Path(first)
    return path.suffix.lower() in DEPTH_SUFFIXES and path.is_file()


class CompletionModel:
    """A first stage that estimates depth, and the method that bends it to measured points.

    >>> model = CompletionModel.from_pretrained()                    # doctest: +SKIP
    >>> result = model.complete("room.jpg", sparse)                  # doctest: +SKIP
    >>> result.values, result.confidence, result.rejected            # doctest: +SKIP
    """

    def __init__(
        self,
        first: DepthModel | Depth,
        *,
        method: str = DEFAULT,
        reject_outliers: bool = True,
        threads: int | None = None,
        streams: int = 1,
    ) -> None:
        parse_method(method)  # a wrong one is said here
        self.first = first
        self.method = method
        self.reject_outliers = reject_outliers
        if streams < 1:
            raise UsageError(f"streams is {streams}; expected 1 or more")
        self.threads = threads_beside(streams, threads)
        """Of the method's network."""
        self.streams = streams

    def __repr__(self) -> str:
        return f"<CompletionModel {self.method} behind {self.first!r}>"

    @property
    def made(self) -> Provenance:
        """By what the first stage's maps are made; of known depth what made it."""
        return self.first.provenance

    @cached_property
    def known_sha256(self) -> str:
        """Of known depth; empty where the first stage is a model."""
        if not isinstance(self.first, Depth):
            return ""
        values = np.where(self.first.valid, self.first.values, np.float32(np.nan))
        return hashlib.sha256(self.first.kind.encode() + values.tobytes()).hexdigest()

    @cached_property
    def network_sha256(self) -> str:
        """Of the weights of the method's network; empty if it has none."""
        return network_sha256(self.method)

    @classmethod
    def from_pretrained(
        cls,
        first: str | Path | DepthModel | Depth | None = None,
        *,
        method: str = DEFAULT,
        first_kind: str | None = None,
        first_scale: float | int | None = None,
        reject_outliers: bool = True,
        backend: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        streams: int = 1,
        device: str | None = None,
    ) -> "CompletionModel":
        """Load the first stage.

        Args:
            first: an embedded model, a model folder or NETWORK@FILE; the everyday model if left
                out. Or a `DepthModel`, or depth that is known already: a `Depth`, or a depth file
                (.png, .npy) for photos of its size.
            method: how the points are completed, a name of `featherdepth.completion.METHODS`, or
                `learned@FOLDER` with a network that you trained.
            first_kind: what the numbers of a .npy of others as `first` mean (`DepthKind`).
            first_scale: of a PNG of others as `first`: meters = stored / first_scale.
            reject_outliers: leave out points that disagree with those around them.
            backend, precision, device: of the first stage, as for `DepthModel`; precision "auto" is
                fp32 here.
            threads: of both networks.
            streams: photos that are completed at once, as for `DepthModel`.

        Raises:
            UsageError: no such model, method, backend, precision or kind; or a kind or scale of a
                first stage that needs none.
            InputError: a depth file that cannot be read.
            WeightsError: missing, damaged or not matching weights.
            BackendError: the backend is not installed, or the device not there.
        """
        parse_method(method)
        if isinstance(first, str | Path) and is_depth_file(first):
            if first_kind is not None and first_kind not in list(DepthKind):
                raise UsageError(f"unknown kind {first_kind!r}; known: {', '.join(DepthKind)}")
            kind = None if first_kind is None else DepthKind(first_kind)
            first = read_depth(first, kind=kind, scale=first_scale)
        elif first_kind is not None or first_scale is not None:
            raise UsageError("the first stage is no depth file; leave its kind and scale out")
        if first is None or isinstance(first, str | Path):
            chosen = repeatable(first, precision)
            first = DepthModel.from_pretrained(
                first,
                backend=backend,
                precision=chosen,
                threads=threads,
                streams=streams,
                device=device,
            )
        return cls(
            first,
            method=method,
            reject_outliers=reject_outliers,
            threads=threads,
            streams=streams,
        )

    def complete(
        self,
        image: Photo | None,
        sparse: Points,
        *,
        size: int | tuple[int, int] | None = None,
        intrinsics: Intrinsics | None = None,
    ) -> Completion:
        """Estimate, align, complete.

        Args:
            image: as for `DepthModel.infer`; may be None where the first stage is known depth.
            sparse: the measured points, one or more, as `featherdepth.sparse_depth` takes them:
                (h, w) of meters with 0 where there is none, rows of (column, row, meters), a file,
                or a METRIC `Depth` at the photo's size.
            size: of the network's input, as for `DepthModel.infer`.
            intrinsics: the camera, where it is known better than from EXIF or the points.

        Returns:
            Metric depth at the photo's size, how sure it is, and which points were not believed.

        Raises:
            InputError: a photo that cannot be read, points of another size, or no point.
            RunError: the network gave NaN or infinity, or memory ran out.
        """
        photo = self._photo(image, size)
        prior = self._estimated(photo, size, intrinsics)
        name = photo.name if photo is not None and isinstance(image, str | Path | Image) else None
        camera = intrinsics or (photo.intrinsics if photo is not None else None)
        sparse = sparse_depth(sparse, size=prior.size, intrinsics=camera, image_name=name)
        if prior.size != sparse.size:
            raise InputError(
                f"the photo has {prior.size[1]}x{prior.size[0]} pixels, the measured points belong"
                f" to {sparse.size[1]}x{sparse.size[0]}; expected one size for both"
            )
        return complete_map(
            prior,
            sparse,
            photo=photo,
            method=self.method,
            reject_outliers=self.reject_outliers,
            threads=self.threads,
        )

    def _photo(self, image: Photo | None, size: int | tuple[int, int] | None) -> Image | None:
        if image is None or isinstance(image, Image):
            return image
        if isinstance(self.first, DepthModel) and isinstance(image, str | Path | bytes):
            return self.first.read(image, size=size)
        return read_image(image)

    def _estimated(
        self,
        photo: Image | None,
        size: int | tuple[int, int] | None,
        intrinsics: Intrinsics | None,
    ) -> Depth:
        if isinstance(self.first, Depth):
            if photo is not None and photo.size != self.first.size:
                raise InputError(
                    f"{photo.name}: {photo.size[1]}x{photo.size[0]} pixels, but the known depth"
                    f" has {self.first.size[1]}x{self.first.size[0]}; expected one size"
                )
            if intrinsics is None:
                return self.first
            return replace(self.first, intrinsics=intrinsics.resized(*self.first.size))
        if photo is None:
            raise InputError("no photo; expected one, or known depth as the first stage")
        return self.first.infer_image(photo, size=size, intrinsics=intrinsics)
