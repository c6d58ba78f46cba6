"""Kept predictions come back as they were, or are refused."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation_scenes import depth
from featherdepth.errors import InputError, RunError
from featherdepth.evaluation import about
from featherdepth.evaluation.about import About
from featherdepth.evaluation.kept import KeptPredictions
from featherdepth.metrics.scores import PredictionError
from featherdepth.types import Depth, DepthKind

ABOUT = About(model="m", data="rooms", split=None, protocol="aligned")


@pytest.fixture
def kept(tmp_path: Path) -> KeptPredictions:
    return KeptPredictions.begin(tmp_path / "kept", ABOUT)


@pytest.mark.parametrize("kind", list(DepthKind))
def test_a_prediction_comes_back_to_the_last_bit(kept: KeptPredictions, kind: DepthKind) -> None:
    values = np.random.default_rng(0).normal(0, 1e5, (5, 7)).astype(np.float32)

    kept.write("a/b", depth(values, kind))
    found = KeptPredictions.open(kept.folder).read("a/b")

    assert (found.values == values).all()
    assert found.valid.all()
    assert found.kind is kind


def test_holes_stay_holes(kept: KeptPredictions) -> None:
    valid = np.array([[True, False]])
    prediction = Depth(
        values=np.array([[2, 0]], dtype=np.float32), valid=valid, kind=DepthKind.METRIC
    )

    kept.write("a", prediction)

    assert (kept.read("a").valid == valid).all()
    assert kept.read("a").values.tolist() == [[2, 0]]


def test_keys_that_look_alike_as_file_names_are_kept_apart(kept: KeptPredictions) -> None:
    for number, key in enumerate(("a/b", "a-b", "a b", "../../a-b", "A/b", "caf\udce9")):
        kept.write(key, depth(np.full((1, 2), float(number))))

    assert kept.read("a/b").values[0, 0] == 0
    assert kept.read("../../a-b").values[0, 0] == 3
    assert kept.read("caf\udce9").values[0, 0] == 5  # as Python names what is no UTF-8
    assert len(list(kept.folder.iterdir())) == 7
    assert {path.parent for path in kept.folder.parent.rglob("*.safetensors")} == {kept.folder}


def test_an_image_without_prediction_is_an_input_error_and_a_torn_one_a_faulty_prediction(
    kept: KeptPredictions,
) -> None:
    kept.write("a", depth(np.ones((4, 4))))
    (path,) = kept.folder.glob("*.safetensors")

    with pytest.raises(InputError, match="no prediction of b") as raised:
        kept.read("b")
    assert not isinstance(raised.value, PredictionError)
    whole = path.read_bytes()
    for torn in (
        whole[:-5],
        b"",
        b"\xff" * 20,
        whole.replace(b'\\"key\\": \\"a', b'\\"key\\": \\"c'),
    ):
        path.write_bytes(torn)
        with pytest.raises(PredictionError, match="damaged"):
            kept.read("a")


def test_a_folder_of_something_else_or_of_another_model_is_refused(
    kept: KeptPredictions, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("mine")

    for taken in (tmp_path / "full", tmp_path / "full" / "a.txt"):
        with pytest.raises(RunError, match="holds something else; name a new or empty folder"):
            KeptPredictions.begin(taken, ABOUT)
    other = About(model="n", data="rooms", split=None, protocol="aligned")
    with pytest.raises(RunError, match="predictions of model 'm', not 'n'; name another"):
        KeptPredictions.begin(kept.folder, other)
    assert KeptPredictions.begin(kept.folder, ABOUT).about == ABOUT


def test_runs_that_begin_one_folder_at_once_all_get_it(tmp_path: Path) -> None:
    count = 8
    start = threading.Barrier(count)

    def begin(number: int, folder: Path) -> None:
        start.wait()
        KeptPredictions.begin(folder, ABOUT).write(str(number), depth(np.ones((2, 2))))

    with ThreadPoolExecutor(count) as pool:
        for turn in range(20):
            folder = tmp_path / str(turn)
            list(pool.map(begin, range(count), [folder] * count))

            assert len(list(folder.glob("*.safetensors"))) == count


def test_a_run_that_began_while_another_looked_is_no_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = about._holds_others

    def overtaken(folder: Path) -> bool:
        monkeypatch.setattr(about, "_holds_others", look)
        KeptPredictions.begin(folder, ABOUT).write("theirs", depth(np.ones((2, 2))))
        return look(folder)

    monkeypatch.setattr(about, "_holds_others", overtaken)

    KeptPredictions.begin(tmp_path, ABOUT).write("mine", depth(np.ones((2, 2))))

    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_what_a_kill_left_half_written_does_not_block_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".0123456789ab.part").write_bytes(b"half")

    assert KeptPredictions.begin(tmp_path, ABOUT).about == ABOUT
    (tmp_path / "predictions.json").unlink()
    (tmp_path / "mine.part").write_text("no file of ours")
    with pytest.raises(RunError, match="holds something else"):
        KeptPredictions.begin(tmp_path, ABOUT)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sha256", "cd", "'cd'"),
        ("precision", "int8", "'int8'"),
        ("size", 128, "128"),
        ("size", None, "the model's own size"),
        ("split", "val", "'val'"),
    ],
)
def test_predictions_of_other_weights_precision_or_size_are_not_mixed(
    tmp_path: Path, name: str, value: object, words: str
) -> None:
    said = replace(ABOUT, sha256="ab", precision="fp32", size=(192, 256))
    assert KeptPredictions.begin(tmp_path, said).about == said
    assert KeptPredictions.begin(tmp_path, said).about == said

    with pytest.raises(RunError, match=rf"predictions of .*{name}.*, not {words}; name another"):
        KeptPredictions.begin(tmp_path, replace(said, **{name: value}))


def test_the_own_size_of_a_model_is_named(tmp_path: Path) -> None:
    said = replace(ABOUT, sha256="ab", precision="fp32")
    KeptPredictions.begin(tmp_path, said)

    with pytest.raises(RunError, match="predictions of the model's own size, not 64; name"):
        KeptPredictions.begin(tmp_path, replace(said, size=64))


def test_a_folder_of_an_older_version_that_says_less_is_read_and_gone_on_with(
    tmp_path: Path,
) -> None:
    said = {"data": "rooms", "model": "m", "protocol": "aligned", "split": None}
    text = json.dumps({**said, "format": "featherdepth-predictions-1"})
    (tmp_path / "predictions.json").write_text(text)

    assert KeptPredictions.open(tmp_path).about == ABOUT
    now = replace(ABOUT, sha256="ab", precision="fp32", size=128)
    assert KeptPredictions.begin(tmp_path, now).about == ABOUT


def test_a_folder_that_was_not_kept_is_refused(kept: KeptPredictions, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no predictions.json; expected a folder of evaluate"):
        KeptPredictions.open(tmp_path)
    path = kept.folder / "predictions.json"
    path.write_text(json.dumps({"format": "x"}))
    with pytest.raises(InputError, match="format 'x'; expected"):
        KeptPredictions.open(kept.folder)
    known = {"data": "d", "model": "m", "protocol": "p"}
    for wrong in ({"model": 3}, {"size": "big"}, {"size": [1, 2, 3]}, {"sha256": 1}):
        path.write_text(json.dumps({"format": "featherdepth-predictions-1", **known, **wrong}))
        with pytest.raises(InputError, match="damaged"):
            KeptPredictions.open(kept.folder)
