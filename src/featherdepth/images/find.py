"""Which photos (or maps) were meant: files, folders, globs, lists."""

import glob
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from featherdepth.errors import InputError
from featherdepth.images.failures import lists_failures
from featherdepth.images.sidecar import COLORS, is_result, says_so

logger = logging.getLogger(__name__)

_SUFFIXES = "avif bmp gif heic heif jfif jp2 jpeg jpg mpo pgm png pnm ppm tif tiff webp"
IMAGE_SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split())
"""Lower case; what is taken for a photo in a folder or by a glob."""
PACKED_SUFFIXES = frozenset({".tar", ".parquet"})
"""Lower case; files with many photos each, which are read where no photo lies beside them."""

COLORED = COLORS.removesuffix(".png")
WEIGHTS, REPORT = "model.safetensors", "report"
"""What tells the folder of a run, and the folder of pictures in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is searched for, and how messages call it."""

    one: str = "a photo"
    many: str = "photos"
    suffixes: frozenset[str] = IMAGE_SUFFIXES
    """Lower case."""
    usual: str = ".jpg, .png, .webp or .tif"
    leave_out: str = ""
    """Names that end so are something else."""
    results: bool = False
    """Whether what this package wrote counts; a photo is none of that."""

    def fits(self, name: str) -> bool:
        ending = self.leave_out
        return Path(name).suffix.lower() in self.suffixes and not (
            ending and name.lower().endswith(ending)
        )

    def takes(self, path: Path) -> bool:
        """Whether a file that a folder or glob holds is one."""
        hidden = path.name.startswith(".")
        return not hidden and self.fits(path.name) and (self.results or not is_result(path))


PHOTOS = Wanted()


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundImage:
    """A photo that was asked for. It may turn out to be missing, where a list named it."""

    path: Path
    relative: PurePath
    """Path below the folder or glob it was found by; the bare name for a file."""
    output: PurePath
    """`relative` without its suffix: where results go, the same for no two photos."""


def find_images(
    inputs: Sequence[str | Path], wanted: Wanted = PHOTOS, *, out: Path | None = None
) -> list[FoundImage]:
    """List the photos (or what else is `wanted`) named by `inputs`, in their order, each once.

    An input is a file (of any suffix), a folder (searched to the bottom, sorted), a glob
    (`**` too), a .txt file with one path a line (relative to that file; `#` starts a comment) or
    "-" for such lines on standard input. Hidden files are left out of folders, and so are results:
    whoever predicts a folder into itself, twice, means its photos both times. Of several inputs
    those that are results, or folders of nothing else, are left out as well: the shell makes names
    of photos/*.

    Args:
        out: where results go; not searched where it lies inside what is.

    Raises:
        InputError: an input that does not exist, holds no photo or is a result.
    """
    found: dict[Path, FoundImage] = {}
    left_out = 0
    for entry in inputs:
        try:
            if len(inputs) > 1 and not wanted.results and _is_written(Path(entry), wanted, out):
                left_out += 1
                continue
            pairs = _expand(entry, wanted, out)
        except OSError as error:
            raise InputError(f"{entry}: cannot be read: {error.strerror or error}") from error
        for path, relative in pairs:
            if not relative.name:
                raise InputError(
                    f"{entry}: {str(path)!r} is a folder; expected {wanted.one} a line"
                )
            image = FoundImage(path=path, relative=relative, output=relative.with_suffix(""))
            found.setdefault(path.absolute(), image)
    if left_out:
        logger.warning("left out of the inputs: %d results, not %s", left_out, wanted.many)
        if not found:
            raise InputError(
                f"all {left_out} inputs are results; expected {wanted.many} among them"
            )
    return _with_distinct_outputs(list(found.values()))


def _is_written(path: Path, wanted: Wanted, out: Path | None) -> bool:
    """Whether a file is a result or lists what failed; a folder, if it holds such and no photo."""
    if path.is_dir():
        nothing = next(in_folder(path, wanted, out), None) is None
        return nothing and any(_is_written(f, wanted, out) for f in path.rglob("*") if f.is_file())
    return path.is_file() and (_is_ours(path) or (path.suffix == ".jsonl" and lists_failures(path)))


def _is_ours(path: Path) -> bool:
    """Whether a file that was named is a result, though it may have been moved by itself."""
    return is_result(path) or says_so(path)


def _expand(entry: str | Path, wanted: Wanted, out: Path | None) -> Iterable[tuple[Path, PurePath]]:
    if str(entry) == "-":
        return _from_lines(_stdin_lines(), Path(), "standard input", wanted)
    if not str(entry).strip():
        raise InputError(f"an empty name; expected {wanted.one}, a folder, a glob or a list")
    path = Path(entry)
    if path.is_dir():
        return _required(in_folder(path, wanted, out), f"{path}: holds no {wanted.many}", wanted)
    if path.is_file():
        if path.suffix.lower() == ".txt":
            try:
                lines = path.read_text(encoding="utf-8-sig").splitlines()
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}: cannot be read as a list of {wanted.many}: {error}"
                ) from error
            lines = [text for line in lines if not (text := line.strip()).startswith("#")]
            return _from_lines(lines, path.parent, str(path), wanted)
        if not wanted.results and _is_ours(path):
            raise InputError(
                f"{path}: is a result of featherdepth, not {wanted.one}; name what it was made of"
            )
        return [(path, PurePath(path.name))]
    if path.exists():
        raise InputError(
            f"{path}: is not a file; expected {wanted.one}, a folder, a glob or a list"
        )
    if glob.has_magic(str(entry)):
        missed = f"{entry}: matches no {wanted.one.removeprefix('a ')}"
        return _required(_by_glob(str(entry), wanted, out), missed, wanted)
    raise InputError(f"{path}: not found; expected {wanted.one}, a folder, a glob or a list")


def _stdin_lines() -> list[str]:
    """Names of files need not be text: bytes become what the file system takes back.

    They are whole lines, as `find` and `ls` write them: a name may begin with a space or #.
    """
    if sys.stdin is None:  # it was closed before we began
        return []
    return [line.removesuffix("\r") for line in os.fsdecode(sys.stdin.buffer.read()).split("\n")]


def _required(
    pairs: Iterable[tuple[Path, PurePath]], fault: str, wanted: Wanted
) -> Iterable[tuple[Path, PurePath]]:
    listed = sorted(pairs, key=lambda pair: pair[1].as_posix())
    if not listed:
        raise InputError(f"{fault}; expected files such as {wanted.usual}")
    return listed


def in_folder(
    folder: Path, wanted: Wanted = PHOTOS, out: Path | None = None
) -> Iterator[tuple[Path, PurePath]]:
    """What a folder holds to its bottom, with its path below it; in no order."""
    packed: list[Path] = []
    # os.walk does not follow links to folders, so it ends.
    for parent, folders, files in os.walk(folder, onerror=_tell):
        # A run among the photos has learned from them: its report shows them once more.
        hidden = {REPORT} if WEIGHTS in files else set()
        folders[:] = [
            name
            for name in folders
            if not (name.startswith(".") or name in hidden or _is(Path(parent, name), out))
        ]
        for name in files:
            path = Path(parent, name)
            if wanted.takes(path):
                yield path, path.relative_to(folder)
            elif path.suffix.lower() in PACKED_SUFFIXES and f"{path.stem}.json" not in files:
                packed.append(path)  # a result of ours has a .json beside it
    if packed and wanted is PHOTOS:
        logger.warning(
            "%s: left out, since photos lie beside them: %d files of many photos, such as %s; name"
            " them by themselves",
            folder,
            len(packed),
            min(packed).relative_to(folder),
        )


def _tell(error: OSError) -> None:
    logger.warning("%s: left out, cannot look into it: %s", error.filename, error.strerror)


def _is(folder: Path, out: Path | None) -> bool:
    return out is not None and folder.absolute() == out.absolute()


def _by_glob(pattern: str, wanted: Wanted, out: Path | None) -> Iterator[tuple[Path, PurePath]]:
    parts = Path(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:fixed])
    try:
        matches = list(root.glob(str(Path(*parts[fixed:]))))
    except ValueError as error:  # a name with ** and more, before Python 3.13
        raise InputError(f"{pattern}: {error}; expected ** between two /") from error
    for path in matches:
        relative = path.relative_to(root)
        folders = list(path.parents)[: len(relative.parts) - 1]
        left_out = any(part.startswith(".") for part in relative.parts) or any(
            _is(folder, out) for folder in folders
        )
        if not left_out and wanted.takes(path) and path.is_file():
            yield path, relative


def _from_lines(
    lines: Iterable[str], base: Path, shown: str, wanted: Wanted
) -> Iterable[tuple[Path, PurePath]]:
    pairs = []
    for text in lines:
        if "\0" in text:
            raise InputError(
                f"{shown}: is no list of {wanted.many} but bytes; expected one path a line"
            )
        if text:
            named = PurePath(text)
            inside = not named.is_absolute() and ".." not in named.parts
            pairs.append((base / named, named if inside else PurePath(named.name)))
    if not pairs:
        raise InputError(f"{shown}: lists no {wanted.many}; expected one path a line")
    return pairs


def _with_distinct_outputs(found: list[FoundImage]) -> list[FoundImage]:
    """Where a.jpg and a.png would meet, keep the suffix; where two a.jpg would, count.

    The map of a.color.jpg would meet the colors of a.jpg.
    """
    shared = Counter(_folded(image.output) for image in found)
    taken: set[str] = set()
    distinct = []
    for image in found:
        output = image.output
        if shared[_folded(output)] > 1 or _folded(output).endswith(COLORED):
            output = image.relative.with_name(image.relative.name.replace(".", "_"))
        stem, number = output.name, 1
        while _folded(output) in taken:
            number += 1
            output = output.with_name(f"{stem}_{number}")
        taken.add(_folded(output))
        distinct.append(replace(image, output=output))
    return distinct


def _folded(path: PurePath) -> str:
    """Some file systems take A and a for the same name."""
    return path.as_posix().casefold()
