"""Where the recipes and the results of a domain are kept."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "recipes" / "ablation"
"""A folder for each domain, and what all share."""


def results_of(domain: str) -> Path:
    """The folder that `tools.ablation` writes: rooms came first and have the plain name."""
    name = "ablation" if domain == "rooms" else f"ablation-{domain}"
    return ROOT / "docs" / "results" / name
