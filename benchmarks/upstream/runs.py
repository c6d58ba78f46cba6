"""Published evaluation code, run from a clone of its repository beside the protocol that names it.

Nothing of it is copied here: the definitions that are asked for are taken out of a file by their
names and run, so that what else the file imports need not be installed. Maps go in as float64 of
the very values that we score: differences are then of definitions and not of rounding.
"""

import __future__

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from benchmarks.upstream.cases import Case

from featherdepth.metrics.protocols import EvalProtocol, load_protocol
from featherdepth.metrics.score_maps import score_map

Values = dict[str, float]
STANDARD = ("abs_rel", "sq_rel", "rmse", "rmse_log", "delta1", "delta2", "delta3")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What both gave for every image, or for all of them where pixels are pooled."""

    file: str
    protocol: str
    data: str
    ours: list[Values]
    theirs: list[Values]


def definitions(path: Path, *names: str, **given: Any) -> SimpleNamespace:
    """Functions and classes of a file by name, with what they use in `given`."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    wanted = (ast.FunctionDef, ast.ClassDef)
    chosen: list[ast.stmt] = [n for n in body if isinstance(n, wanted) and n.name in names]
    if missing := set(names) - {getattr(node, "name", "") for node in chosen}:
        raise SystemExit(f"{path}: defines no {', '.join(sorted(missing))}; another version?")
    module = ast.Module(body=chosen, type_ignores=[])
    later = __future__.annotations.compiler_flag  # annotations name what is not imported
    space: dict[str, Any] = {"np": np, "torch": torch, "nn": torch.nn, **given}
    exec(compile(module, str(path), "exec", flags=later), space)  # noqa: S102 - the user's clone
    return SimpleNamespace(**{name: space[name] for name in names}, space=space)


def scored(protocol: EvalProtocol, case: Case) -> Values:
    """What our protocol gives."""
    return score_map(protocol, case.prediction, case.truth, case.usable, key=case.key).values


def maps(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and truth in float64, holes 0 as in published files."""
    truth = np.where(case.truth.valid, case.truth.values, 0.0)
    return case.prediction.values.astype(np.float64), truth.astype(np.float64)


def both(
    file: str,
    protocol: str,
    data: str,
    cases: Sequence[Case],
    theirs: Callable[[Case], Values],
) -> Comparison:
    rules = load_protocol(protocol)
    found = [theirs(case) for case in cases]
    if wanted := set(found[0]) - set(rules.measures):
        rules = replace(rules, measures=(*rules.measures, *sorted(wanted)))
    ours = [scored(rules, case) for case in cases]
    return Comparison(file=file, protocol=protocol, data=data, ours=ours, theirs=found)
