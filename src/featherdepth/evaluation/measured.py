"""One model on one data set: its document, as it was kept or as it is measured now."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import featherdepth
from featherdepth.completion.learned import network_sha256
from featherdepth.config import read_json
from featherdepth.errors import RunError
from featherdepth.evaluation.accuracy import Predictor, evaluate
from featherdepth.evaluation.baselines import load_baselines
from featherdepth.evaluation.completion import Completer, System
from featherdepth.evaluation.suites import Found
from featherdepth.images.atomic import write_atomic
from featherdepth.metrics.protocols import EvalProtocol
from featherdepth.types import Provenance

OF_MODEL = ("weights", "backend", "precision")
"""What a kept document is of that only an opened model says."""
AUTO = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A model that is ready to run."""

    predictor: Predictor
    name: str
    sha256: str
    """Of its weights."""
    backend: str
    precision: str
    system: System | None = None
    """Where it completes depth by itself; the predictor then stands for nothing."""

    @property
    def provenance(self) -> Provenance:
        """Of its depth."""
        return Provenance(
            model=self.name,
            sha256=self.sha256,
            backend=self.backend,
            precision=self.precision,
            version=featherdepth.__version__,
        )


def measured(
    path: Path,
    opened: Opened | None,
    place: Found,
    rules: EvalProtocol,
    *,
    finish: Completer | None,
    named: Mapping[str, str],
    size: int | tuple[int, int] | None,
    overwrite: bool,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Any] | None:
    """The document of one model on one data set: as kept, or measured now and kept.

    Without a model what was kept, whatever weights it is of; None where nothing was.
    """
    # None stands for any.
    asked = {key: None if value == AUTO else value for key, value in named.items()}
    network = "" if finish is None or finish.system else network_sha256(finish.method)
    identity = {
        "featherdepth": featherdepth.__version__,
        "weights": None if opened is None else "+".join(filter(None, (opened.sha256, network))),
        "backend": asked["backend"] if opened is None else opened.backend,
        "precision": asked["precision"] if opened is None else opened.precision,
        "data": [place.reader.name, place.reader.split, len(place.reader)],
        "protocol": rules.name,
        "measures": list(rules.measures),
        "size": list(size) if isinstance(size, tuple) else size,
        "seed": seed,
        "completion": None if finish is None else [finish.pattern, finish.method],
    }
    if path.is_file() and (opened is None or not overwrite):
        kept = read_json(path)
        if _is_of(kept, identity):
            return kept
    if opened is None:
        return None
    document = evaluate(
        opened.predictor,
        place.reader,
        rules,
        name=opened.name,
        size=size,
        baselines=load_baselines(None) if finish is None else None,
        seed=seed,
        progress=progress,
        finish=finish,
    )
    document["reproduce"] = identity
    if finish is not None:
        first = opened.name if opened.system is None else None
        document["completion"] = {**finish.describe(), "first": first}
    write_document(path, document)
    return document


def _is_of(kept: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    """Whether a document is what would be measured now; None in OF_MODEL stands for any."""
    of = kept.get("reproduce")
    if not of:
        return False
    # Older documents say backend and precision in their environment alone; of systems nowhere.
    ran = kept.get("environment", {})
    older = {key: ran.get(key) or identity[key] for key in ("backend", "precision")}
    any_of = {key: None for key in OF_MODEL if identity[key] is None}
    return {**older, **of, **any_of} == identity


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write JSON, whole or not at all, into a folder that is made where it is missing.

    Without spaces, and with seven digits, as many as float32 has: a row holds every image, and
    people read the page beside it.

    Raises:
        RunError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error
    text = json.dumps(_shortened(document), sort_keys=True, separators=(",", ":"))
    write_atomic(path, f"{text}\n".encode())


def _shortened(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    return [_shortened(item) for item in value] if isinstance(value, list | tuple) else value
