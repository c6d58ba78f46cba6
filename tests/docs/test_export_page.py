"""What the page about exporting tells people to type works as it stands."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import PIL.Image
import pytest

from featherdepth.cli import main as cli
from featherdepth.images.read_depth import read_depth

DOCS = Path(__file__).parents[2] / "docs"
PAGE = "how-to/export.md"
pytestmark = pytest.mark.usefixtures("traceable")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with PIL.Image.open(DOCS / "photos" / "room_a.jpg") as photo:
        photo.resize((640, 480)).save(tmp_path / "room.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(language: str) -> list[str]:
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_programs_without_the_package_see_what_predict_sees(
    folder: Path, run_page: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_page(PAGE) == 6
    told = "room.jpg -o out --save npy --precision fp32"
    assert cli.run(["predict", *told.split()]) == 0

    assert not [code for code in blocks("python") if "featherdepth." in code]
    assert capsys.readouterr().out.count("affine_invariant (480, 640)") == 2
    expected = read_depth(folder / "out" / "room.npy").values
    for name in ("room-onnx.npy", "room-openvino.npy"):
        found = np.load(name)
        assert np.abs(found - expected).max() < 1e-3 * np.ptp(expected), name
    assert (folder / "out-onnx" / "room.png").is_file()
    assert (folder / "out-openvino" / "room.png").is_file()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake and a C++ compiler")
def test_the_program_in_cpp_sees_the_same(folder: Path) -> None:
    (folder / "depth.cpp").write_text(blocks("cpp")[0])
    (folder / "CMakeLists.txt").write_text(blocks("cmake")[0])
    where = Path(openvino.__file__).parent / "cmake"
    subprocess.run(["cmake", "-B", "build", f"-DOpenVINO_DIR={where}"], check=True)
    subprocess.run(["cmake", "--build", "build"], check=True)
    assert cli.run(["export", "small", "--to", "openvino", "--uint8-input", "-o", "s.xml"]) == 0
    with PIL.Image.open("room.jpg") as photo:
        photo.crop((0, 0, 300, 200)).save("room.ppm")

    subprocess.run(["build/depth", "s.xml", "room.ppm", "room.pfm"], check=True)

    with PIL.Image.open("room.ppm") as photo:
        pixels = np.asarray(photo)
    network = openvino.compile_model("s.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = network(pixels[None])["depth"][0, 0]
    header, data = b"Pf\n300 200\n-1.0\n", (folder / "room.pfm").read_bytes()
    assert data.startswith(header)
    found = np.frombuffer(data[len(header) :], dtype="<f4").reshape(200, 300)[::-1]
    assert np.abs(found - expected).max() < 1e-5 * np.ptp(expected)
