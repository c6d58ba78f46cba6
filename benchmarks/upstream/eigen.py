"""Code that scores metric depth inside of the crops of Eigen and Garg: BTS, Monodepth2, ZoeDepth,
Depth Anything V2."""

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from benchmarks.upstream import cases as made
from benchmarks.upstream.cases import Case
from benchmarks.upstream.runs import STANDARD, Comparison, Values, both, definitions, maps

BTS, DAV2 = "pytorch/bts_eval.py", "metric_depth/util/metric.py"


def bts_eval(folder: Path) -> Callable[..., Values]:
    """Their `eval` of one image, with the crops and caps of its command line."""
    code = definitions(folder / BTS, "compute_errors", "eval", missing_ids=set())
    names = ("silog", "log10", "abs_rel", "sq_rel", "rmse", "rmse_log", "delta1", "delta2")

    def run(case: Case, cap: float, values: np.ndarray | None = None, **crops: Any) -> Values:
        prediction, truth = maps(case)
        limits = {"min_depth_eval": 1e-3, "max_depth_eval": cap, "do_kb_crop": False}
        code.space["args"] = SimpleNamespace(filenames_file="", **limits, **crops)
        code.space |= {"get_num_lines": lambda _: 1, "gt_depths": [truth]}
        with contextlib.redirect_stdout(io.StringIO()):
            found = code.eval([prediction if values is None else values.copy()], 0)
        return {name: float(row[0]) for name, row in zip((*names, "delta3"), found, strict=True)}

    return run


def bts(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    run = bts_eval(folder)
    inside = {"dataset": "nyu", "garg_crop": False, "eigen_crop": True}
    yield both(
        BTS,
        "nyu-eigen-raw-v1+none",
        "NYUv2 val, metric",
        [made.metric(case) for case in rooms],
        lambda case: run(case, 10, **inside),
    )
    for crop, garg in (("garg", True), ("eigencrop", False)):
        on_road = {"dataset": "kitti", "garg_crop": garg, "eigen_crop": not garg}
        yield both(
            BTS,
            f"kitti-eigen652-{crop}-v1+none",
            "made roads, metric",
            [*made.roads(6), *made.roads(6, size=(370, 1226))],
            lambda case, on_road=on_road: run(case, 80, **on_road),  # type: ignore[misc]
        )


def monodepth2(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    del rooms
    file, names = "evaluate_depth.py", STANDARD
    cases, rows = made.roads(8, share=0.04), list[tuple[float, ...]]()
    errors = definitions(folder / file, "compute_errors").compute_errors
    whole = definitions(folder / file, "evaluate", cv2=SimpleNamespace(resize=lambda m, _: m))

    def noted(*both: np.ndarray) -> tuple[float, ...]:
        rows.append(errors(*both))
        return rows[-1]

    whole.space["compute_errors"] = noted
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        predictions, truths = (np.stack(m) for m in zip(*map(maps, cases), strict=True))
        (Path(place) / "eigen").mkdir()
        np.savez(Path(place) / "eigen" / "gt_depths.npz", data=truths)
        np.save(Path(place) / "disparities.npy", 1 / predictions)
        whole.space |= {"splits_dir": place}
        whole.space["os"] = os
        whole.evaluate(
            SimpleNamespace(
                ext_disp_to_eval=str(Path(place) / "disparities.npy"),
                pred_depth_scale_factor=1,
                eval_split="eigen",
                eval_mono=True,
                eval_stereo=False,
                eval_eigen_to_benchmark=False,
                save_pred_disps=False,
                no_eval=False,
                disable_median_scaling=False,
            )
        )
    found = {
        case.key: dict(zip(names, map(float, row), strict=True))
        for case, row in zip(cases, rows, strict=True)
    }
    yield both(
        file,
        "kitti-eigen697-velo-v1+scale-rom",
        "made roads of few points, scale-invariant",
        cases,
        lambda case: found[case.key],
    )


def zoedepth(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    file = "zoedepth/utils/misc.py"
    code = definitions(folder / file, "compute_errors", "compute_metrics")

    def run(case: Case, **how: Any) -> Values:
        prediction, truth = map(torch.from_numpy, maps(case))
        found = code.compute_metrics(truth, prediction, min_depth_eval=1e-3, **how)
        names = {"a1": "delta1", "a2": "delta2", "a3": "delta3", "log_10": "log10"}
        return {names.get(name, name): float(value) for name, value in found.items()}

    yield both(
        file,
        "nyu-eigen-raw-v1+none",
        "NYUv2 val, metric",
        [made.metric(case) for case in rooms],
        lambda case: run(case, dataset="nyu"),
    )
    road = {"dataset": "kitti", "garg_crop": True, "eigen_crop": False, "max_depth_eval": 80}
    yield both(
        file,
        "kitti-eigen652-garg-v1+none",
        "made roads, metric",
        made.roads(6),
        lambda case: run(case, **road),
    )


def dav2_metrics(folder: Path) -> Callable[[Case], Values]:
    """Their errors of one image inside of Eigen's crop."""
    code = definitions(folder / DAV2, "eval_depth")
    names = {f"d{power}": f"delta{power}" for power in (1, 2, 3)}

    def run(case: Case) -> Values:
        prediction, truth = (m[45:471, 41:601] for m in maps(case))
        inside = (torch.from_numpy(m[truth > 0]) for m in (prediction, truth))
        return {names.get(name, name): value for name, value in code.eval_depth(*inside).items()}

    return run


def depth_anything_v2(folder: Path, rooms: Sequence[Case]) -> Iterator[Comparison]:
    run = dav2_metrics(folder)

    def same(case: Case) -> Values:  # their silog is another number: see quirks
        return {name: value for name, value in run(case).items() if name != "silog"}

    yield both(DAV2, "metric", "NYUv2 val, metric", [made.metric(case) for case in rooms], same)
