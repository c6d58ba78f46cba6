"""The photos of the experiment, without any depth: of a domain, of the source, or labeled ones.

Each kind is gathered into a folder once.
"""

import csv
import math
import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import PIL.Image

from featherdepth.data.paired import Paired
from featherdepth.data.storage import Storage
from featherdepth.geometry.camera import FULL_FRAME_DIAGONAL_MM
from featherdepth.images.exif import EXIF_FOLDER, FOCAL_35MM

Kind = Literal["target", "source", "labelled", "known", "all"]
Named = Iterable[tuple[str, bytes]]
NYU = "NYU Depth V2 (class B: research, no redistribution of the images)"
ROOMS = f"{NYU}; rooms of research photo sets (class B)"
FURTHER = "further photos of research sets (class A and class B)"
KITTI = "KITTI 2012 (class C: CC BY-NC-SA 3.0)"
STREETS = f"{KITTI}; CamVid (class B: research)"
OWN = "own renders (class A); frames of repositories and data sets (class A and class B)"
TERMS: dict[str, dict[Kind, str]] = {
    "rooms": {
        "target": ROOMS,
        "known": ROOMS,
        "source": OWN,
        "labelled": NYU,
        "all": f"{ROOMS}; {FURTHER}",
    },
    "streets": {
        "target": STREETS,
        "known": STREETS,
        "source": OWN,
        "labelled": KITTI,
        "all": f"{STREETS}; {FURTHER}",
    },
}
"""Of the photos of a domain, for the bill of materials of what is trained on them."""
TERMS["rooms-base"] = TERMS["rooms"]


def gather(kind: Kind, domain: str, folder: Path, *, data: Path, scenes: Path) -> Path:
    """A folder with the photos of a kind.

    Args:
        kind: "target": of the domain, never seen by its teacher; "source": the pictures of the
            labeled source; "labelled": images that the teacher was trained on; "known": those of
            "target", with the focal length in the photos of cameras that are known; "all": those
            of "target" and every other photo at hand, whatever it shows.
        domain: a name of `DOMAINS`.
        folder: for all kinds.
        data, scenes: the development data, and the rendered scenes of the source.
    """
    target = folder / kind
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    photos = _source(data, scenes) if kind == "source" else DOMAINS[domain](kind, data)
    with TemporaryDirectory(prefix=f"{kind}.part-", dir=folder, ignore_cleanup_errors=True) as made:
        for name, content in photos:
            Path(made, name.replace("/", "_")).write_bytes(content)
        with suppress(OSError):  # another row gathers the same, and was first
            Path(made).rename(target)
    return target


def _rooms(kind: Kind, data: Path) -> Named:
    """The NYUv2 test images outside of `val`, and photos of rooms; or the train split."""
    split = "labelled" if kind == "labelled" else "labelled_extra"
    storage = Storage(data)
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    for row in rows:
        photo = storage.read(row["rgb"])
        if kind == "known":
            size = int(row["height"]), int(row["width"])
            photo = with_camera(photo, float(row["fx"]), size)
        yield row["rgb"], photo
    if kind != "labelled":
        yield from ((name, storage.read(name)) for name in _unlabelled(data, kind, "rooms_"))


def with_camera(photo: bytes, focal_px: float, size: tuple[int, int]) -> bytes:
    """A JPEG whose EXIF says its focal length, in whole millimeters of film."""
    exif = PIL.Image.Exif()
    focal_mm = round(focal_px * FULL_FRAME_DIAGONAL_MM / math.hypot(*size))
    exif.get_ifd(EXIF_FOLDER)[FOCAL_35MM] = focal_mm
    told = exif.tobytes()
    start = b"\xff\xd8"
    return start + b"\xff\xe1" + (len(told) + 2).to_bytes(2, "big") + told + photo[len(start) :]


def _streets(kind: Kind, data: Path) -> Named:
    """The second third of KITTI 2012, and the frames of CamVid; or the first third."""
    portion = (1, 3) if kind == "labelled" else (2, 3)
    config = Paired.Config(root=data / "more", sources=("kitti12_stereo",), portion=portion)
    frames = Paired(config)
    for i, key in enumerate(frames.keys):
        photo = frames.encoded(i)
        camera = frames[i].image.intrinsics if kind == "known" else None
        if camera is not None:
            photo = with_camera(photo, camera.fx, (camera.height, camera.width))
        yield f"{key}.jpg", photo
    if kind != "labelled":
        storage = Storage(data)
        yield from ((name, storage.read(name)) for name in _unlabelled(data, kind, "camvid_"))


DOMAINS: dict[str, Callable[[Kind, Path], Named]] = {
    "rooms": _rooms,
    "rooms-base": _rooms,
    "streets": _streets,
}


def _unlabelled(data: Path, kind: Kind, start: str) -> list[str]:
    """The photos whose names start so; of the kind "all", every one."""
    lines = (data / "splits" / "unlabelled.txt").read_text(encoding="utf-8").split()
    return [line for line in lines if kind == "all" or Path(line).name.startswith(start)]


def _source(data: Path, scenes: Path) -> Named:
    for path in sorted(scenes.glob("*/rgb/*")):
        yield f"scenes_{path.parts[-3]}_{path.name}", path.read_bytes()
    for path in sorted(_permissive(data / "more")):
        yield f"more_{path.parts[-3]}_{path.name}", path.read_bytes()


def _permissive(more: Path) -> list[Path]:
    folders = [
        path.parent
        for path in more.glob("*/dataset.toml")
        if tomllib.loads(path.read_text(encoding="utf-8"))["class"] in ("A", "B")
    ]
    return [picture for folder in folders for picture in folder.glob("rgb/*")]
