"""Two models side by side without saying which is which, for eyes that should not know.

    python -m tools.blind draw scratch/blind --old OLD --new NEW --photos recipes/blind.txt
    (look at scratch/blind/sheet-*.png; for each row write A, B or = into a text, in order)
    python -m tools.blind tell scratch/blind "AB=..." -o docs/results/blind.json

Each row of a sheet is a photo and the maps of both models, left and right by a seeded coin. The key
is a file of its own, and `tell` opens it only with a verdict for every row. Photos are named by
lines of a list, relative to FEATHERDEPTH_DATA.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw

from featherdepth.images.atomic import write_atomic
from featherdepth.images.colormap import colorize
from featherdepth.images.read import read_image
from featherdepth.runtime.model import DepthModel

KEY = "key.json"
ROWS = 6
WIDTH = 400
"""Of a tile, in pixels."""


def draw(out: Path, old: str, new: str, names: list[str], *, seed: int) -> None:
    """Write the sheets and the key."""
    out.mkdir(parents=True)
    models = {"old": DepthModel.from_pretrained(old), "new": DepthModel.from_pretrained(new)}
    random = np.random.default_rng(seed)
    root = Path(os.environ["FEATHERDEPTH_DATA"])
    rows, key = [], []
    for number, name in enumerate(names):
        left, right = random.permutation(["old", "new"]).tolist()
        image = read_image(root / name)
        maps = [colorize(models[w].infer_image(image), legend=False) for w in (left, right)]
        rows.append(_row(number + 1, [image.pixels, *maps]))
        key.append({"photo": name, "A": left, "B": right})
    for first in range(0, len(rows), ROWS):
        tiles = rows[first : first + ROWS]
        sheet = PIL.Image.new("RGB", (3 * WIDTH, sum(t.height for t in tiles)), "white")
        top = 0
        for tile in tiles:
            sheet.paste(tile, (0, top))
            top += tile.height
        sheet.save(out / f"sheet-{first // ROWS + 1:02d}.png")
    models_named = {
        which: {"model": m.preset.name, "sha256": m.preset.sha256} for which, m in models.items()
    }
    document = {"seed": seed, "models": models_named, "rows": key}
    write_atomic(out / KEY, (json.dumps(document, indent=2) + "\n").encode())


def tell(folder: Path, verdicts: str) -> dict[str, Any]:
    """What was preferred, now that the names may be known.

    Args:
        verdicts: one of A, B and = for each row, in order.

    Raises:
        ValueError: another number of verdicts than rows, or another letter.
    """
    document = json.loads((folder / KEY).read_text(encoding="utf-8"))
    rows = document["rows"]
    if len(verdicts) != len(rows) or set(verdicts) - set("AB="):
        raise ValueError(f"{len(verdicts)} verdicts of {len(rows)}; expected one of AB= each")
    judged = [
        {"photo": row["photo"], "better": "equal" if verdict == "=" else row[verdict]}
        for row, verdict in zip(rows, verdicts, strict=True)
    ]
    counts = {w: sum(row["better"] == w for row in judged) for w in ("new", "equal", "old")}
    return {**document, "verdicts": verdicts, "counts": counts, "rows": judged}


def _row(number: int, pictures: list[Any]) -> PIL.Image.Image:
    height, width = pictures[0].shape[:2]
    size = (WIDTH, round(WIDTH * height / width))
    row = PIL.Image.new("RGB", (3 * WIDTH, size[1] + 4), "white")
    for i, pixels in enumerate(pictures):
        tile = PIL.Image.fromarray(pixels).resize(size, PIL.Image.Resampling.LANCZOS)
        row.paste(tile, (i * WIDTH, 0))
    pen = PIL.ImageDraw.Draw(row)
    for i, text in enumerate((str(number), f"{number} A", f"{number} B")):
        pen.rectangle((i * WIDTH, 0, i * WIDTH + 8 * len(text) + 6, 14), fill="black")
        pen.text((i * WIDTH + 3, 1), text, fill="white")
    return row


def main() -> None:
    """Draw or tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw")
    drawing.add_argument("folder", type=Path)
    drawing.add_argument("--old", required=True)
    drawing.add_argument("--new", required=True)
    drawing.add_argument("--photos", type=Path, required=True)
    drawing.add_argument("--seed", type=int, default=0)
    telling = commands.add_parser("tell")
    telling.add_argument("folder", type=Path)
    telling.add_argument("verdicts")
    telling.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    if options.command == "draw":
        names = options.photos.read_text(encoding="utf-8").split()
        draw(options.folder, options.old, options.new, names, seed=options.seed)
        return
    document = tell(options.folder, options.verdicts)
    write_atomic(options.output, (json.dumps(document, indent=2) + "\n").encode())
    print(document["counts"])


if __name__ == "__main__":
    main()
