"""OpenVINO reports nothing and leaves nothing behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from featherdepth.runtime.intel import load_openvino

pytest.importorskip("openvino")

ROOMS = (
    "featherdepth.runtime.backends.openvino",
    "featherdepth.evaluation.speed.limit",
    "featherdepth.export.openvino",
)
SAY = "import sys; print([m for m in sys.modules if m.startswith('openvino_telemetry')])"


def run(code: str, home: Path) -> str:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_loads_its_telemetry(tmp_path: Path, room: str) -> None:
    code = f"import {room} as room; getattr(room, 'load_openvino')(); {SAY}"

    assert run(code, tmp_path) == "[]\n"
    assert list(tmp_path.iterdir()) == []


def test_alone_it_would(tmp_path: Path) -> None:
    """Otherwise the test above cannot fail."""
    pytest.importorskip("openvino_telemetry")
    assert "openvino_telemetry" in run(f"import openvino; {SAY}", tmp_path)


def test_what_was_hidden_can_be_imported_afterwards() -> None:
    load_openvino()

    assert sys.modules.get("openvino_telemetry", "") is not None


def test_the_converter_comes_when_somebody_asks_for_it(tmp_path: Path) -> None:
    code = (
        "import sys; from featherdepth.runtime.intel import load_openvino; load_openvino();"
        " print('openvino.tools.ovc' in sys.modules);"
        " from openvino import convert_model; import openvino; print(callable(convert_model));"
        f" print(hasattr(openvino, 'nothing')); {SAY}"
    )

    assert run(code, tmp_path).split("\n")[:4] == ["False", "True", "False", "[]"]
    assert list(tmp_path.iterdir()) == []
