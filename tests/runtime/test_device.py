"""Where a model computes: the CPU with any backend, other devices with torch's."""

from pathlib import Path

import numpy as np
import pytest

from featherdepth import api
from featherdepth.cli.main import run as command
from featherdepth.errors import BackendError, FeatherDepthError, UsageError
from featherdepth.runtime.model import DepthModel

PHOTO = Path(__file__).parents[2] / "docs" / "photos" / "coffee.jpg"


def test_the_cpu_by_name_changes_nothing() -> None:
    named, usual = (DepthModel.from_pretrained("fast", device=d) for d in ("cpu", None))

    assert (named.backend, named.precision) == (usual.backend, usual.precision)
    assert named.backend != "torch"


def test_another_device_takes_torch_in_full_precision() -> None:
    there = DepthModel.from_pretrained("fast", device="cpu:0")  # a name of torch's alone
    usual = DepthModel.from_pretrained("fast", backend="torch")

    assert (there.backend, there.precision) == ("torch", "fp32")
    np.testing.assert_array_equal(there.infer(PHOTO).values, usual.infer(PHOTO).values)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"device": "cuda:99"}, BackendError, "torch sees no such device here"),
        ({"device": "banana"}, UsageError, "device 'banana' is unknown"),
        ({"device": "cuda", "backend": "onnx"}, UsageError, "'onnx' runs on the CPU, not on cuda"),
        ({"device": "mps", "precision": "int8"}, BackendError, "runs fp32 or bf16, not int8"),
    ],
)
def test_a_device_that_cannot_be_is_refused(
    given: dict[str, str], error: type[FeatherDepthError], said: str
) -> None:
    with pytest.raises(error, match=said):
        DepthModel.from_pretrained("fast", **given)


def test_an_exported_file_runs_on_the_cpu(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(b"not looked at")

    with pytest.raises(UsageError, match=r"m\.onnx: runs on the CPU, not on cuda"):
        DepthModel.from_pretrained(file, device="cuda")


@pytest.mark.parametrize("verb", ["predict", "complete"])
def test_commands_refuse_a_device_that_is_not_there(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = tmp_path / "points.csv"
    points.write_text("10,10,1.5\n200,150,3.0\n")
    inputs = [str(PHOTO), *([str(points)] if verb == "complete" else [])]

    code = command([verb, *inputs, "-o", str(tmp_path / "out"), "--device", "cuda:99"])

    assert code == BackendError.exit_code
    assert "device 'cuda:99': torch sees no such device here" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_cluster_predicts_on_cpus(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="predicts on CPUs; leave --device out"):
        api.predict(PHOTO, tmp_path / "out", engine="ray", device="cuda")
