"""Peak memory of a fresh process that loads one model and looks at one photo."""

import json
import subprocess
import sys

from featherdepth.geometry.resize import Size
from featherdepth.runtime.model import DepthModel

PROGRAM = """
import json, sys
from pathlib import Path
options = json.loads(sys.argv[1])
photo = sys.stdin.buffer.read()
from featherdepth.runtime.model import DepthModel
size = options.pop("size")
model = DepthModel.from_pretrained(options.pop("reference"), **options)
for _ in range(3):
    model.infer(photo, size=size)
status = Path("/proc/self/status")
if status.is_file():
    lines = status.read_text().splitlines()
    print(next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")))
else:
    import resource
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


def peak_mb(
    reference: str | None,
    model: DepthModel,
    photo: bytes,
    *,
    threads: int,
    size: int | Size | None,
) -> float | None:
    """Most memory in MB that `DepthModel.from_pretrained` and three `infer` took.

    Args:
        reference: what `model` was opened by; backend and precision are its own.

    Returns:
        None where the system does not tell (Windows), or the process failed.
    """
    options = {
        "reference": reference,
        "backend": model.backend,
        "precision": model.precision,
        "threads": threads,
        "size": size,
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(options)]
    done = subprocess.run(command, input=photo, capture_output=True, check=False)  # noqa: S603 - own program
    try:
        return int(done.stdout.split()[-1]) / 1e6
    except (IndexError, ValueError):
        return None
