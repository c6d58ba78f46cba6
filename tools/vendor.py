"""Fetch what the page runs networks with: python -m tools.vendor

Asks npm (and with it the registry that npm is set to) for the package of
src/featherdepth/app/engine.toml, compares the sha256 of the archive and of each file that is kept,
and writes them gzipped into src/featherdepth/app/vendor/. What is there and whole is left alone.
"""

import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

from featherdepth.app.engine import FOLDER, PACKED, Engine, read_engine
from featherdepth.errors import FeatherDepthError, InputError, RunError
from featherdepth.images.atomic import make_folder, write_atomic

MOST = 64 << 20
"""Bytes of a file; more is not what was asked for."""


def fetch(engine: Engine, into: Path) -> Path:
    """The package's archive, by npm.

    Raises:
        RunError: no npm, or it found no such package.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise RunError("npm is not installed; it fetches the page's engine: install Node.js")
    wanted = f"{engine.package}@{engine.version}"
    command = [npm, "pack", wanted, "--silent", "--ignore-scripts", "--pack-destination", str(into)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = list(into.glob("*.tgz"))
    if result.returncode or len(archives) != 1:
        raise RunError(f"npm pack {wanted} failed: {result.stderr.strip() or 'no archive came'}")
    return archives[0]


def unpack(archive: Path, engine: Engine) -> dict[str, bytes]:
    """The files that are kept, by name; nothing else of the archive is read or written.

    Raises:
        InputError: the archive or a file of it is not the one that was pinned.
    """
    _check(archive.name, archive.read_bytes(), engine.sha256)
    found: dict[str, bytes] = {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = member.name.removeprefix("package/dist/")
            if name in engine.files and member.isfile() and member.size <= MOST:
                stream = tar.extractfile(member)
                found[name] = stream.read() if stream else b""
    for name, sha256 in engine.files.items():
        if name not in found:
            raise InputError(f"{archive.name}: has no dist/{name}; expected it there")
        _check(name, found[name], sha256)
    return found


def is_whole(engine: Engine, folder: Path) -> bool:
    """Whether every file is there and is the pinned one."""
    try:
        for name, sha256 in engine.files.items():
            content = gzip.decompress((folder / (name + PACKED)).read_bytes())
            if hashlib.sha256(content).hexdigest() != sha256:
                return False
    except (OSError, EOFError, zlib.error):  # not there, or damaged
        return False
    return True


def install(engine: Engine, folder: Path) -> None:
    """Fetch, compare and write; files of other versions go.

    Raises:
        RunError: it cannot be fetched or written.
        InputError: what came is not what was pinned.
    """
    with tempfile.TemporaryDirectory() as temporary:
        contents = unpack(fetch(engine, Path(temporary)), engine)
    make_folder(folder)
    for path in folder.glob(f"*{PACKED}"):
        if path.name.removesuffix(PACKED) not in engine.files:
            path.unlink()
    for name, content in contents.items():
        # Without a time in it, the same content is the same file.
        write_atomic(folder / (name + PACKED), gzip.compress(content, 9, mtime=0))


def _check(name: str, content: bytes, sha256: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InputError(f"{name}: sha256 {found[:12]}... differs from the pinned {sha256[:12]}...")


def main() -> int:
    """Install what is missing, and say what there is."""
    engine = read_engine()
    try:
        if not is_whole(engine, FOLDER):
            install(engine, FOLDER)
    except FeatherDepthError as error:
        print(f"vendor: {error}", file=sys.stderr)
        return error.exit_code
    size = sum(path.stat().st_size for path in FOLDER.glob(f"*{PACKED}")) / 1e6
    print(f"{engine.package} {engine.version}: {len(engine.files)} files, {size:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
