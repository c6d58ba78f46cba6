"""A published table made anew: every model of a suite on every data set that is there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from featherdepth.completion import DEFAULT
from featherdepth.errors import InputError, UsageError
from featherdepth.evaluation.completion import Completer
from featherdepth.evaluation.gap import gap_closed
from featherdepth.evaluation.measured import Opened, measured
from featherdepth.evaluation.suites import DataSet, Found, Suite, SuiteRow, find_data
from featherdepth.metrics.protocols import EvalProtocol, load_protocol
from featherdepth.networks.listing import list_networks

GAP = "abs_rel"
"""The measure whose gap between student and teacher is spoken of."""

Progress = Callable[[str, int, int], None]
"""Called with (row and data set, images done, images in all)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Where the data of a suite lies."""

    root: Path | None
    at: Mapping[str, Path]
    """Data sets that lie elsewhere."""

    def find(self, wanted: DataSet) -> Found | None:
        """The data set, if it is there; errors as `find_data`."""
        if wanted.name in self.at:
            found = find_data(wanted, self.at[wanted.name], at=self.at[wanted.name])
            if found is None:
                raise InputError(f"{self.at[wanted.name]}: not {wanted.title}")
            return found
        return None if self.root is None else find_data(wanted, self.root)


def sizes(suite: Suite) -> list[dict[str, Any]]:
    """Rows of a table of sizes: exact counts beside what was published.

    Raises:
        UsageError: a row that names no network.
    """
    counted = {row["name"]: row for row in list_networks()}
    rows = []
    for row in suite.rows:
        if row.model not in counted:
            raise UsageError(f"row {row.name}: {row.model!r} is no network; see featherdepth info")
        found = counted[row.model]
        ours = {"params_m": found["params"] / 1e6, "macs_g": found["macs"] / 1e9}
        rows.append(
            {
                "name": row.name,
                "title": row.title,
                "model": row.model,
                "poster": row.poster,
                "params": found["params"],
                "macs": found["macs"],
                "difference": {k: ours[k] / v - 1 for k, v in row.poster.items() if k in ours},
            }
        )
    return rows


def accuracy(
    suite: Suite,
    where: Where,
    folder: Path,
    *,
    models: Mapping[str, str],
    open_model: Callable[[str], Opened],
    size: int | tuple[int, int] | None = None,
    backend: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    overwrite: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score the models of a suite on its data sets.

    Each result is a document of `evaluate` in `folder`, `DATA-ROW.json`; one that is there already,
    of the same weights, backend, precision, data and protocol, is taken as it is: a run that was
    killed goes on, and a row whose model is no longer there keeps its figures.

    Args:
        models: row -> reference, over those of the suite.
        size: of the networks' inputs, as for `evaluate`; of rows that name none.
        backend, precision: what `open_model` was asked for: a row whose model is no longer there
            must be of these; "auto" takes any.
        threads: of the networks of completion.

    Returns:
        `data` (one a data set: name, title, protocol, found, note, count, fills, `rows`: name,
        title, model, metrics, poster, gap; `constant`: metrics of a constant), `missing_models`
        (name, title, fills).

    Raises:
        UsageError: a row that the suite does not have, or a model that does not fit a protocol.
        InputError: data that is there and cannot be read.
        RunError: `folder` cannot be written.
    """
    unknown = sorted(set(models) - {row.name for row in suite.rows})
    if unknown:
        names = ", ".join(row.name for row in suite.rows)
        raise UsageError(f"--model {unknown[0]}=...: no such row; the suite has {names}")
    rows = {row.name: row for row in suite.rows}
    references = {row.name: models.get(row.name, row.model) for row in suite.rows}
    found = {wanted.name: where.find(wanted) for wanted in suite.data}
    named = {"backend": backend, "precision": precision}
    documents: dict[str, dict[str, dict[str, Any]]] = {wanted.name: {} for wanted in suite.data}
    if any(found.values()):
        for name, reference in references.items():
            opened = open_model(reference) if reference else None
            for wanted in suite.data:
                place = found[wanted.name]
                if place is None:
                    continue
                document = measured(
                    folder / f"{wanted.name}-{name}.json",
                    opened,
                    place,
                    _rules(wanted, suite),
                    finish=_finish(suite, wanted, rows[name], opened, seed=seed, threads=threads),
                    named=named,
                    size=rows[name].size or size,
                    overwrite=overwrite,
                    seed=seed,
                    progress=None if progress is None else _named(progress, name, wanted.name),
                )
                if document is not None:
                    documents[wanted.name][name] = document
    return {
        "data": [
            _section(suite, wanted, found[wanted.name], documents[wanted.name], seed)
            for wanted in suite.data
        ],
        "missing_models": [
            {"name": row.name, "title": row.title, "fills": row.fills}
            for row in suite.rows
            if not references[row.name] and not any(row.name in d for d in documents.values())
        ],
    }


def _rules(wanted: DataSet, suite: Suite) -> EvalProtocol:
    rules = load_protocol(wanted.protocol)
    extra = tuple(name for name in suite.measures if name not in rules.measures)
    return replace(rules, measures=(*rules.measures, *extra))


def _finish(
    suite: Suite,
    wanted: DataSet,
    row: SuiteRow,
    opened: Opened | None,
    *,
    seed: int,
    threads: int | None,
) -> Completer | None:
    if suite.kind != "completion":
        return None
    return Completer(
        rules=_rules(wanted, suite),
        pattern=wanted.pattern,
        method=row.method or DEFAULT,
        seed=seed,
        system=None if opened is None else opened.system,
        made=None if opened is None else opened.provenance,
        threads=threads,
    )


def _named(progress: Progress, row: str, data: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(f"{row} on {data}", done, total)


def _section(
    suite: Suite,
    wanted: DataSet,
    place: Found | None,
    documents: Mapping[str, dict[str, Any]],
    seed: int,
) -> dict[str, Any]:
    rows = [_row(suite, row, wanted, documents, seed) for row in suite.rows]
    first = next(iter(documents.values()), None)
    return {
        "name": wanted.name,
        "title": wanted.title,
        "protocol": load_protocol(wanted.protocol).as_dict(),
        "fills": wanted.fills,
        "pattern": wanted.pattern,
        "found": None if place is None else place.reader.describe(),
        "note": "" if place is None else place.note,
        "notes": sorted({note for document in documents.values() for note in document["notes"]}),
        "constant": None if first is None else _values(suite, first["baselines"].get("constant")),
        "rows": rows,
    }


def _row(
    suite: Suite,
    row: SuiteRow,
    wanted: DataSet,
    documents: Mapping[str, dict[str, Any]],
    seed: int,
) -> dict[str, Any]:
    document = documents.get(row.name)
    gap = None
    if suite.pair is not None and document is not None and row.name not in suite.pair:
        student, teacher = (documents.get(name) for name in suite.pair)
        if student is not None and teacher is not None:
            gap = gap_closed(document, student, teacher, measure=GAP, seed=seed)
    return {
        "name": row.name,
        "title": row.title,
        "poster": row.poster.get(wanted.name, {}),
        "gap": gap,
        **(
            {"model": None, "metrics": None, "count": 0, "skipped": 0, "negative_scale": 0}
            if document is None
            else {
                "model": document["model"],
                "metrics": _values(suite, document["metrics"]),
                "count": document["data"]["count"],
                "skipped": len(document["skipped"]),
                "negative_scale": document["negative_scale"],
            }
        ),
    }


def _values(suite: Suite, metrics: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if metrics is None:
        return None
    return {name: metrics[name] for name in suite.measures if name in metrics}
