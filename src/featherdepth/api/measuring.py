"""What is told from results of `evaluate`: wholes, differences, and which choice moved a number."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from featherdepth.api.writing import check_output, written
from featherdepth.errors import UsageError


def merge_results(
    parts: Sequence[str | Path], *, output: str | Path | None = None
) -> dict[str, Any]:
    """Put the documents of `evaluate` with `shard` together: what one run gives.

    Args:
        parts: their files, in any order.
        output: as for `evaluate`.

    Raises:
        UsageError: no parts, one that stands twice, or an `output` that is one of them.
        InputError: not parts of one run, or one too few or twice.
        RunError: `output` cannot be written.
    """
    from featherdepth.config import read_json
    from featherdepth.evaluation.merge import merge

    check_output(output, parts)
    if not parts:
        raise UsageError("no parts to merge; name the files of evaluate --shard i/n -o FILE")
    names = [str(part) for part in parts]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name}: stands twice; name each part once")
    return written(merge({name: read_json(Path(name)) for name in names}), output)


def compare(
    a: str | Path, b: str | Path, *, seed: int = 0, output: str | Path | None = None
) -> dict[str, Any]:
    """Compare two documents of `evaluate` image by image.

    Args:
        seed: of the bootstrap intervals.
        output: as for `evaluate`.

    Returns:
        The document that `featherdepth.evaluation.compare.compare` describes.

    Raises:
        UsageError: an `output` that is one of them.
        InputError: not such documents, or of different data or protocols.
        RunError: `output` cannot be written.
    """
    from featherdepth.config import read_json
    from featherdepth.evaluation.compare import compare as compare_documents

    check_output(output, (a, b))
    documents = read_json(Path(a)), read_json(Path(b))
    names = (Path(a).name, Path(b).name)
    return written(compare_documents(*documents, names=names, seed=seed), output)


def why(
    folder: str | Path,
    data: str | Path,
    *,
    split: str | None = None,
    reader: str | None = None,
    options: Sequence[str] = (),
    protocol: str | None = None,
    output: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score kept predictions under every protocol that fits, and with one choice changed.

    Args:
        folder: as `evaluate` kept them.
        data, split, reader, options: as for `evaluate`; by default the split that they were kept
            of.
        protocol: whose choices are changed; by default the one that they were kept under.
        output: as for `evaluate`.
        progress: called with (images done, images in all).

    Returns:
        The document that `featherdepth.evaluation.why.explain` describes.

    Raises:
        UsageError: an unknown split or protocol, or one that does not fit the predictions.
        InputError: no such data or predictions, or none of these images.
        RunError: `output` cannot be written.
    """
    from featherdepth.config import set_keys
    from featherdepth.data.probe import open_data
    from featherdepth.evaluation.kept import KeptPredictions
    from featherdepth.evaluation.why import explain, open_partners
    from featherdepth.metrics.protocols import load_protocol

    check_output(output)
    kept = KeptPredictions.open(Path(folder))
    rules = load_protocol(protocol or kept.about.protocol)
    part = split or kept.about.split
    keys = set_keys({}, list(options), flag="--option")
    samples = open_data(Path(data), part, reader=reader, **keys)
    partners = open_partners(Path(data), part, reader=reader, truth=keys.get("truth"))
    return written(explain(kept, samples, rules, partners=partners, progress=progress), output)
