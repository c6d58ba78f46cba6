"""`nyu_depth_v2_labeled.mat` as published: 1,449 pairs in one MATLAB v7.3 file, which is HDF5.

MATLAB stores columns first, so that HDF5 sees all axes reversed: images (n, 3, width, height) and
depths (n, width, height). The file holds two truths in metres, z along the optical axis:
`rawDepths` as measured, about a quarter of it holes, and `depths` with the holes painted in.
The same predictions score 20 % apart on the two, so the name of the data set says which it is.
`splits.mat` beside it counts from 1.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from featherdepth.data import nyu
from featherdepth.data.hdf5 import array_of, open_hdf5, take, texts
from featherdepth.data.matlab import array_in, load_v5
from featherdepth.errors import InputError
from featherdepth.types import Sample

FILE = "nyu_depth_v2_labeled.mat"
SPLITS = "splits.mat"
VARIABLES = {"train": "trainNdxs", "test": "testNdxs"}
DATASETS = {"raw": "rawDepths", "filled": "depths"}
MIN_HOLES, MAX_HOLES = 0.001, 0.01
"""Shares of the picture: `raw` maps have at least the one, `filled` ones at most the other."""


class NyuLabelled(nyu.Nyu):
    """Pairs in the official order; keys are the official numbers, which count from 1."""

    published = nyu.published(all=nyu.PAIRS, train=nyu.TRAIN, test=nyu.TEST)

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """`root`: the file, or its folder. `split`: train or test, which needs `splits.mat`.

        `truth`: `raw` is what the sensor measured, `filled` has its holes painted in.
        `splits`: where `splits.mat` lies, if not beside the file.
        """

        root: Path
        split: str | None = None
        truth: Literal["raw", "filled"] = "raw"
        splits: Path | None = None

    def __init__(self, config: Config) -> None:
        """Look at the shapes and the split; pairs are read when asked for.

        Raises:
            InputError: not this file, a split that cannot be the official one, or a truth that
                is not what its name says.
            UsageError: a split that does not exist.
            BackendError: h5py is not installed.
        """
        super().__init__()
        self.name = f"NYUv2 labelled ({config.truth} depth)"
        self._check_split(config.split, tuple(VARIABLES))
        self.split = config.split
        self._truth_name = config.truth
        self.usual = nyu.usual((0.5, 0.95) if config.truth == "raw" else (0.99, 1.0))
        self._path = config.root if config.root.is_file() else config.root / FILE
        with open_hdf5(self._path, self._path.name) as file:
            images, depths = self._arrays(file)
            count = images.shape[0]
            scenes = texts(file, "scenes", count)
            self._picture_size = (images.shape[3], images.shape[2])
            expected = (count, images.shape[2], images.shape[3])
            if images.shape[1] != 3 or depths.shape != expected:
                raise InputError(
                    f"{self._path.name}: images {images.shape}, depth {depths.shape}; expected"
                    " (n, 3, width, height) and (n, width, height)"
                )
        self._numbers = list(range(1, count + 1))
        if config.split is not None:
            self._numbers = _read_split(config.splits or self._path.parent, config.split, count)
        self.keys = [f"{number:04d}" for number in self._numbers]
        self.groups = [
            scenes[n - 1] or key for n, key in zip(self._numbers, self.keys, strict=True)
        ]
        self._check_found(self._path.name, count if config.split is None else 0, "it is empty")
        self._check_scale()
        self._check_holes()

    def _arrays(self, file: Any) -> tuple[Any, Any]:
        name = self._path.name
        images = array_of(file, "images", ndim=4, kinds="u", name=name)
        return images, array_of(file, DATASETS[self._truth_name], ndim=3, kinds="f", name=name)

    def _size(self, index: int) -> tuple[int, int]:  # noqa: ARG002 - all pictures have one size
        return self._picture_size

    def _read(self, index: int) -> Sample:
        key, place = self.keys[index], self._numbers[index] - 1
        with open_hdf5(self._path, f"{self._path.name}: {key}") as file:
            images, depths = self._arrays(file)
            pixels = take(images, place).transpose(2, 1, 0)
            metres = np.ascontiguousarray(take(depths, place).T)
        return self._pair(index, pixels.astype(np.uint8), metres)

    def _check_holes(self) -> None:
        """Raw depth has holes and filled depth has none: a copy under the wrong name is seen."""
        shares = []
        for index in sorted({0, len(self) // 2, len(self) - 1}):
            try:
                depth = self[index].depth
            except InputError:
                continue  # one pair that cannot be used says nothing about the file
            if depth is not None:
                shares.append(1 - depth.valid.mean())
        holes = float(np.mean(shares)) if shares else math.nan
        wrong = holes < MIN_HOLES if self._truth_name == "raw" else holes > MAX_HOLES
        if wrong:
            raise InputError(
                f"{self._path.name}: {DATASETS[self._truth_name]!r} has {holes:.1%} holes; expected"
                " about 24 % in raw and none in filled depth; it is the other truth"
            )


def _read_split(place: Path, split: str, count: int) -> list[int]:
    path = place / SPLITS if place.is_dir() else place
    if not path.is_file():
        raise InputError(
            f"{path.name}: not found beside {FILE}; split {split!r} needs it: put it there or set"
            " splits"
        )
    numbers = {}
    for name, value in load_v5(path, tuple(VARIABLES.values()), path.name).items():
        array = array_in(value, f"{path.name}: {name!r}")
        if not np.array_equal(array, np.rint(array)):
            raise InputError(f"{path.name}: {name!r} is not a list of numbers")
        numbers[name] = [int(number) for number in array.ravel()]
    both = sorted(number for part in numbers.values() for number in part)
    if both != list(range(1, count + 1)):
        low, high = (both[0], both[-1]) if both else (0, 0)
        raise InputError(
            f"{path.name}: {len(both)} numbers from {low} to {high}; expected each of 1 to {count}"
            " once: MATLAB counts from 1"
        )
    train, test = (len(numbers[name]) for name in VARIABLES.values())
    if count == nyu.PAIRS and (train, test) != (nyu.TRAIN, nyu.TEST):
        swapped = "; train and test are swapped" if (train, test) == (nyu.TEST, nyu.TRAIN) else ""
        raise InputError(
            f"{path.name}: {train} for training and {test} for testing; expected {nyu.TRAIN} and"
            f" {nyu.TEST}{swapped}"
        )
    return numbers[VARIABLES[split]]
