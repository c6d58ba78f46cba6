"""One picture of many: python -m tools.sheet demo -o docs/pictures/first-look.jpg --columns 2"""

import argparse
import math
from pathlib import Path

from PIL import Image


def sheet(paths: list[Path], columns: int, width: int) -> Image.Image:
    """The pictures in rows of `columns`, each scaled to `width` pixels, aspect kept."""
    tiles = []
    for path in paths:
        with Image.open(path) as picture:
            height = round(picture.height * width / picture.width)
            tiles.append(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
    height = max(tile.height for tile in tiles)
    rows = math.ceil(len(tiles) / columns)
    result = Image.new("RGB", (columns * width, rows * height), "white")
    for i, tile in enumerate(tiles):
        result.paste(tile, (i % columns * width, i // columns * height))
    return result


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--names", nargs="*", help="beginnings of the file names to take, in order")
    parser.add_argument("--columns", type=int, default=2)
    parser.add_argument("--width", type=int, default=480)
    options = parser.parse_args()
    names = options.names or [""]
    paths = [p for name in names for p in sorted(options.folder.glob(f"{name}*.color.png"))]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    sheet(paths, options.columns, options.width).save(options.output, quality=88)


if __name__ == "__main__":
    main()
