"""Predictions kept on disk, to be scored again without the model.

    predictions.json              of which model, on which data, under which protocol (`about.py`)
    <key>-<hash>.safetensors    one map a photo, float32 as the model gave it: scored again, the
                                numbers are the same to the last digit

Files are whole or not there; reading runs no code.
"""

import hashlib
import json
import re
import struct
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from featherdepth.errors import InputError
from featherdepth.evaluation.about import FORMAT, About, begin_folder, read_about
from featherdepth.images.atomic import remove_partials, write_atomic
from featherdepth.metrics.scores import PredictionError
from featherdepth.types import Depth, DepthKind, Provenance

SUFFIX = ".safetensors"
LARGEST_HEADER = 1 << 16
"""Ours have some 300 bytes; a longer one is not ours."""


class KeptPredictions:
    """A folder of predictions; parts of a run may be written by several processes."""

    def __init__(self, folder: Path, about: About) -> None:
        """Use `begin` or `open`, which check the folder."""
        self.folder, self.about = folder, about

    @classmethod
    def begin(cls, folder: Path, about: About) -> "KeptPredictions":
        """Take a folder that is new, empty, or of the same model, data and protocol.

        Raises:
            InputError: what it says of its predictions is damaged.
            RunError: it holds something else, or cannot be written.
        """
        found = begin_folder(folder, about)
        remove_partials(folder)
        return cls(folder, found)

    @classmethod
    def open(cls, folder: Path) -> "KeptPredictions":
        """Open a folder for reading.

        Raises:
            InputError: not one of predictions.
        """
        return cls(folder, read_about(folder))

    def write(self, key: str, prediction: Depth) -> None:
        """Keep one prediction; an older one is replaced.

        Raises:
            RunError: it cannot be written; nothing of it is left.
        """
        values = prediction.values
        if not prediction.valid.all():  # holes are NaN: one tensor, and no map has NaN otherwise
            values = np.where(prediction.valid, values, np.float32(np.nan))
        made = prediction.provenance
        said = {
            "format": FORMAT,
            "key": key,
            "kind": prediction.kind.value,
            "model": made.model,
            "sha256": made.sha256,
            "backend": made.backend,
            "precision": made.precision,
        }
        content = save({"map": values}, metadata={"featherdepth": json.dumps(said, sort_keys=True)})
        write_atomic(self._path(key), content)

    def read(self, key: str) -> Depth:
        """The prediction of an image.

        Raises:
            InputError: there is none.
            PredictionError: it is damaged, or of another image.
        """
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise InputError(f"{self.folder}: no prediction of {key}") from error
        except OSError as error:
            raise InputError(f"{path}: cannot read it: {error.strerror}") from error
        try:
            (length,) = struct.unpack_from("<Q", content)
            if length > LARGEST_HEADER:
                raise ValueError("not a header of ours")
            said = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["featherdepth"])
            if said["format"] != FORMAT or said["key"] != key:
                raise ValueError(f"a prediction of {said['key']}")
            values = load(content)["map"]
            if values.dtype != np.float32 or values.ndim != 2 or np.isinf(values).any():
                raise ValueError("not a map of numbers")
            valid = ~np.isnan(values)
            return Depth(
                values=np.where(valid, values, np.float32(0)),
                valid=valid,
                kind=DepthKind(said["kind"]),
                provenance=Provenance(
                    model=str(said["model"]),
                    sha256=str(said["sha256"]),
                    backend=str(said["backend"]),
                    precision=str(said["precision"]),
                ),
            )
        except (ValueError, LookupError, TypeError, struct.error, SafetensorError) as error:
            raise PredictionError(f"{path.name}: damaged: {error}") from error

    def _path(self, key: str) -> Path:
        # The hash tells keys apart that look alike as file names.
        digest = hashlib.blake2b(key.encode(errors="surrogateescape"), digest_size=6).hexdigest()
        readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", key)[-60:].lstrip(".-")
        return self.folder / f"{readable}-{digest}{SUFFIX}"
