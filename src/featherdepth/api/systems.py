"""Published completion systems, opened for evaluation."""

from pathlib import Path
from typing import TYPE_CHECKING

from featherdepth.errors import needing

if TYPE_CHECKING:
    from featherdepth.evaluation.measured import Opened


def is_system(reference: str | Path | None) -> bool:
    """Whether a reference names a published completion system: `enet@FILE` and the like."""
    from featherdepth.networks.zoo import ZOO

    network, at, _ = str(reference or "").partition("@")
    return bool(at) and network in ZOO


def published_system(reference: str, threads: int | None = None) -> "Opened":
    """Open a system with the weights that the user brought.

    Raises:
        UsageError, WeightsError: as `featherdepth.runtime.zoo.ZooCompleter.open`.
        BackendError: torch is not installed.
    """
    from featherdepth.evaluation.baselines import Constant
    from featherdepth.evaluation.measured import Opened
    from featherdepth.networks.folder import file_sha256
    from featherdepth.runtime.reference import resolve

    with needing(reference, "train"):
        from featherdepth.runtime.zoo import ZooCompleter
    system = ZooCompleter.open(reference, threads=threads)
    return Opened(
        predictor=Constant(),
        name=system.name,
        sha256=file_sha256(resolve(reference).path),
        backend="torch",
        precision="fp32",
        system=system,
    )
