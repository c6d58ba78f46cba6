"""Baselines: the figures that anything learned must beat come out of these."""

import os
from pathlib import Path

import numpy as np
import pytest

from featherdepth.data.probe import open_data
from featherdepth.data.reader import Reader
from featherdepth.errors import InputError
from featherdepth.evaluation.accuracy import evaluate
from featherdepth.evaluation.baselines import BASELINES, load_baselines
from featherdepth.metrics.protocols import load_protocol
from featherdepth.types import Depth, DepthKind, Image, Sample

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("FEATHERDEPTH_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "manifest.csv").exists(), reason=f"development data not at {DATA}"
)


class Maps(Reader):
    """Training truth given as arrays; 0 is a hole."""

    name, terms = "maps", "none"

    def __init__(self, *maps: object, kind: DepthKind = DepthKind.METRIC) -> None:
        super().__init__()
        self.maps = [np.array(values, dtype=np.float32) for values in maps]
        self.kind = kind
        self.keys = [str(i) for i in range(len(maps))]

    def _read(self, index: int) -> Sample:
        values = self.maps[index]
        return Sample(
            key=self.keys[index],
            image=picture(*values.shape),
            depth=Depth(values=values, valid=values > 0, kind=self.kind),
        )

    def _size(self, index: int) -> tuple[int, int]:
        height, width = self.maps[index].shape
        return height, width


def picture(height: int, width: int) -> Image:
    return Image(pixels=np.zeros((height, width, 3), dtype=np.uint8))


def test_the_median_map_is_the_median_at_each_place_without_holes() -> None:
    training = Maps([[1, 5, 0]], [[2, 0, 0]], [[9, 7, 0]])

    baselines = load_baselines(training)

    median = baselines["median-map"].infer(picture(1, 3))
    assert median.values[0, :2].tolist() == [2, 6]
    # The constant is the median of 1, 2, 9 (every second column): holes do not count.
    assert median.values[0, 2] == baselines["constant"].infer(picture(1, 1)).values[0, 0] == 2
    assert median.kind is DepthKind.METRIC


def test_maps_of_other_sizes_join_and_photos_of_other_sizes_are_served() -> None:
    training = Maps(np.full((4, 6), 2.0), np.full((8, 12), 4.0), np.full((2, 3), 6.0))

    prediction = load_baselines(training)["median-map"].infer(picture(10, 20))

    assert prediction.size == (10, 20)
    assert np.allclose(prediction.values, 4)


def test_without_training_data_there_is_a_constant_without_unit() -> None:
    baselines = load_baselines(None)

    assert list(baselines) == ["constant"]
    assert baselines["constant"].infer(picture(2, 3)).kind is DepthKind.SCALE_INVARIANT
    assert set(load_baselines(Maps([[1, 2]]))) == set(BASELINES)


def test_truth_without_metres_teaches_no_baseline() -> None:
    with pytest.raises(InputError, match="no metric truth to learn a baseline from"):
        load_baselines(Maps([[1, 2]], kind=DepthKind.SCALE_INVARIANT))


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "constant", "median_map"),
    [
        # delta1, abs_rel, rmse
        ("aligned", (0.474, 0.355, 1.040), (0.630, 0.233, 0.748)),
        ("metric", (0.370, 0.404, 1.308), (0.418, 0.363, 1.151)),
        ("median", (0.511, 0.334, 1.067), (0.575, 0.256, 0.866)),
    ],
)
def test_the_reference_numbers_of_nyu_val_come_out(
    protocol: str, constant: tuple[float, ...], median_map: tuple[float, ...]
) -> None:
    baselines = load_baselines(open_data(DATA, "labelled"))

    result = evaluate(
        baselines["median-map"],
        open_data(DATA, "val"),
        load_protocol(protocol),
        name="median-map",
        baselines=baselines,
    )

    names = ("delta1", "abs_rel", "rmse")
    assert tuple(result["metrics"][n]["value"] for n in names) == pytest.approx(
        median_map, abs=6e-4
    )
    found = tuple(result["baselines"]["constant"][n]["value"] for n in names)
    assert found == pytest.approx(constant, abs=6e-4)
    assert result["data"]["count"] == 127
