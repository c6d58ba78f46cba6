"""Every protocol, with every alignment: perfect is perfect, a constant gets what it must, and a
wrong scale or shift is undone by exactly the protocols that say so."""

from functools import cache

import numpy as np
import pytest

from featherdepth.errors import UsageError
from featherdepth.metrics.crops import crop_box
from featherdepth.metrics.map_measures import DECLARED
from featherdepth.metrics.protocol_table import alignments
from featherdepth.metrics.protocols import EvalProtocol, load_protocol, protocols
from featherdepth.metrics.score_maps import score_map, score_pairs
from featherdepth.types import Depth, DepthKind, Intrinsics

METRIC, SCALE = DepthKind.METRIC, DepthKind.SCALE_INVARIANT
AFFINE, DISPARITY = DepthKind.AFFINE_INVARIANT, DepthKind.AFFINE_INVARIANT_DISPARITY

MAPS = [p for p in protocols().values() if p.alignment != "order"]
NAMES = [
    *(p.name for p in MAPS),
    *(f"{p.name}+{a}" for p in MAPS for a in alignments()),
]
SCALES = ("scale_median", "scale_rom", "scale_lsq")
SHIFTS = ("scale_shift", "scale_shift_l1")


def depth(values: np.ndarray, kind: DepthKind = METRIC) -> Depth:
    height, width = values.shape
    return Depth(
        values=values.astype(np.float32),
        valid=np.ones(values.shape, dtype=np.bool_),
        kind=kind,
        intrinsics=Intrinsics(
            fx=20.0, fy=20.0, cx=9.5, cy=7.5, width=width, height=height, source="given"
        ),
    )


@cache
def truth_for(size: tuple[int, int]) -> np.ndarray:
    """Between 1 and 9 m: inside of every range."""
    return np.random.default_rng(0).uniform(1, 9, size).astype(np.float32)


def size_for(protocol: EvalProtocol) -> tuple[int, int]:
    if protocol.frame is not None:
        return protocol.frame
    return (352, 1216) if protocol.crop.startswith("kb") else (20, 30)


def undone(protocol: EvalProtocol, case: str) -> bool | None:
    """Whether the protocol brings this prediction back; None where it must refuse it."""
    alignment, space = protocol.alignment, protocol.space
    in_depth = alignment in SHIFTS and space in ("depth", "kind")
    in_disparity = alignment in SHIFTS and space in ("disparity", "kind")
    by_kind = alignment == "of_kind"
    return {
        "metric": True,
        # Kept in metres, a metric prediction is fitted in depth where the space is its own.
        "metric, scaled": alignment in SCALES or alignment in SHIFTS,
        "metric, shifted": in_depth,
        "scaled": True if by_kind or alignment in SCALES + SHIFTS else None,
        "scaled and shifted": True if by_kind or in_depth else None,
        "disparity": True if by_kind or in_disparity else None,
    }[case]


def predictions(truth: np.ndarray) -> dict[str, Depth]:
    return {
        "metric": depth(truth),
        "metric, scaled": depth(1.5 * truth),
        "metric, shifted": depth(truth + 1.5),
        "scaled": depth(0.02 * truth, SCALE),
        "scaled and shifted": depth(0.3 * truth - 2, AFFINE),
        "disparity": depth(4 / truth + 1, DISPARITY),
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_model_is_perfect_and_what_may_be_undone_is_undone(name: str) -> None:
    protocol = load_protocol(name)
    truth = truth_for(size_for(protocol))

    for case, prediction in predictions(truth).items():
        expected = undone(protocol, case)
        if expected is None:
            with pytest.raises(UsageError, match="but the prediction is"):
                score_map(protocol, prediction, depth(truth))
            continue
        score = score_map(protocol, prediction, depth(truth))
        best = {n: float(DECLARED[n].better == "larger") for n in protocol.measures}
        if expected:
            # Stored in 24 bits and inverted, 9 m are known to a few micrometres.
            limit = {n: 0.1 if DECLARED[n].unit in ("mm", "1/km") else 2e-3 for n in best}
            off = {n: abs(score.values[n] - best[n]) for n in best}
            assert all(off[n] <= limit[n] for n in best), (case, off)
            assert not score.negative_scale
        else:
            error = "abs_rel" if "abs_rel" in protocol.measures else "rmse_mm"
            assert score.values[error] > 0.02, case


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_gets_its_analytic_score(name: str) -> None:
    truth = truth_for(size_for(load_protocol(name)))

    for kind in load_protocol(name).accepted():
        protocol = load_protocol(name).resolved(kind)
        score = score_map(protocol, depth(np.full(truth.shape, 3.0), kind), depth(truth))

        top, left, height, width = crop_box(protocol.crop, truth.shape)
        g = truth[top : top + height, left : left + width].astype(np.float64)
        constant = {
            "none": 3.0,
            "scale_median": np.median(g),  # of g / 3, times 3
            "scale_rom": np.median(g),
            "scale_lsq": g.mean(),  # sum 3 g / sum 9, times 3
        }.get(protocol.alignment, g.mean())  # no scale and shift fits: the mean
        expected = {
            "abs_rel": np.mean(np.abs(constant - g) / g),
            "sq_rel_norm": np.mean(((constant - g) / g) ** 2),
            "rmse": np.sqrt(np.mean((constant - g) ** 2)),
            "mae_mm": 1000 * np.mean(np.abs(constant - g)),
            "delta1": np.mean(np.maximum(constant / g, g / constant) < 1.25),
            "rmse_normalized": np.sqrt(np.mean((constant - g) ** 2)) / g.max(),
            "bad_pixels": 100 * np.mean(np.maximum(constant / g, g / constant) > 1.25),
            "silog": 100 * np.log(g).std(),
            "irmse": 1000 * np.sqrt(np.mean((1 / constant - 1 / g) ** 2)),
            "whdr": 1.0,  # it says "equal" of every pair
            "boundary_f1": 0.0,
        }
        assert score.negative_scale == (protocol.alignment in SHIFTS), kind
        shared = {n: v for n, v in expected.items() if n in protocol.measures}
        assert len(shared) >= 2
        # Pairs drawn with replacement hold a few of a pixel with itself.
        found = {n: score.values[n] for n in shared}
        assert found == pytest.approx(shared, rel=1e-3, abs=3e-3), kind


def test_pairs_are_scored_by_order_alone_whatever_the_kind() -> None:
    protocol = load_protocol("da2k-v1")
    truth = truth_for((20, 30))
    random = np.random.default_rng(1)
    first, second = (
        np.stack([random.integers(0, 20, 40), random.integers(0, 30, 40)], axis=1) for _ in "ab"
    )
    nearer = truth[tuple(first.T)] < truth[tuple(second.T)]

    for case, prediction in predictions(truth).items():
        score = score_pairs(protocol, prediction, first, second, nearer)
        assert score.values == {"pair_accuracy": 1.0}, case
        assert score.pixels == 40
    constant = score_pairs(protocol, depth(np.ones((20, 30))), first, second, nearer)
    assert constant.values == {"pair_accuracy": 0.0}
    upside_down = score_pairs(protocol, depth(10 - truth), first, second, nearer)
    assert upside_down.values == {"pair_accuracy": 0.0}


def test_names_of_the_design_are_there() -> None:
    wanted = {
        *("aligned", "poster", "leres", "midas", "nyu-eigen-raw-v1", "nyu-eigen-filled-v1"),
        *("nyu-leres-v1", "kitti-eigen652-garg-v1", "kitti-eigen652-eigencrop-v1"),
        *("kitti-eigen652-kb-eigen-v1", "kitti-eigen697-velo-v1", "eth3d-454-v1"),
        *(f"diode-val-{p}-{m}-v1" for p in ("indoor", "outdoor", "all") for m in ("native",)),
        *(f"diode-val-{p}-edge10-v1" for p in ("indoor", "outdoor", "all")),
        *("scannet-800-v1", "sintel-clean-70-v1", "sintel-final-70-v1", "ibims-100-v1"),
        *("tum-v1", "da2k-v1", "nyu-dc-500-304x228-v1", "kitti-dc-val1000-v1"),
        *(f"poster-dc-{d}-v1" for d in ("nyu", "diode", "kitti", "scannet")),
    }

    assert wanted <= set(protocols())
    assert list(alignments()) == [
        *("none", "scale-median", "scale-rom", "scale-lsq", "affine-depth", "affine-disp"),
        *("affine-disp-floor", "affine-l1"),
    ]


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        (METRIC, "none"),
        (SCALE, "scale-lsq"),
        (AFFINE, "affine-depth"),
        (DISPARITY, "affine-disp"),
    ],
)
def test_without_a_suffix_the_kind_decides_and_the_name_says_so(
    kind: DepthKind, suffix: str
) -> None:
    resolved = load_protocol("nyu-eigen-raw-v1").resolved(kind)

    assert resolved == load_protocol(f"nyu-eigen-raw-v1+{suffix}")
    assert resolved.name == f"nyu-eigen-raw-v1+{suffix}"


def test_a_suffix_that_does_not_exist_or_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="no alignment 'affine'; known: none, scale-median"):
        load_protocol("aligned+affine")
    with pytest.raises(UsageError, match="scores order only; name it without"):
        load_protocol("da2k-v1+none")
    with pytest.raises(UsageError, match="needs metric depth but the prediction is affine"):
        load_protocol("nyu-eigen-raw-v1+none").check_kind(AFFINE)
    with pytest.raises(UsageError, match="did you mean 'nyu-eigen-raw-v1'"):
        load_protocol("nyu-eigen-raw+none")
