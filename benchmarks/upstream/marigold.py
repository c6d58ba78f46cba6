"""Marigold: fits in depth and in disparity, crops, ranges and metrics."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from benchmarks.upstream import cases as made
from benchmarks.upstream.cases import AFFINE, DISPARITY, Case
from benchmarks.upstream.runs import Comparison, Values, both, definitions, maps

METRICS = {
    "abs_relative_difference": "abs_rel",
    "squared_relative_difference": "sq_rel",
    "rmse_linear": "rmse",
    "rmse_log": "rmse_log",
    "log10": "log10",
    "silog_rmse": "silog",
    "delta1_acc": "delta1",
    "delta2_acc": "delta2",
    "delta3_acc": "delta3",
}


class Marigold:
    """The steps of script/depth/eval.py, with the functions and data sets it calls."""

    files = "src/util/alignment.py, src/util/metric.py, src/dataset"

    def __init__(self, folder: Path) -> None:
        alignment = ("align_depth_least_square", "depth2disparity", "disparity2depth")
        self.fit = definitions(folder / "src/util/alignment.py", *alignment)
        names = (*METRICS, "threshold_percentage")
        self.metric = definitions(folder / "src/util/metric.py", *names)
        self.sets = {
            name: definitions(
                folder / f"src/dataset/{file}_dataset.py",
                f"{name}DepthDataset",
                **self._base(folder),
            )
            for name, file in (("NYU", "nyu"), ("KITTI", "kitti"), ("ETH3D", "eth3d"))
        }

    @staticmethod
    def _base(folder: Path) -> dict[str, Any]:
        file, whole = folder / "src/dataset/base_depth_dataset.py", "BaseDepthDataset"
        modes = SimpleNamespace(id=1, rgb_id=2)
        base = definitions(file, whole, Dataset=object, DepthFileNameMode=modes).BaseDepthDataset
        base.filenames = []
        base.__init__ = lambda self, **kept: self.__dict__.update(kept)
        return {whole: base, "DepthFileNameMode": modes}

    def __call__(self, name: str, case: Case, resolution: int | None = None, **how: Any) -> Values:
        data = getattr(self.sets[name], f"{name}DepthDataset")(**how)
        prediction, truth = maps(case)
        if how.get("kitti_bm_crop"):
            prediction, truth = (data.kitti_benchmark_crop(m) for m in (prediction, truth))
        valid = data._get_valid_mask(torch.from_numpy(truth)).numpy()
        within = {"return_scale_shift": True, "max_resolution": resolution}
        if case.prediction.kind is DISPARITY:
            inverse, above = self.fit.depth2disparity(depth=truth, return_mask=True)
            chosen = valid & above & (prediction > 0)
            fitted, _, _ = self.fit.align_depth_least_square(inverse, prediction, chosen, **within)
            prediction = self.fit.disparity2depth(np.clip(fitted, a_min=1e-3, a_max=None))
        elif case.prediction.kind is AFFINE:
            prediction, _, _ = self.fit.align_depth_least_square(truth, prediction, valid, **within)
        prediction = np.clip(prediction, a_min=data.min_depth, a_max=data.max_depth)
        tensors = [torch.from_numpy(m) for m in (np.clip(prediction, 1e-6, None), truth, valid)]
        return {
            ours: float(getattr(self.metric, theirs)(*(t.clone() for t in tensors)))
            for theirs, ours in METRICS.items()
        }


def compare(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    code = Marigold(folder)
    inverse = [made.disparity(case) for case in rooms]
    for suffix, cases in (("affine-depth", rooms), ("affine-disp", inverse)):
        yield both(
            code.files,
            f"nyu-eigen-raw-v1+{suffix}",
            f"NYUv2 val, {cases[0].prediction.kind}",
            cases,
            lambda case: code("NYU", case, eigen_valid_mask=True),
        )
        yield both(
            code.files,
            f"scannet-800-v1+{suffix}",
            f"NYUv2 val, {cases[0].prediction.kind}",
            cases[::4],
            lambda case: code("NYU", case, eigen_valid_mask=False),
        )
        roads = made.roads(6)
        for road in (False, True):
            data = "made roads" if road else "NYUv2 val"
            chosen = roads if road else rooms[:8]
            chosen = [made.disparity(c) if "disp" in suffix else _relative(c) for c in chosen]
            if road:
                how = {"kitti_bm_crop": True, "valid_mask_crop": "eigen"}
                name, protocol = "KITTI", "kitti-eigen652-kb-eigen-v1"
            else:
                how, name, protocol = {}, "ETH3D", "eth3d-454-v1"
            yield both(
                code.files,
                f"{protocol}+{suffix}",
                f"{data}, {chosen[0].prediction.kind}",
                chosen,
                lambda case, name=name, how=how: code(name, case, **how),  # type: ignore[misc]
            )


def _relative(case: Case) -> Case:
    return case.predicting(0.1 * case.prediction.values + 3, AFFINE)
