"""How far exported files are from their models: any size, float32, ONNX and OpenVINO.

    python -m benchmarks.exports -o docs/results/exports.json

Each embedded model is exported as `featherdepth export` does it, which compares file and torch on
ten made-up pictures of ten sizes; the figure is the largest difference of a pixel over the range of
torch's map.
"""

import argparse
import tempfile
from pathlib import Path

from featherdepth import api
from featherdepth.images.atomic import write_json
from featherdepth.runtime.presets import embedded_models


def main() -> None:
    """Export, and write what the reports say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for name in embedded_models():
            for form, suffix in (("onnx", ".onnx"), ("openvino", ".xml")):
                report = api.export(name, Path(place, name + suffix), to=form)
                verified = report["verification"]
                found[f"{name} {form}"] = {
                    "pictures": verified["pictures"],
                    **verified["difference"],
                    "environment": report["environment"],
                }
                print(f"{name} {form}: {verified['difference']['largest']:.1e}")
    write_json(options.output, {"exports": found})


if __name__ == "__main__":
    main()
