"""Documents of parts of a data set, measured apart, to the document of the whole."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Any

from featherdepth.errors import InputError
from featherdepth.evaluation.reading import check_figures, reading
from featherdepth.evaluation.summary import assemble

SAME = ("model", "protocol")
SAME_SET = ("name", "split")
SAME_ENVIRONMENT = ("featherdepth", "sha256", "precision", "size", "bootstrap")
"""Of the environment; machines and backends may differ."""


def merge(parts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Put the documents of `evaluate --shard i/n` together, i = 1 to n, in any order.

    The result is what one run gives, except that `environment` is that of the first part.

    Args:
        parts: name for messages, such as the file, -> document.

    Raises:
        InputError: not parts of one run, a part too few or twice, or not one scored image.
    """
    for name, document in parts.items():
        _check_part(document, name)
    names = sorted(parts, key=lambda name: parts[name]["shard"]["index"])
    first_name, first = names[0], parts[names[0]]
    for name in names[1:]:
        _check_same(parts[name], name, first, first_name)
    count = first["shard"]["count"]
    found = [parts[name]["shard"]["index"] for name in names]
    for (name, index), (other, same) in pairwise(zip(names, found, strict=True)):
        if index == same:
            raise InputError(
                f"{name} and {other} are both part {index}/{count}; name each part once"
            )
    if found != list(range(1, count + 1)):
        raise InputError(
            f"parts {', '.join(f'{i}/{count}' for i in found)}; expected each of 1/{count} to"
            f" {count}/{count} once"
        )
    documents = [parts[name] for name in names]
    order = sorted(
        (place, part, row)
        for part, document in enumerate(documents)
        for row, place in enumerate(document["shard"]["places"])
    )
    if not order:
        raise InputError("no part has a scored image")
    others = {other for document in documents for other in document["shard"]["baselines"]}
    completion = {"completion": first["completion"]} if "completion" in first else {}
    merged = assemble(
        model=first["model"],
        protocol=first["protocol"],
        data=first["data"],
        rows=[documents[part]["images"][row] for _, part, row in order],
        baselines={
            other: [documents[part]["shard"]["baselines"][other][row] for _, part, row in order]
            for other in sorted(others)
        },
        skipped={s["key"]: s["reason"] for document in documents for s in document["skipped"]},
        faulty=[key for document in documents for key in document["faulty_predictions"]],
        notes=first["shard"]["notes"],
        seed=first["environment"]["bootstrap"]["seed"],
        environment=first["environment"],
    )
    return merged | completion


def _check_part(document: Mapping[str, Any], name: str) -> None:
    expected = "a file of evaluate --shard i/n"
    shard = document.get("shard")
    if not isinstance(shard, dict):
        raise InputError(f"{name}: not a part of a result; expected {expected}")
    with reading(name, expected):
        check_figures(document)
        itemgetter("model")(document)
        itemgetter("data", "count", "valid")(document["protocol"])
        itemgetter(*SAME_ENVIRONMENT)(document["environment"])
        int(document["environment"]["bootstrap"]["seed"])
        dict(document.get("completion") or {})
        list(map(itemgetter("key", "reason"), document["skipped"]))
        sorted(document["faulty_predictions"])
        itemgetter("of")(shard)
        list(shard["notes"])
        range(shard["index"], shard["count"])  # of whole numbers
        rows = document["images"]
        list(map(itemgetter("negative_scale", "valid_fraction"), rows))
        list(zip(map(int, shard["places"]), rows, *shard["baselines"].values(), strict=True))
        for other in shard["baselines"].values():
            check_figures({**document, "images": other})


def _check_same(
    document: Mapping[str, Any], name: str, first: Mapping[str, Any], first_name: str
) -> None:
    here, there = (part.get("completion") or {} for part in (document, first))
    scored = document["images"] and first["images"]
    pairs: Sequence[tuple[str, Any, Any]] = [
        *((key, document[key], first[key]) for key in SAME),
        *((f"completion {key}", here.get(key), there.get(key)) for key in sorted({*here, *there})),
        *((f"data {key}", document["data"][key], first["data"][key]) for key in SAME_SET),
        *((f"shard {key}", document["shard"][key], first["shard"][key]) for key in ("count", "of")),
        *((("baselines", _baselines(document), _baselines(first)),) if scored else ()),
        *(
            (key, document["environment"][key], first["environment"][key])
            for key in SAME_ENVIRONMENT
            if scored  # a part without an image has asked no network
        ),
    ]
    for what, one, other in pairs:
        if one != other:
            raise InputError(f"{name} and {first_name} differ in {what}; merge parts of one run")


def _baselines(document: Mapping[str, Any]) -> list[str]:
    return sorted(document["shard"]["baselines"])
