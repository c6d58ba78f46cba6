"""The files of the page: what is written for it, the engine, one model, and what binds them.

index.html, *.js, *.css ...   as they lie in page/
about.json                    the model, the engine, the colors: what the page is told
service-worker.js             with the list of files in front, so that it changes with them
engine-VERSION/, model-HASH/ never change under their name: browsers keep them for good
"""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import featherdepth
from featherdepth.app.engine import Engine, packed_files, read_engine
from featherdepth.images.palettes import palette
from featherdepth.networks.folder import GRAPH, WEIGHTS, check_weights, read_config, read_graph
from featherdepth.runtime.presets import check_sees_depth
from featherdepth.types import Preset

PAGE = Path(__file__).with_name("page")
SCHEMA = "featherdepth-page-1"
SERVICE_WORKER = "service-worker.js"
LIST = "const SITE = "
"""How the service worker begins: with the page's files, as JSON."""
COLORS = "Spectral_r"
NEAR_FAR = (1, 10)
"""Range that the point view stretches relative depth to; the page says so."""
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
"""Headers without which browsers give a page one thread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteFile:
    """One file: its bytes, or where they lie."""

    content: bytes | Path
    packed: bool = False
    """What lies there is gzipped."""
    lasting: bool = False
    """The name stands for this content forever."""

    def stored(self) -> bytes:
        """As it lies, gzipped or not."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    def plain(self) -> bytes:
        """As the page reads it."""
        return gzip.decompress(self.stored()) if self.packed else self.stored()


Site = dict[str, SiteFile]
"""Path below the page's address, without a leading slash -> file."""


def content_type(path: str) -> str:
    """The media type of a file of the site."""
    return TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")


def gather(folder: Path) -> Site:
    """Put together the site that runs the model of a folder.

    Raises:
        WeightsError: the folder is not a whole model, or has no graph.
        UsageError: a model that sees no depth by itself.
        BackendError: the engine is not installed.
    """
    engine = read_engine()
    packed = packed_files(engine)
    preset = read_config(folder)
    check_sees_depth(preset, "name a depth model")
    check_weights(folder, preset)
    graph = read_graph(folder)
    engine_at = f"engine-{engine.version}"
    model_at = f"model-{hashlib.sha256(graph + preset.sha256.encode()).hexdigest()[:12]}"
    site: Site = {
        path.name: SiteFile(content=path) for path in sorted(PAGE.iterdir()) if path.is_file()
    }
    about = _about(preset, engine, engine_at, model_at)
    site["about.json"] = SiteFile(content=json.dumps(about, indent=2, sort_keys=True).encode())
    site |= {
        f"{engine_at}/{name}": SiteFile(content=path, packed=True, lasting=True)
        for name, path in packed.items()
    }
    site[f"{model_at}/{GRAPH}"] = SiteFile(content=graph, lasting=True)
    site[f"{model_at}/{WEIGHTS}"] = SiteFile(content=folder / WEIGHTS, lasting=True)
    site[SERVICE_WORKER] = _service_worker(site)
    return site


def _about(preset: Preset, engine: Engine, engine_at: str, model_at: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": featherdepth.__version__,
        "model": {
            "name": preset.name,
            "kind": preset.kind.value,
            "unit": preset.unit,
            "size": preset.size,
            "multiple": preset.multiple,
            "resize": preset.resize,
            "params": preset.params,
            "license": preset.license,
            "sha256": preset.sha256,
            "graph": f"{model_at}/{GRAPH}",
            "weights": f"{model_at}/{WEIGHTS}",
            "weights_name": WEIGHTS,
        },
        "engine": {
            "name": engine.package,
            "version": engine.version,
            "folder": f"{engine_at}/",
            "entry": {way: f"{engine_at}/{name}" for way, name in engine.entry.items()},
        },
        "colors": palette(COLORS).tobytes().hex(),
        "near_far": list(NEAR_FAR),
    }


def _service_worker(site: Site) -> SiteFile:
    """The worker with its list: another model or version is another text, which browsers notice."""
    own = site.pop(SERVICE_WORKER).plain()
    page = sorted(path for path, file in site.items() if not file.lasting)
    lasting = sorted({path.split("/")[0] + "/" for path, file in site.items() if file.lasting})
    digest = hashlib.sha256(own)
    for path in page:
        digest.update(path.encode() + site[path].plain())
    listed = {"version": digest.hexdigest()[:12], "page": ["./", *page], "lasting": lasting}
    return SiteFile(content=f"{LIST}{json.dumps(listed)};\n".encode() + own)
