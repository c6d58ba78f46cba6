"""The card shows what is kept on photos made worse, of the weights that it is the card of."""

from copy import deepcopy
from typing import Any

import pytest
from tools.card import robustness_section

from featherdepth.types import DepthKind, Preset

PRESET = Preset(
    name="mine",
    network="small",
    kind=DepthKind.AFFINE_INVARIANT,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    params=1,
    macs=1,
    license="Apache-2.0",
    sha256="a" * 64,
)


@pytest.fixture
def document() -> dict[str, Any]:
    """What `evaluate --corrupt` would write, as far as the card reads it."""

    def share(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.1, "high": value + 0.1}

    return {
        "environment": {"sha256": "a" * 64},
        "data": {"name": "noise", "split": "val"},
        "protocol": {"name": "aligned"},
        "robustness": {
            "err": "(abs_rel - delta1 + 1) / 2",
            "strengths": [1, 3, 5],
            "count": 2,
            "mrr": share(0.75),
            "corruptions": [
                {"family": "noise", "rr": share(0.5)},
                {"family": "noise", "rr": share(0.7)},
                {"family": "weather", "rr": share(0.9)},
            ],
            "conditions": [{"name": "gray", "rr": share(0.95)}],
        },
    }


def test_mrr_families_and_conditions_are_shown(document: dict[str, Any]) -> None:
    lines = robustness_section(PRESET, document)

    assert "over 3 common corruptions at strengths 1, 3, 5: 0.750 (0.650 to 0.850)" in lines[2]
    assert lines[4] == "| | noise | weather | gray |"
    assert lines[6] == "| kept | 0.600 | 0.900 | 0.950 |"


def test_what_was_not_measured_for_these_weights_is_not_shown(document: dict[str, Any]) -> None:
    other, without = deepcopy(document), deepcopy(document)
    other["environment"]["sha256"] = "b" * 64
    without["robustness"]["mrr"] = None

    for robust in (None, other, without):
        assert robustness_section(PRESET, robust) == []
