"""Measure what 8 bits or bfloat16 cost an embedded model, and let `auto` know.

    python -m tools.precision NAME int8 --data data/nyu --calibrate labelled --split val
    python -m tools.precision NAME bf16 --data data/nyu --split val   (a CPU that computes in it)
    ... --emulated   (any with AVX-512: OpenVINO rounds as such a CPU would, only slowly)

For int8 model.int8.onnx is written into src/featherdepth/runtime/weights/NAME first. Every
installed backend that computes at the precision is scored in fp32 and at it;
docs/results/PRECISION-NAME.json holds metrics, and differences with paired 95 % intervals. The
largest relative rise of abs_rel stands in config.json as what was verified: `auto` takes a
precision where it is at most 1 %.
"""

import argparse
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from featherdepth import api
from featherdepth.data.probe import open_data
from featherdepth.errors import FeatherDepthError
from featherdepth.evaluation.compare import compare
from featherdepth.export.int8_graph import write_int8_graph
from featherdepth.export.pictures import Photos
from featherdepth.images.atomic import write_json
from featherdepth.networks.folder import CONFIG, read_preset
from featherdepth.runtime.backends import available, openvino
from featherdepth.runtime.presets import embedded_folder

RESULTS = Path(__file__).parents[1] / "docs" / "results"
SHOWN = ("abs_rel", "delta1", "rmse")
BACKENDS = {"int8": ("onnx", "openvino"), "bf16": ("openvino",)}


def quantize(folder: Path, data: Path, *, split: str, count: int) -> dict[str, Any]:
    """Write the graph for 8 bits; returns what is told of it.

    Args:
        split: whose photos the scales are taken from, `count` of them.
    """
    with tempfile.TemporaryDirectory() as name:
        keys = _calibration(data, split, count, Path(name))
        photos = Photos([name], read_preset(folder), fixed=None, channels=3)
        graph = write_int8_graph(folder, photos)
    return {
        "graph_bytes": graph.stat().st_size,
        "calibration": {"split": split, "images": keys},
    }


def cost(folder: Path, data: Path, *, precision: str, split: str) -> dict[str, Any]:
    """What a precision costs on labeled images, on each backend; noted in config.json."""
    preset = read_preset(folder)
    rows = {}
    for backend in filter(available, BACKENDS[precision]):
        scores = {
            which: api.evaluate(data, model=folder, split=split, backend=backend, precision=which)
            for which in ("fp32", precision)
        }
        found = compare(scores["fp32"], scores[precision])["metrics"]
        rows[backend] = {
            metric: {
                "fp32": found[metric]["a"],
                precision: found[metric]["b"],
                **{key: found[metric][key] for key in ("difference", "low", "high")},
                "relative": found[metric]["difference"] / found[metric]["a"],
            }
            for metric in SHOWN
        }
    rise = max(row["abs_rel"]["relative"] for row in rows.values())
    verified = {**preset.verified, precision: round(rise, 5)}
    write_json(folder / CONFIG, asdict(replace(preset, verified=verified)))
    return {
        "model": preset.name,
        "sha256": preset.sha256,
        "split": split,
        "count": len(scores["fp32"]["images"]),
        "backends": rows,
        "abs_rel_rise": rise,
        "environment": scores[precision]["environment"],
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


def _emulation() -> AbstractContextManager[object]:
    return patch.object(openvino, "computes_bf16", return_value=True)


def main() -> int:
    """Do it for one embedded model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("precision", choices=sorted(BACKENDS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--calibrate", default="labelled")
    parser.add_argument("--split", default="val")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--emulated", action="store_true", help="bf16 on a CPU without it")
    options = parser.parse_args()
    folder, precision = embedded_folder(options.name), options.precision
    document = {}
    try:
        if precision == "int8":
            split, count = options.calibrate, options.count
            document = quantize(folder, options.data, split=split, count=count)
        with _emulation() if options.emulated else nullcontext():
            document |= cost(folder, options.data, precision=precision, split=options.split)
    except FeatherDepthError as error:
        print(f"precision: {error}", file=sys.stderr)
        return error.exit_code
    document["emulated"] = options.emulated
    write_json(RESULTS / f"{precision}-{options.name}.json", document)
    for backend, row in document["backends"].items():
        found = row["abs_rel"]
        print(
            f"{backend}: abs_rel {found['fp32']:.4f} -> {found[precision]:.4f}"
            f" ({100 * found['relative']:+.2f} %), delta1 {row['delta1']['fp32']:.4f} ->"
            f" {row['delta1'][precision]:.4f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
