"""Options of `evaluate` that do not go together: nothing is passed over in silence."""

from collections.abc import Sequence
from pathlib import Path

from featherdepth.api.systems import is_system
from featherdepth.errors import UsageError


def refuse_mixes(
    *,
    model: str | Path | None,
    size: int | tuple[int, int] | None,
    backend: str,
    precision: str,
    shard: tuple[int, int] | None,
    save_predictions: str | Path | None,
    corrupt: Sequence[str] | None,
    strengths: Sequence[int] | None,
    corrupt_images: int | None,
    pattern: str | None,
    method: str | None,
    held_out: bool,
    first_predictions: str | Path | None,
    baseline_split: str | None,
) -> None:
    """Look at the options of `evaluate` as they were given; None stands for "not given".

    Raises:
        UsageError: two that do not go together, or one without the other that it is for.
    """
    from featherdepth.evaluation.baselines import BASELINES

    alone, robust = pattern is None, corrupt is not None
    kept = first_predictions is not None
    of_network = size is not None or (backend, precision) != ("auto", "auto")
    worse = "photos made worse; name them with --corrupt or --corruptions"
    refused = (
        (
            kept and (alone or model is not None),
            "kept predictions of a first stage go with --pattern, without --model",
        ),
        (
            kept and of_network,
            "--first-predictions: no network runs; leave --size, --backend and --precision out",
        ),
        (
            alone and model in BASELINES and of_network,
            f"--model {model}: no network runs; leave --size, --backend and --precision out",
        ),
        (
            not alone and (robust or save_predictions is not None),
            "completion is scored alone; leave --corrupt and --save-predictions out",
        ),
        (
            not alone and baseline_split is not None and model not in BASELINES,
            "completion is scored without baselines; leave --baseline-split out",
        ),
        (
            alone and held_out,
            "--held-out scores completion; name the points with --pattern",
        ),
        (
            alone and method is not None,
            f"--method {method} is of completion; name the points with --pattern",
        ),
        (
            method is not None and is_system(model),
            f"--method {method}: {model} completes by itself; leave --method out",
        ),
        (not robust and strengths is not None, f"--strengths is of {worse}"),
        (not robust and corrupt_images is not None, f"--corrupt-images is of {worse}"),
        (
            robust and shard is not None,
            "corruptions are not sharded; leave --shard or --corrupt out",
        ),
    )
    for found, message in refused:
        if found:
            raise UsageError(message)
