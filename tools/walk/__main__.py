"""Pack what a newcomer has on an empty machine: wheel, pages, and the photos that they speak of.

    python -m tools.walk OUT --photos PHOTOS.zip --count 200
    python3 OUT/go.py   # as a new user on a machine with Python, venv and pip alone

The tutorials name room.jpg, street.jpg with scan.bin and calib.txt, photos/ and nyuv2/: all of it
is put where they expect it.
"""

import argparse
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "helpers"))

import trees  # noqa: E402
from sensor_files import write_sensor_files  # noqa: E402

SIZE = (480, 640)
CAMERA = (520.0, 520.0, 319.5, 239.5)
"""fx, fy, cx, cy of street.jpg in pixels."""


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, required=True, help="a zip of photos")
    parser.add_argument("--count", type=int, default=200)
    args = parser.parse_args()
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    subprocess.run([*build, str(args.out / "wheel"), str(ROOT)], check=True, stdout=sys.stderr)
    for folder in ("tutorials", "how-to"):
        shutil.copytree(ROOT / "docs" / folder, args.out / "pages" / folder)
    shutil.copy(ROOT / "README.md", args.out / "pages")
    shutil.copy(Path(__file__).with_name("go.py"), args.out)
    for folder in (args.out / "readme", args.out / "tutorials"):
        unpack(args.photos, folder / "photos", args.count)
        photo("room_a", folder / "photo.jpg")
        photo("room_a", folder / "room.jpg")
        photo("street_a", folder / "street.jpg")
        scan(folder)
    trees.nyuv2_bts(args.out / "tutorials" / "nyuv2", frames=(45, 46, 55, 56))


def unpack(archive: Path, folder: Path, count: int) -> None:
    """The first photos of a zip."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(archive) as photos:
        names = sorted(n for n in photos.namelist() if n.endswith(".jpg"))
        for name in names[:: max(1, len(names) // count)][:count]:
            (folder / Path(name).name).write_bytes(photos.read(name))


def photo(name: str, path: Path) -> None:
    """A photo that ships with the documentation, in the size that the pages speak of."""
    with PIL.Image.open(ROOT / "docs" / "photos" / f"{name}.jpg") as picture:
        picture.resize(SIZE[::-1]).save(path)


def scan(folder: Path) -> None:
    """Points of a slanted plane, and the whole of it in depth.png."""
    rows, columns = np.indices(SIZE)
    meters = 9.0 - 6.0 * rows / SIZE[0] + columns / SIZE[1]
    places = np.random.default_rng(0).choice(meters.size, 800, replace=False)
    where = (places // SIZE[1], places % SIZE[1])
    write_sensor_files(folder, "street.jpg", meters, where, CAMERA)
    PIL.Image.fromarray(np.rint(1000 * meters).astype(np.uint16)).save(folder / "depth.png")


if __name__ == "__main__":
    main()
