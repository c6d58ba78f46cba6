"""The page's files are gathered whole, and tell the page the truth about its model."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from featherdepth.app.engine import PACKED, read_engine
from featherdepth.app.server import POLICY
from featherdepth.app.site import PAGE, Site, gather
from featherdepth.errors import BackendError, UsageError, WeightsError
from featherdepth.images.palettes import palette
from featherdepth.networks.folder import read_config
from featherdepth.runtime.presets import embedded_folder


def told(site: Site) -> dict:
    return json.loads(site["about.json"].plain())


def test_the_page_is_told_what_the_model_is(site: Site, small: Path) -> None:
    about, preset = told(site), read_config(small)

    model = about["model"]
    assert (model["name"], model["kind"], model["unit"]) == ("small", "affine_invariant", None)
    assert (model["size"], model["multiple"], model["resize"]) == (288, 64, "keep")
    assert (model["sha256"], model["params"]) == (preset.sha256, preset.params)
    assert site[model["weights"]].plain() == (small / "model.safetensors").read_bytes()
    assert site[model["graph"]].plain() == (small / "model.onnx").read_bytes()
    assert about["near_far"] == [1, 10]


def test_its_colors_are_those_of_the_package(site: Site) -> None:
    colors = bytes.fromhex(told(site)["colors"])

    table = palette("Spectral_r")
    assert colors == b"".join(bytes(row.tolist()) for row in table)
    assert colors[:3] == bytes.fromhex("5e4fa2")  # far is cold
    assert colors[-3:] == bytes.fromhex("9e0142")  # near is warm


def test_the_engine_lies_where_the_page_is_told(site: Site) -> None:
    engine = told(site)["engine"]

    for way, name in {"wasm": "ort.wasm.min.mjs", "webgpu": "ort.webgpu.min.mjs"}.items():
        assert engine["entry"][way] == engine["folder"] + name
        assert site[engine["entry"][way]].plain().startswith(b"the file " + name.encode())
    assert engine["folder"] == f"engine-{read_engine().version}/"


def test_what_never_changes_is_named_by_its_content(
    site: Site, small: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(small, tmp_path / "other")
    graph = other / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")

    assert told(gather(other))["model"]["weights"] != told(site)["model"]["weights"]


def test_the_service_worker_keeps_the_page_and_changes_with_it(
    site: Site, small: Path, tmp_path: Path
) -> None:
    text = site["service-worker.js"].plain().decode()
    first, _, rest = text.partition("\n")
    listed = json.loads(first.removeprefix("const SITE = ").removesuffix(";"))
    other = shutil.copytree(small, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "name": "mine"}))

    page = {path for path, file in site.items() if not file.lasting} - {"service-worker.js"}
    assert set(listed["page"]) == page | {"./"}
    assert {"index.html", "app.js", "worker.js", "about.json"} <= page
    lasting = [path for path, file in site.items() if file.lasting]
    assert all(path.startswith(tuple(listed["lasting"])) for path in lasting)
    assert rest.encode() == (PAGE / "service-worker.js").read_bytes()
    assert gather(other)["service-worker.js"].plain() != text.encode()


def test_a_model_that_only_completes_is_refused(vendor: Path) -> None:
    with pytest.raises(UsageError, match="completes measured points"):
        gather(embedded_folder("completion"))


def test_a_model_without_a_graph_or_with_other_weights_is_refused(
    vendor: Path, small: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(small, tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x55")
    with pytest.raises(WeightsError, match="damaged or of another model"):
        gather(broken)

    shutil.copy(small / "model.safetensors", weights)
    (broken / "model.onnx").unlink()
    with pytest.raises(WeightsError, match=r"has no model\.onnx"):
        gather(broken)


def test_without_the_engine_it_says_what_to_do(vendor: Path, small: Path) -> None:
    (vendor / f"ort-wasm-simd-threaded.wasm{PACKED}").unlink()

    with pytest.raises(BackendError, match=r"onnxruntime-web .* run make app"):
        gather(small)


def test_the_page_names_no_other_place(site: Site) -> None:
    own = [path for path in site if not site[path].lasting and path != "licenses.txt"]

    for path in own:
        content = site[path].plain().replace(b"http://www.w3.org/2000/svg", b"")
        assert not re.search(rb"(https?:)?//[a-z]", content.replace(b"// ", b"")), path


class Tags(HTMLParser):
    """The attributes of each tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_folder_has_the_policy_of_the_server(site: Site) -> None:
    tags = Tags(site["index.html"].plain().decode()).found

    policies = [a["content"] for t, a in tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    assert "connect-src 'self'" in POLICY and "http" not in POLICY


def test_what_the_page_refers_to_is_there(site: Site) -> None:
    tags = Tags(site["index.html"].plain().decode()).found
    named = {a[key] for _, a in tags for key in ("src", "href") if key in a}
    for path, file in site.items():
        if path.endswith(".js") and not file.lasting:
            named |= set(re.findall(r'"\./([\w.-]+)"', file.plain().decode()))

    assert named - {""} <= set(site)
    assert {"app.js", "style.css", "worker.js", "resize.js", "service-worker.js"} <= named
