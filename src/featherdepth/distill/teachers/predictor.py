"""A teacher as what can be scored: a photo to a depth map of its size."""

import numpy as np
import torch

import featherdepth
from featherdepth.distill.teachers.open import open_teacher
from featherdepth.geometry.resize import Size, resize_map
from featherdepth.types import Depth, DepthKind, Image, Provenance


class TeacherPredictor:
    """What a student would learn from, photo by photo.

    Args:
        reference: as `open_teacher` takes it; the other arguments as well.
    """

    def __init__(
        self, reference: str, *, device: str | None = None, threads: int | None = None
    ) -> None:
        self._device = torch.device(device or "cpu")
        self._teacher = open_teacher(reference, device=self._device, threads=threads)
        self.name = self._teacher.card.name

    @property
    def kind(self) -> DepthKind:
        return self._teacher.card.kind

    @property
    def provenance(self) -> Provenance:
        return Provenance(
            model=self.name,
            sha256=self._teacher.card.digest,
            backend="torch",
            precision="fp32",
            version=featherdepth.__version__,
        )

    def infer(self, image: Image, *, size: int | Size | None = None) -> Depth:
        """The teacher's map of a whole photo, as `label` keeps it, at the photo's size.

        Args:
            size: at which it sees the photo, in place of its own.

        Raises:
            ValueError: it gave NaN or infinity.
        """
        seen = torch.from_numpy(self._teacher.prepare(image.pixels, size))[None]
        with torch.inference_mode():
            raw = self._teacher(seen.to(self._device))[0, 0].float().cpu().numpy()
        values = resize_map(np.ascontiguousarray(raw), image.size)
        return Depth(
            values=values,
            valid=np.ones(values.shape, np.bool_),
            kind=self.kind,
            intrinsics=image.intrinsics,
            provenance=self.provenance,
        )
