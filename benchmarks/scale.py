"""100 million photos, worked out from docs/results/cluster.json: `python -m benchmarks.scale`.

Prints the table of docs/explanation/scale.md. What is assumed stands here, what is measured there.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results" / "cluster.json"
PHOTOS = 100_000_000
CORES = 3200
"""100 machines of 32."""
CORE_HOUR = 0.04
"""Assumed price in dollars."""
GB_MONTH = 0.023
"""Assumed price in dollars."""
PHOTO_BYTES = 200_000
"""Assumed: a photo of one or two megapixels; those measured are smaller."""
TAR_BYTES = 1e9
MACS = {"measured": 4_526_975_936 * (224 / 448) ** 2, "leres-resnet50 at 448": 96.14e9}
"""Of the teacher at the size it was measured at, and of the teacher of the paper."""


def rows(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What, figure, and where it comes from."""
    speed, stages = document["speed"], document["stages"]
    rate = speed["photos_per_s"]["ray"]["core"]
    ms = stages["ms"]
    hours = PHOTOS / rate / 3600
    big = hours * MACS["leres-resnet50 at 448"] / MACS["measured"]
    maps_gb = PHOTOS * speed["bytes_a_photo"] / 1e9
    photos_gb = PHOTOS * PHOTO_BYTES / 1e9
    tars = PHOTOS * PHOTO_BYTES / TAR_BYTES
    index_h = PHOTOS * stages["index_us"] / 1e6 / 3600
    per_tar = TAR_BYTES / PHOTO_BYTES
    read_mb = CORES * rate * PHOTO_BYTES / 1e6
    write_mb = CORES * rate * speed["bytes_a_photo"] / 1e6
    return [
        ("photos a core second, all processes, start included", f"{rate:.2f}", "measured, Ray"),
        (
            "core time of a photo: decode, network, write",
            f"{ms['decode']:.1f} + {ms['network']:.1f} + {ms['write']:.1f} ms",
            "measured, one process",
        ),
        ("core hours", f"{hours:,.0f}", "photos / rate"),
        (f"hours on {CORES:,} cores (100 machines of 32)", f"{hours / CORES:.1f}", "core hours"),
        ("machines for one day", f"{hours / 24 / 32:.0f}", "core hours"),
        (
            f"compute at ${CORE_HOUR:.2f} a core hour",
            f"${hours * CORE_HOUR:,.0f}",
            "price is assumed",
        ),
        (
            "the same with `leres-resnet50` at 448",
            f"{big:,.0f} core hours, ${big * CORE_HOUR:,.0f}",
            "by MACs, not measured",
        ),
        ("maps", f"{maps_gb / 1000:.1f} TB", "bytes of a map, measured"),
        (
            f"photos of {PHOTO_BYTES // 1000} kB",
            f"{photos_gb / 1000:.0f} TB in {tars:,.0f} tars",
            "size is assumed",
        ),
        (
            f"a month of both at ${GB_MONTH} a GB",
            f"${(maps_gb + photos_gb) * GB_MONTH:,.0f}",
            "price is assumed",
        ),
        (
            "read and written by all cores together",
            f"{read_mb:,.0f} and {write_mb:,.0f} MB/s",
            "rate",
        ),
        (
            "a tar on one worker; on 32",
            f"{per_tar / rate / 60:.0f} min; {per_tar / rate / 32:.0f} s",
            "rate",
        ),
        (
            "index of the maps in `distill`",
            f"{32 * PHOTOS / 1e9:.1f} GB, {index_h:.1f} h to read the marks",
            "32 bytes and measured time a map",
        ),
    ]


def table(document: Mapping[str, Any]) -> str:
    """The rows as Markdown."""
    lines = [f"| {what} | {figure} | {source} |" for what, figure, source in rows(document)]
    return "\n".join(["| what | figure | from |", "|---|---|---|", *lines])


if __name__ == "__main__":
    print(table(json.loads(RESULTS.read_text())))
