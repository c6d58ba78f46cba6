"""onnxruntime-web: which files the page needs of it, and where they lie.

They are fetched by `make app` and packed into wheels, each gzipped: browsers take them so.
"""

from dataclasses import dataclass
from pathlib import Path

from featherdepth.config import from_table, read_toml
from featherdepth.errors import BackendError

PINS = Path(__file__).with_name("engine.toml")
FOLDER = Path(__file__).with_name("vendor")
PACKED = ".gz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """One version of the package and what is kept of it."""

    package: str
    version: str
    sha256: str
    """Of the package's archive."""
    entry: dict[str, str]
    """Way to compute (wasm, webgpu) -> module to import."""
    files: dict[str, str]
    """Name in the package's `dist` -> sha256."""


def read_engine() -> Engine:
    """What engine.toml names."""
    return from_table(Engine, read_toml(PINS), str(PINS))


def packed_files(engine: Engine) -> dict[str, Path]:
    """Name of each file -> its gzipped form on disk.

    Raises:
        BackendError: this installation has not all of them.
    """
    paths = {name: FOLDER / (name + PACKED) for name in engine.files}
    missing = sorted(name for name, path in paths.items() if not path.is_file())
    if missing:
        raise BackendError(
            f"the page needs {engine.package} {engine.version}, and {missing[0]} is not in this"
            " installation; run make app in the repository (npm fetches it), or install a wheel"
            " that was built after it"
        )
    return paths
