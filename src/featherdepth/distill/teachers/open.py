"""The one door to teachers.

    small                     an embedded model; `default` is the everyday one
    ./folder                  a model folder, such as a run, or one of a transformers depth model
    leres-resnet50@res50.pth  another's weights for a network we have
    hf:owner/name[@revision]  a depth model of transformers, from the hub; hf:./folder
    file.onnx[?key=value]     an ONNX file
    py:module:function        a Python callable
    mean:A+B                  the mean of several of these, of one kind; mean:A of mirror images

What a file or function does not say itself is stated behind a question mark: `stated.py`.
"""

import logging
from difflib import get_close_matches
from pathlib import Path

import torch

from featherdepth.distill.teachers import TEACHERS
from featherdepth.distill.teachers.hub.folder import is_transformers_folder
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.distill.teachers.stated import Stated, split_stated
from featherdepth.errors import UsageError
from featherdepth.geometry.resize import Size
from featherdepth.networks import NETWORKS
from featherdepth.networks.devices import find_device
from featherdepth.networks.folder import CONFIG
from featherdepth.runtime.presets import depth_models, embedded_models
from featherdepth.runtime.reference import resolve

logger = logging.getLogger(__name__)


def open_teacher(
    reference: str | Path,
    *,
    size: int | Size | None = None,
    device: torch.device | str = "cpu",
    threads: int | None = None,
) -> Teacher:
    """Open the teacher that `reference` names, frozen and ready.

    Args:
        size: at which it sees photos in place of its own: an edge N for the area N * N at the
            photo's aspect ratio, or (height, width).
        device: where torch teachers compute; ONNX files run on the CPU.
        threads: of the network call; torch knows only one number for the whole process.

    Raises:
        UsageError: no such teacher, one whose numbers are not known, or a size it cannot take.
        WeightsError: files are missing, damaged, pickled, or do not fit.
        BackendError: a package or the device is absent; the message has the install line.
    """
    if threads is not None and threads < 1:
        raise UsageError(f"threads is {threads}; expected 1 or more")
    place = find_device(device)
    teacher = _open(reference, size, threads)
    if threads is not None:
        torch.set_num_threads(threads)
    teacher.to(place)
    logger.info("teacher %s: %s on %s", teacher.card.name, teacher.card.kind.value, place)
    return teacher


def _open(reference: str | Path, size: int | Size | None, threads: int | None) -> Teacher:
    found: Teacher
    if isinstance(reference, str) and reference.startswith("mean:"):
        names = reference.removeprefix("mean:").split("+")
        if "" in names:
            raise UsageError(f"teacher {reference!r}: expected mean:A+B, the names of teachers")
        found = TEACHERS.load("mean")([_open(name, size, threads) for name in names])
        return found
    text, stated = split_stated(reference) if isinstance(reference, str) else (reference, Stated())
    if isinstance(text, str) and text.startswith("hf:"):
        found = TEACHERS.load("hf")(text.removeprefix("hf:"), stated, size)
        return found
    if isinstance(text, str) and text.startswith("py:"):
        found = TEACHERS.load("py")(text, stated, size)
        return found
    path = Path(text).expanduser()
    if path.suffix.lower() == ".onnx":
        found = TEACHERS.load("onnx")(path, stated, size, threads)
        return found
    if path.is_dir() and is_transformers_folder(path) and str(text) not in embedded_models():
        found = TEACHERS.load("hf")(str(path.resolve()), stated, size)
        return found
    if stated != Stated():
        raise UsageError(
            f"teacher {reference!r}: says itself what it is; name it {str(text)!r}: only ONNX"
            " files, functions and hf: models take ?key=value"
        )
    if isinstance(text, str):
        _known(text, path)
    if path.is_file() and not (path.parent / CONFIG).is_file():
        raise UsageError(
            f"teacher {str(text)!r}: of single files only ONNX is a teacher; expected FILE.onnx,"
            " NETWORK@FILE or a model folder"
        )
    model = resolve(text)
    if model.network is not None:
        found = TEACHERS.load("foreign")(model.network, model.path, size)
    else:
        found = TEACHERS.load("folder")(model.path, size)
    return found


def _known(text: str, path: Path) -> None:
    """Refuse what is neither a name nor a path, with what it may have meant."""
    names = [*depth_models(), "default"]
    if (
        text in (*embedded_models(), "default")
        or path.exists()
        or len(path.parts) > 1
        or text.startswith(".")
    ):
        return
    network, at, _ = text.partition("@")
    if at and network in NETWORKS:
        return
    near = get_close_matches(network, [n for n in NETWORKS if "leres" in n] if at else names, n=1)
    meant = f"{near[0]}{text[len(network) :]}" if near else ""
    hint = (
        f"did you mean {meant!r}?"
        if near
        else (
            f"expected {', '.join(names)}, a folder, leres-resnet50@FILE, hf:owner/name, FILE.onnx"
            ", py:module:function or mean:A+B"
        )
    )
    raise UsageError(f"unknown teacher {text!r}; {hint}")
