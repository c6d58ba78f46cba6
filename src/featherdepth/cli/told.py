"""What the verbs over many photos print: what failed, what was done, what the values mean."""

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
