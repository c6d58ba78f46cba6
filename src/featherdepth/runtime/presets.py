"""The models that come with the package."""

from pathlib import Path

from featherdepth.networks.folder import CONFIG

DEFAULT = "small"
"""What the alias `default` stands for, and what is taken when no model is named."""

EMBEDDED = Path(__file__).parent / "weights"


def embedded_models() -> list[str]:
    """Names of the embedded models, sorted."""
    return sorted(path.parent.name for path in EMBEDDED.glob(f"*/{CONFIG}"))


def embedded_folder(name: str) -> Path:
    """The model folder of an embedded model."""
    return EMBEDDED / name
