"""One export from end to end: made in a folder of its own, verified, then put in place.

Until the last step nothing stands where the file is wanted: what fails or is killed leaves none.
"""

import json
import logging
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import featherdepth
from featherdepth.errors import RunError
from featherdepth.export.existing import report_of
from featherdepth.export.maker import Maker
from featherdepth.export.order import ENOUGH, Order
from featherdepth.export.parity import SIZES
from featherdepth.export.pictures import Invented, Photos
from featherdepth.export.source import Source
from featherdepth.export.verify import (
    DROPS,
    SHARE,
    Agreement,
    agreement,
    check,
    drop_of,
    without_labels,
)
from featherdepth.images.atomic import check_writable, json_bytes, write_together
from featherdepth.runtime.backends import Network
from featherdepth.runtime.backends.pytorch import run_module
from featherdepth.runtime.exported import Exported
from featherdepth.runtime.model import DepthModel

logger = logging.getLogger(__name__)

Labeled = Callable[[DepthModel], Mapping[str, float]]
"""abs_rel and delta1 of a model on labeled data."""
PACKAGES = ("torch", "onnx", "onnxruntime", "openvino")


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A file that was made, what it holds and how far it is from the original."""

    contents: dict[Path, bytes]
    exported: Exported
    found: Agreement
    labeled: dict[str, Any] | None


def export(source: Source, order: Order, labeled: Labeled | None = None) -> dict[str, Any]:
    """Write the file, and its verification as JSON beside it.

    Args:
        labeled: measures a model on data with measured depth.

    Returns:
        The document that is written: `file`, `bytes`, `model` (the metadata), `verification`, and
        of int8 files `int8` (photos, layers kept in float32, how sensitive layers are).

    Raises:
        UsageError: an order that cannot be carried out.
        InputError: photos that are missing or cannot be read.
        BackendError: a package that is not installed, or a precision that this CPU lacks.
        RunError: the file is too far from its original, or cannot be written.
    """
    order = order.checked(source)
    calibration = _photos(order.calibrate, order, source)
    if calibration is not None and calibration.found < ENOUGH:
        logger.warning(
            "the scales of int8 come from %d of your photos; %d or more cover more of what is seen",
            calibration.found,
            ENOUGH,
        )
    photos = _photos(order.verify, order, source) or calibration
    sizes = SIZES if order.fixed is None else (order.fixed,)
    pictures = photos or Invented(sizes, source.channels)
    said = Exported(
        preset=source.preset,
        precision=order.precision,
        input="uint8" if order.pixels else "float",
        fixed=order.fixed,
        channels=source.channels,
        version=featherdepth.__version__,
    )
    check_writable(order.output)
    with _workshop() as folder:
        maker = Maker(source, said, order.to, folder, calibration)
        original = run_module(source.module, None, "fp32")
        whole = DepthModel(source.preset, original, backend="torch", precision="fp32")
        before = None if labeled is None else labeled(whole)

        def attempt(kept: tuple[str, ...]) -> Attempt:
            made, files, network = maker.make(kept)
            found = agreement(original, network, pictures, source.preset.kind)
            rows: dict[str, Any] | None = None
            if labeled is not None and before is not None:
                after = labeled(_model(made, network, order))
                rows = {"original": before, "exported": after, "drop": drop_of(before, after)}
            check(
                order.output.name,
                order.precision,
                found,
                drop=None if rows is None else rows["drop"],
                max_drop=order.max_drop,
            )
            contents = {order.output.with_suffix(f.suffix): f.read_bytes() for f in files}
            return Attempt(contents=contents, exported=made, found=found, labeled=rows)

        done = maker.search(attempt)
    document = _document(order, done, maker, photos)
    write_together(done.contents | {report_of(order.output): json_bytes(document)})
    return document


@contextmanager
def _workshop() -> Iterator[Path]:
    try:
        with tempfile.TemporaryDirectory(
            prefix="featherdepth-", ignore_cleanup_errors=True
        ) as name:
            yield Path(name)
    except OSError as error:
        said = error.strerror or str(error)
        raise RunError(
            f"{tempfile.gettempdir()}: cannot make the file there: {said};"
            " TMPDIR names another folder"
        ) from error


def _photos(inputs: Any, order: Order, source: Source) -> Photos | None:
    if not inputs:
        return None
    return Photos(inputs, source.preset, fixed=order.fixed, channels=source.channels)


def _model(made: Exported, network: Network, order: Order) -> DepthModel:
    return DepthModel(
        made.preset, network, backend=order.to, precision=order.precision, exported=made
    )


def _document(order: Order, done: Attempt, maker: Maker, photos: Photos | None) -> dict[str, Any]:
    bound = {"difference": SHARE}
    if order.precision in DROPS:
        most = DROPS[order.precision] if order.max_drop is None else order.max_drop
        bound = {"drop": most, "abs_rel_to_original": without_labels(most)}
    verification: dict[str, Any] = {
        **done.found.as_dict(),
        "bound": bound,
        "photos": [path.name for path in photos.paths] if photos else "made up",
        "photos_found": photos.found if photos else 0,
        "held_out": bool(order.verify) or not order.calibrate,
        "labeled": done.labeled,
    }
    document: dict[str, Any] = {
        "file": order.output.name,
        "format": order.to,
        "bytes": {path.name: len(data) for path, data in done.contents.items()},
        "model": json.loads(done.exported.to_text()),
        "verification": verification,
        "environment": {"python": platform.python_version(), **_versions()},
    }
    if order.precision == "int8":
        document["int8"] = {
            "photos": len(maker.calibration or ()),
            "float32_layers": list(done.exported.kept),
            "sensitivity": [{"layer": s.layer, "abs_rel": s.abs_rel} for s in maker.ranking],
        }
    return document


def _versions() -> dict[str, str]:
    found = {"featherdepth": featherdepth.__version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
