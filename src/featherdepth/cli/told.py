"""What verbs print: a document or text; of many photos what failed, was done, and what it means."""

import json
from collections.abc import Callable
from typing import Any

MEANING = {
    "metric": "meters along the optical axis",
    "scale_invariant": "depth up to an unknown scale: larger is farther, no unit",
    "affine_invariant": "depth up to an unknown scale and shift: larger is farther, no unit",
    "affine_invariant_disparity": (
        "inverse depth up to an unknown scale and shift: larger is nearer, no unit"
    ),
}
SHOWN = 20
RANGE_ASSUMED = (
    "only a scale was fitted, to a map whose shift is unknown: nearest to farthest taken as 1 to"
    " 10; three points at different distances would tell"
)
"""Where one point, or points of one distance, are all there is."""


def show(result: dict[str, Any], text: Callable[[dict[str, Any]], str], *, as_json: bool) -> None:
    """Print what a verb returned: one JSON document, or as `text` says it."""
    print(json.dumps(result, indent=2, sort_keys=True) if as_json else text(result))


def failures(result: dict[str, Any]) -> list[str]:
    """One line for each of the first photos that failed."""
    failed = result["failed"]
    more = [f"... and {len(failed) - SHOWN} more"] if len(failed) > SHOWN else []
    return [f"{row['error']}" for row in failed[:SHOWN]] + more


def counts(result: dict[str, Any]) -> list[str]:
    """Where the results lie and how many there are; what their values mean."""
    said = [f"{result['done']} done"]
    said += [f"{result['skipped']} skipped (there already)"] if result["skipped"] else []
    failed = result["failed"]
    said += [f"{len(failed)} failed (see {result['failures']})"] if failed else []
    kind = result["kind"]
    return [f"{result['out']}: {', '.join(said)}", f"values: {kind}, {MEANING[kind]}"]
