"""Give an embedded model its graph for 8 bits, and measure what that costs.

    python -m tools.eight_bits NAME --data data/nyu --calibrate labelled --split val

Writes model.int8.onnx into src/featherdepth/runtime/weights/NAME, scores every installed backend in
fp32 and in int8 on the split, and writes docs/results/int8-NAME.json: metrics, and differences with
paired 95 % intervals. The largest relative rise of abs_rel stands in config.json as what was
verified: `auto` takes int8 where it is at most 1 %.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from featherdepth import api
from featherdepth.data.probe import open_data
from featherdepth.errors import FeatherDepthError
from featherdepth.evaluation.compare import compare
from featherdepth.export.int8_graph import write_int8_graph
from featherdepth.export.pictures import Photos
from featherdepth.images.atomic import write_atomic
from featherdepth.networks.folder import CONFIG, read_preset
from featherdepth.runtime.backends import available
from featherdepth.runtime.presets import embedded_folder

RESULTS = Path(__file__).parents[1] / "docs" / "results"
SHOWN = ("abs_rel", "delta1", "rmse")
BACKENDS = ("onnx", "openvino")


def give(folder: Path, data: Path, *, calibrate: str, split: str, count: int) -> dict[str, Any]:
    """Write the graph and what it costs; returns the document.

    Args:
        calibrate: split whose photos the scales are taken from, `count` of them.
        split: labeled images that the cost is measured on.
    """
    preset = read_preset(folder)
    with tempfile.TemporaryDirectory() as name:
        keys = _calibration(data, calibrate, count, Path(name))
        photos = Photos([name], preset, fixed=None, channels=3)
        graph = write_int8_graph(folder, photos)
    rows = {}
    for backend in filter(available, BACKENDS):
        scores = {
            precision: api.evaluate(
                data, model=folder, split=split, backend=backend, precision=precision
            )
            for precision in ("fp32", "int8")
        }
        found = compare(scores["fp32"], scores["int8"])["metrics"]
        rows[backend] = {
            metric: {
                "fp32": found[metric]["a"],
                "int8": found[metric]["b"],
                **{key: found[metric][key] for key in ("difference", "low", "high")},
                "relative": found[metric]["difference"] / found[metric]["a"],
            }
            for metric in SHOWN
        }
    rise = max(row["abs_rel"]["relative"] for row in rows.values())
    verified = {**preset.verified, "int8": round(rise, 5)}
    config = json.dumps(asdict(replace(preset, verified=verified)), indent=2, sort_keys=True)
    write_atomic(folder / CONFIG, (config + "\n").encode())
    return {
        "model": preset.name,
        "sha256": preset.sha256,
        "graph_bytes": graph.stat().st_size,
        "calibration": {"split": calibrate, "images": keys},
        "split": split,
        "count": len(scores["fp32"]["images"]),
        "backends": rows,
        "abs_rel_rise": rise,
        "environment": scores["int8"]["environment"],
    }


def _calibration(data: Path, split: str, count: int, folder: Path) -> list[str]:
    """Evenly spread photos of a split, written into `folder`."""
    import PIL.Image

    samples = open_data(data, split)
    step = max(1, len(samples) // count)
    chosen = [samples[i] for i in range(0, len(samples), step)][:count]
    for i, sample in enumerate(chosen):
        PIL.Image.fromarray(sample.image.pixels).save(folder / f"{i:03d}.png")
    return [sample.key for sample in chosen]


def main() -> int:
    """Do it for one embedded model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--calibrate", default="labelled")
    parser.add_argument("--split", default="val")
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    folder = embedded_folder(options.name)
    try:
        document = give(
            folder,
            options.data,
            calibrate=options.calibrate,
            split=options.split,
            count=options.count,
        )
    except FeatherDepthError as error:
        print(f"eight_bits: {error}", file=sys.stderr)
        return error.exit_code
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    write_atomic(RESULTS / f"int8-{options.name}.json", text.encode())
    for backend, row in document["backends"].items():
        found = row["abs_rel"]
        print(
            f"{backend}: abs_rel {found['fp32']:.4f} -> {found['int8']:.4f}"
            f" ({100 * found['relative']:+.2f} %), delta1 {row['delta1']['fp32']:.4f} ->"
            f" {row['delta1']['int8']:.4f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
