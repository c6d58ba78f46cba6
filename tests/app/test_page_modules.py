"""Modules of the page, run by themselves: what a browser is not needed for."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from featherdepth.app.site import PAGE, Site
from featherdepth.images.read_depth import read_depth

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")


def run(program: str, folder: Path) -> str:
    """What a program beside the page's modules prints."""
    for path in PAGE.glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "main.js").write_text(program)
    done = subprocess.run(
        [str(NODE), "main.js"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_worker_that_saw_no_photo_saves_the_map_of_another(site: Site, tmp_path: Path) -> None:
    about = site["about.json"].plain().decode()
    result = {
        "height": 2,
        "width": 3,
        "inputSize": [64, 64],
        "backend": "webgpu",
        "photoSize": {"height": 4, "width": 6},
        "name": "room.jpg",
    }

    told = run(
        f"""
        import {{ writeFileSync }} from "node:fs";
        globalThis.self = globalThis;
        const answered = new Promise((give) => (self.postMessage = give));
        await import("./worker.js");
        const values = Float32Array.of(1, 2, 3, 4, 5, 6);
        const result = {{ values, ...{json.dumps(result)} }};
        self.onmessage({{ data: {{ id: 7, action: "save", about: {about}, result }} }});
        const {{ id, answer, error }} = await answered;
        if (answer) writeFileSync("saved.png", Buffer.from(await answer.file.arrayBuffer()));
        console.log(id, error ?? "saved");
        """,
        tmp_path,
    )

    assert told == "7 saved"
    depth = read_depth(tmp_path / "saved.png")
    assert depth.size == (4, 6) and depth.provenance.backend == "browser, webgpu"
    assert float(depth.values.min()) == pytest.approx(1, abs=1e-3)


def test_a_network_that_is_closed_answers_those_who_wait(tmp_path: Path) -> None:
    told = run(
        """
        globalThis.Worker = class { postMessage() {} terminate() {} };
        const { Network } = await import("./network.js");
        const network = new Network();
        const asked = Promise.allSettled([network.load({}, "wasm"), network.save({}, {})]);
        network.close();
        for (const { status, reason } of await asked) console.log(status, reason?.message);
        """,
        tmp_path,
    )

    line = "rejected the network was closed before it was done; try again"
    assert told.splitlines() == [line, line]


@pytest.mark.parametrize(
    ("height", "width", "seen"), [(6000, 8000, "3464 4618"), (480, 640, "480 640")]
)
def test_a_photo_comes_with_its_own_size_however_small_its_copy(
    height: int, width: int, seen: str, tmp_path: Path
) -> None:
    told = run(
        f"""
        globalThis.createImageBitmap = async (source, options) => ({{
          height: options.resizeHeight ?? {height},
          width: options.resizeWidth ?? {width},
          close() {{}},
        }});
        const {{ readPhoto }} = await import("./photo.js");
        const {{ bitmap, size }} = await readPhoto({{ size: 10, name: "a.jpg" }});
        console.log(bitmap.height, bitmap.width, size.height, size.width);
        """,
        tmp_path,
    )

    assert told == f"{seen} {height} {width}"


def test_a_map_beyond_what_the_browser_can_hold_is_told(site: Site, tmp_path: Path) -> None:
    about = site["about.json"].plain().decode()

    told = run(
        f"""
        globalThis.self = globalThis;
        const answered = new Promise((give) => (self.postMessage = give));
        await import("./worker.js");
        const photoSize = {{ height: 200_000, width: 200_000 }};
        const result = {{ values: Float32Array.of(1, 2), height: 1, width: 2, photoSize }};
        self.onmessage({{ data: {{ id: 7, action: "save", about: {about}, result }} }});
        console.log((await answered).error);
        """,
        tmp_path,
    )

    assert told == "no memory for a map of 200000 x 200000 pixels; take a smaller photo"
