"""A clone is known by its files, run without what it imports, and a difference is measured."""

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.upstream import __main__ as upstream
from benchmarks.upstream import cases, dense, eigen
from benchmarks.upstream.runs import definitions

# Written here, with the interface of the repository whose name the clone bears.
METRICS = """
import what_is_not_installed

def log10(x):
    return torch.log(x) / lg_e_10

class Result:
    def evaluate(self, output, target):
        p, g = output[target > 0], target[target > 0]
        off, logs = (p - g).abs(), torch.log(p) - torch.log(g)
        self.rmse, self.mae = 1000 * off.pow(2).mean().sqrt(), 1000 * off.mean()
        self.absrel, self.squared_rel = (off / g).mean(), (off / g).pow(2).mean()
        self.lg10 = (log10(p) - log10(g)).abs().mean()
        self.silog = 100 * logs.std(correction=0)
        inverse = (1000 / p - 1000 / g).abs()
        self.irmse, self.imae = inverse.pow(2).mean().sqrt(), inverse.mean()
        ratio = torch.max(p / g, g / p)
        self.delta1, self.delta2, self.delta3 = [
            (ratio < 1.25**k).double().mean() for k in (1, 2, 3)
        ]
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "metrics.py").write_text(METRICS)
    return tmp_path


def test_the_same_definitions_differ_in_nothing(clone: Path) -> None:
    (comparison,) = dense.penet(clone, [])

    assert upstream.recognise(clone) == "JUGGHM/PENet_ICRA2021"
    assert comparison.protocol == "kitti-dc-val1000-v1"
    assert max(upstream.largest(comparison).values()) < 1e-9
    assert len(upstream.largest(comparison)) == 11


@pytest.mark.parametrize(
    ("old", "new", "measure"),
    [("ratio < 1.25**k", "ratio < 1.26**k", "delta1"), ("g).abs().mean()", "g).mean()", "log10")],
)
def test_another_definition_is_seen(clone: Path, old: str, new: str, measure: str) -> None:
    text = METRICS.replace(old, new).replace("log10(g)).abs().mean()", "log10(g)).mean()")
    (clone / "metrics.py").write_text(text)

    (comparison,) = dense.penet(clone, [])

    assert upstream.largest(comparison)[measure] > upstream.BOUND


def test_what_is_no_known_clone_or_lacks_a_definition_is_one_line(
    clone: Path, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=r"metrics\.py: defines no Gone; another version"):
        definitions(clone / "metrics.py", "Gone")
    (clone / "metrics.py").unlink()
    with pytest.raises(SystemExit, match="a clone of none of cleinc/bts"):
        upstream.recognise(tmp_path)


def test_made_roads_hold_truth_on_below_and_above_the_cap() -> None:
    truth = cases.roads(1)[0].truth
    measured = truth.values[truth.valid]

    assert 0.1 < truth.valid.mean() < 0.2
    assert (measured == 80).any()
    assert (measured < 80).any()
    assert (measured > 80).any()


def test_the_committed_comparison_is_within_its_bound() -> None:
    path = Path(upstream.__file__).parents[2] / "docs" / "results" / "upstream.json"
    found = json.loads(path.read_text(encoding="utf-8"))

    assert found["repositories"] == len(upstream.KNOWN)
    worst = [max(row["max_difference"].values()) for row in found["rows"]]
    assert found["max_difference"] == max(worst)
    assert np.isfinite(worst).all()
    assert max(worst) <= found["bound"] == 1e-5
    assert {row["repository"] for row in found["rows"]} == set(upstream.KNOWN)
    assert eigen.BTS in {row["file"] for row in found["rows"]}
