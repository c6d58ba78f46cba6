"""Published tables made anew with the data and models at hand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from featherdepth.errors import UsageError


def reproduce(
    suite: str | Path,
    output: str | Path,
    *,
    data: str | Path | None = None,
    at: Mapping[str, str | Path] | None = None,
    models: Mapping[str, str] | None = None,
    size: int | tuple[int, int] | None = None,
    backend: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Fill in a published table, ours beside what was printed.

    Args:
        suite: a name (`parameters`, `zero-shot`, `ablation`, `completion`) or a `.toml` file.
        output: folder for `SUITE.md`, `SUITE.json` and a document of `evaluate` for each model and
            data set, which is taken again the next time if nothing has changed.
        data: root with a folder for each data set, or with a manifest.
        at: data set -> where it lies, in place of the folders of `data`.
        models: row -> reference, over those that the suite names.
        size: of the networks' inputs: an edge, or (height, width); by default their own.
        threads: of the networks, that of completion included.
        seed: of the bootstrap intervals.
        overwrite: measure again what is there.
        progress: called with (row and data set, images done, images in all).

    Returns:
        `suite`, `title`, `source`, `kind`, `measures`, `pair`, `page` (the Markdown file) and what
        `featherdepth.evaluation.reproduce` describes: `rows` of sizes, or `data` and
        `missing_models`.

    Raises:
        UsageError: an unknown suite, row or data set, no root, or a model that does not fit.
        InputError: data that is there and cannot be read, or whose images all fail.
        WeightsError: a model that is missing or damaged.
        BackendError: a backend that is not installed.
        RunError: `output` cannot be written.
    """
    from featherdepth.api.systems import is_system, published_system
    from featherdepth.evaluation.measured import Opened, write_document
    from featherdepth.evaluation.output import check_folder
    from featherdepth.evaluation.reproduce import Where, accuracy, sizes
    from featherdepth.evaluation.suite_page import suite_page
    from featherdepth.evaluation.suites import read_suite
    from featherdepth.images.atomic import write_atomic

    table = read_suite(suite)
    name, folder = Path(suite).stem, Path(output)
    places = {key: Path(value) for key, value in (at or {}).items()}
    unknown = sorted(set(places) - {wanted.name for wanted in table.data})
    if unknown:
        known = ", ".join(wanted.name for wanted in table.data) or "none"
        raise UsageError(f"{unknown[0]!r}: no data set of {name}; it has {known}")
    check_folder(folder)
    result: dict[str, Any] = {
        "suite": name,
        "title": table.title,
        "source": table.source,
        "kind": table.kind,
        "measures": list(table.measures),
        "pair": table.pair and list(table.pair),
    }
    if table.kind == "sizes":
        result["rows"] = sizes(table)
    else:
        root = None if data is None else Path(data)
        if root is None and not places:
            raise UsageError(f"{name} needs data; name the folder of the data sets with --data")
        if root is not None and not root.is_dir():
            raise UsageError(f"--data {root}: no such folder; expected one with data sets in it")

        def open_model(reference: str) -> Opened:
            from featherdepth.runtime.choice import repeatable
            from featherdepth.runtime.model import DepthModel

            if table.kind == "completion" and is_system(reference):
                return published_system(reference, threads)
            chosen = repeatable(reference, precision)
            model = DepthModel.from_pretrained(
                reference, backend=backend, precision=chosen, threads=threads
            )
            return Opened(
                predictor=model,
                name=model.preset.name,
                sha256=model.preset.sha256,
                backend=model.backend,
                precision=model.precision,
            )

        result |= accuracy(
            table,
            Where(root=root, at=places),
            folder,
            models=models or {},
            open_model=open_model,
            size=size,
            backend=backend,
            precision=precision,
            threads=threads,
            overwrite=overwrite,
            seed=seed,
            progress=progress,
        )
    write_document(folder / f"{name}.json", result)
    page = folder / f"{name}.md"
    write_atomic(page, suite_page(result).encode())
    return {**result, "page": str(page)}
