"""`featherdepth predict` as a person uses it: whole processes, real files, real faults."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth import api
from featherdepth.errors import UsageError
from featherdepth.images.read import read_image
from featherdepth.images.read_depth import read_depth
from featherdepth.runtime.backends import available

NOBODY = 65534


@pytest.fixture
def predict(small_model: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command on the random model at a small input size."""

    def run(
        *arguments: object, before: Callable[[], None] | None = None, **options: object
    ) -> subprocess.CompletedProcess[str]:
        flags = ["--model", small_model, "--backend", "onnx", "--threads", 1, "--size", 64]
        return subprocess.run(
            [sys.executable, "-m", "featherdepth", "predict", *map(str, [*arguments, *flags])],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=before,
            **options,  # type: ignore[call-overload]
        )

    return run


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.fixture
def photo(tmp_path: Path, photographs: list[PIL.Image.Image]) -> Path:
    photographs[0].save(tmp_path / "room.jpg")
    return tmp_path / "room.jpg"


@pytest.fixture(scope="module")
def hundred(
    tmp_path_factory: pytest.TempPathFactory, small_model: Path, mixed: tuple[Path, list[str]]
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The 100 photos, predicted."""
    out = tmp_path_factory.mktemp("hundred")
    command = ["predict", mixed[0], "-o", out, "--model", small_model, "--backend", "onnx"]
    result = subprocess.run(
        [sys.executable, "-m", "featherdepth", *map(str, command), "--size", "64", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    return out, result


def test_of_100_photos_90_are_done_and_the_10_broken_ones_listed(
    hundred: tuple[Path, subprocess.CompletedProcess[str]], mixed: tuple[Path, list[str]]
) -> None:
    out, result = hundred
    broken = mixed[1]

    assert result.returncode == 3, result.stderr
    document = json.loads(result.stdout)
    assert (document["done"], document["skipped"]) == (90, 0)
    rows = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert rows == document["failed"]
    assert sorted(Path(row["photo"]).name for row in rows) == broken
    assert all(row["error"].startswith(row["photo"]) and "\n" not in row["error"] for row in rows)
    assert "Traceback" not in result.stderr


def test_every_result_is_whole_and_of_its_photos_size(
    hundred: tuple[Path, subprocess.CompletedProcess[str]], mixed: tuple[Path, list[str]]
) -> None:
    out, _ = hundred
    sidecars = sorted(out.rglob("*.png.json"))

    assert len(sidecars) == 90
    # Three files each, the list of failures, and nothing half-written beside them.
    assert len(files_in(out)) == 3 * 90 + 1
    for sidecar in sidecars:
        source = json.loads(sidecar.read_text())["source"]
        photo = read_image(mixed[0] / source["path"])
        depth = read_depth(sidecar.with_suffix(""))
        assert depth.size == photo.photo_size == (source["height"], source["width"])
        with PIL.Image.open(str(sidecar).removesuffix(".png.json") + ".color.png") as color:
            color.load()


def test_the_tree_is_mirrored_and_equal_names_do_not_meet(
    hundred: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, _ = hundred

    assert (out / "trips" / "north").is_dir() and (out / "trips" / "photo 00 ä.png").is_file()
    # alpha.png and alpha.webp, animated.gif and animated.webp, sixteen.png and sixteen.tif
    for name in ("alpha_png", "alpha_webp", "animated_gif", "animated_webp", "sixteen_tif"):
        assert (out / "odd" / f"{name}.png").is_file()


def test_a_second_run_does_only_what_is_missing(
    hundred: tuple[Path, subprocess.CompletedProcess[str]],
    mixed: tuple[Path, list[str]],
    predict: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    out, _ = hundred
    before = files_in(out)
    whole = out / "odd" / "cmyk.png"
    whole.write_bytes(whole.read_bytes()[:-100])  # as a copy that was cut off

    result = predict(mixed[0], "-o", out, "--json")

    document = json.loads(result.stdout)
    assert (document["done"], document["skipped"], len(document["failed"])) == (1, 89, 10)
    assert files_in(out) == before


def test_one_photo_gives_a_map_a_picture_and_says_what_the_numbers_mean(
    predict: Callable[..., subprocess.CompletedProcess[str]], photo: Path
) -> None:
    result = predict(photo, cwd=photo.parent)

    assert result.returncode == 0 and result.stderr == ""
    assert "affine_invariant, depth up to an unknown scale and shift" in result.stdout
    assert "model random-small on onnx in fp32" in result.stdout
    names = ["room.color.png", "room.png", "room.png.json"]
    assert sorted(files_in(photo.parent / "depth")) == names


def test_every_format_and_option_reaches_the_files(
    predict: Callable[..., subprocess.CompletedProcess[str]], photo: Path, tmp_path: Path
) -> None:
    result = predict(
        *(photo, "-o", tmp_path / "out", "--save", "png16,npy,color,ply", "--near-far", "1,10"),
        *("--fov", 90, "--cmap", "turbo", "--side-by-side", "--out-size", "model"),
    )

    assert result.returncode == 0, result.stderr
    values = np.load(tmp_path / "out" / "room.npy")
    assert values.shape == (64, 64)
    stored = read_depth(tmp_path / "out" / "room.png")
    np.testing.assert_allclose(stored.values, values, atol=float(np.ptp(values)) / 65534)
    assert stored.intrinsics is not None and stored.intrinsics.fx == pytest.approx(32)
    cloud = (tmp_path / "out" / "room.ply").read_bytes()
    assert b"shape approximate, range assumed" in cloud
    with PIL.Image.open(tmp_path / "out" / "room.color.png") as color:
        assert color.width > 2 * color.height


def test_lists_globs_and_shards_name_the_same_photos(
    predict: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    photographs: list[PIL.Image.Image],
) -> None:
    for i in range(5):
        photographs[i].resize((80, 60)).save(tmp_path / f"{i}.jpg")
    (tmp_path / "list.txt").write_text("0.jpg\n# one is left out\n2.jpg\n")
    out = tmp_path / "out"

    listed = predict(tmp_path / "list.txt", "-o", out / "a", "--json")
    piped = predict("-", "-o", out / "b", "--json", input="1.jpg\n", cwd=tmp_path)
    shards = [
        predict(tmp_path / "*.jpg", "-o", out / "c", "--shard", f"{i}/2", "--json") for i in (1, 2)
    ]

    assert json.loads(listed.stdout)["done"] == 2
    assert json.loads(piped.stdout)["done"] == 1
    assert [json.loads(s.stdout)["done"] for s in shards] == [3, 2]
    assert len(list((out / "c").glob("*.png.json"))) == 5


def test_a_full_disk_is_one_line_and_leaves_whole_files_only(
    predict: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    photographs: list[PIL.Image.Image],
) -> None:
    photographs[0].resize((64, 48)).save(tmp_path / "a.jpg")
    photographs[1].resize((800, 600)).save(tmp_path / "b.jpg")

    result = predict(
        *(tmp_path / "a.jpg", tmp_path / "b.jpg", "-o", tmp_path / "out", "--save", "npy"),
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )

    assert result.returncode == 6
    assert result.stderr.startswith("featherdepth: cannot write") and result.stderr.count("\n") == 1
    assert "b.npy: File too large" in result.stderr
    assert sorted(files_in(tmp_path / "out")) == ["a.npy", "a.npy.json"]
    assert np.load(tmp_path / "out" / "a.npy").shape == (48, 64)
    again = predict(tmp_path / "a.jpg", tmp_path / "b.jpg", "-o", tmp_path / "out", "--save", "npy")
    assert "1 done, 1 skipped" in again.stdout


@pytest.fixture
def public(small_model: Path, photo: Path) -> Iterator[Path]:
    """A folder that every user may enter, with a photo, a model and a read-only folder in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(photo, folder)
        shutil.copytree(small_model, folder / "model")
        (folder / "out").mkdir()
        (folder / "out" / "kept.txt").write_text("mine")
        (folder / "out").chmod(0o555)
        yield folder
        (folder / "out").chmod(0o755)


def test_a_read_only_folder_is_one_line_for_an_ordinary_user(public: Path) -> None:
    # Everything is imported before the user changes: theirs may not be allowed to read it.
    code = (
        "import os\n"
        "from featherdepth.cli.main import run\n"
        "flags = ['--model', 'model', '--backend', 'onnx', '--size', '64', '--threads', '1']\n"
        "assert run(['predict', 'room.jpg', '-o', 'tried', *flags, '--json']) == 0\n"
        f"if os.geteuid() == 0: os.setuid({NOBODY})\n"
        "raise SystemExit(run(['predict', 'room.jpg', '-o', 'out', *flags]))"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=public
    )

    assert result.returncode == 6, result.stderr
    assert "Permission denied" in result.stderr and result.stderr.count("\n") == 1
    assert files_in(public / "out") == {"kept.txt": b"mine"}


@pytest.mark.skipif(os.name != "posix", reason="sends the signals of Ctrl-C and kill -9")
@pytest.mark.parametrize(("how", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGKILL", -9)])
def test_killed_in_the_middle_it_leaves_whole_files_and_goes_on(
    how: str,
    code: int,
    small_model: Path,
    mixed: tuple[Path, list[str]],
    predict: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    program = """
import signal
from featherdepth.cli.main import main
# A process in the background of a script begins with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
    command = [sys.executable, "-c", program, "predict", mixed[0] / "trips", "-o", out]
    command += ["--model", small_model, "--backend", "onnx", "--size", "64"]
    process = subprocess.Popen([str(part) for part in command])
    while len(list(out.rglob("*.png.json"))) < 5:
        time.sleep(0.01)
        assert process.poll() is None, "finished before it could be stopped"
    process.send_signal(getattr(signal, how))
    assert process.wait() == code
    if how != "SIGKILL":
        assert {path.suffix for path in out.rglob("*") if path.is_file()} == {".png", ".json"}

    result = predict(mixed[0] / "trips", "-o", out, "--json")

    document = json.loads(result.stdout)
    assert document["skipped"] >= 4 and document["done"] + document["skipped"] == 69
    for path in out.rglob("*.png"):
        with PIL.Image.open(path) as picture:
            picture.load()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nope.jpg"], 3, "nope.jpg: not found"),
        (["room.jpg", "--save", "jpg"], 2, "unknown format 'jpg'"),
        (["room.jpg", "--save", "ply"], 2, "needs a stated range, such as --near-far 1,10"),
        (["room.jpg", "--near-far", "1"], 2, "expected 2 numbers"),
        (["room.jpg", "--intrinsics", "1,2"], 2, "expected 4 numbers"),
        (["room.jpg", "--shard", "3/2"], 2, "expected i/n"),
        (["room.jpg", "--engine", "spark"], 2, "engine 'spark' is unknown; expected local or ray"),
        (["room.jpg", "--workers", "2"], 2, "are of a cluster; add --engine ray"),
        (["room.jpg", "--engine", "ray", "--workers", "0"], 2, "workers is 0"),
        (["room.jpg", "--precision", "bf16"], 5, "computes in fp32 or int8, not bf16"),
        (["room.jpg", "--out", "room.jpg/deep"], 6, "room.jpg"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_its_exit_code(
    arguments: list[str],
    code: int,
    words: str,
    photo: Path,
    predict: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    before = files_in(photo.parent)

    result = predict(*arguments, cwd=photo.parent)

    assert (result.returncode, result.stdout) == (code, ""), result.stderr
    assert words in result.stderr and result.stderr.count("\n") == 1
    assert files_in(photo.parent) == before


def test_predicting_loads_nothing_heavy(small_model: Path, photo: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from featherdepth.cli.main import run\n"
        f"code = run(['predict', {str(photo)!r}, '-o', {str(tmp_path / 'out')!r}, '--model',"
        f" {str(small_model)!r}, '--backend', 'onnx', '--size', '64'])\n"
        "heavy = {'torch', 'scipy', 'cv2', 'openvino', 'onnx', 'pandas', 'matplotlib'}\n"
        "heavy.add('featherdepth.runtime.predict_work')  # tars and clusters: 20 ms\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
        "sys.exit(code)"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert (result.returncode, result.stderr) == (0, "[]\n")


def test_a_folder_predicted_twice_into_itself_keeps_its_photos(predict, photo, tmp_path):
    out = tmp_path / "depth"
    for where in (out, tmp_path):
        first = predict(tmp_path, "-o", where, "--json")
        second = predict(tmp_path, "-o", where, "--json")

        assert json.loads(first.stdout)["done"] == 1
        assert (json.loads(second.stdout)["done"], json.loads(second.stdout)["skipped"]) == (0, 1)


def test_names_that_are_not_text_or_command_the_terminal_are_shown(predict, photo, tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    shutil.copy(photo, folder / "room.jpg")
    (folder / "\x1b[31mred\n.jpg").write_bytes(b"no photo")
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}

    result = predict(folder, "-o", folder / "out", env=strict)

    assert result.returncode == 3
    assert r"\x1b[31mred .jpg: is not a photo" in result.stdout + result.stderr
    assert "\x1b" not in result.stdout + result.stderr
    assert r"caf\udce9/out: 1 done, 1 failed" in result.stdout
    assert (folder / "out" / "room.png").is_file()


def test_in_python_photos_may_come_from_an_iterator(small_model, photo, tmp_path):
    photos = tmp_path.glob("*.jpg")

    result = api.predict(photos, tmp_path / "out", model=small_model, backend="onnx", size=64)

    assert (result["done"], (tmp_path / "out" / "room.png").is_file()) == (1, True)


@pytest.mark.parametrize("shard", [(0, 2), (3, 2), (1, 0)])
def test_a_shard_that_there_is_not_is_refused_in_python(photo, tmp_path, shard):
    verbs = (
        lambda: api.predict(photo, tmp_path, shard=shard),
        lambda: api.label(tmp_path, tmp_path / "maps", teacher="small", shard=shard),
        lambda: api.evaluate(tmp_path, model="constant", shard=shard),
    )
    for verb in verbs:
        with pytest.raises(UsageError, match=r"expected \(i, n\) with i from 1 to n"):
            verb()


def test_one_photo_goes_to_the_file_that_is_named(predict, photo, tmp_path):
    for name in ("new/map.png", "map.npy", "map.color.png"):
        result = predict(photo, "-o", tmp_path / name)

        assert result.stdout.startswith(f"{tmp_path / name}: 1 done")
        assert (tmp_path / name).is_file()
    assert read_depth(tmp_path / "new" / "map.png").size == read_image(photo).size
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["map.png", "map.png.json"]


@pytest.mark.parametrize(
    ("inputs", "out", "said"),
    [
        (["room.jpg"], "map.jpg", "depth is not written so"),
        (["room.jpg"], "map.exr", "depth is not written so"),
        (["room.jpg", "drawn.png"], "map.png", "one file, but not for one photo"),
        (["drawn.png"], "drawn.png", "drawn.png: would be overwritten"),
        (["drawn.png"], ".", "drawn.png: would be overwritten"),
        (["link.png"], ".", "link.png: would be overwritten"),
        (["photos.tar"], ".", "photos.tar: would be overwritten"),
        (["room.jpg"], ".", "room.png: is there already and no result"),
        (["room.jpg", "--save", "npy"], "map.png", "map.png: is png16, not npy"),
        (["photos.tar"], "packs", "photos.tar: is there already and no result"),
        (["photos.tar"], "marks", "photos.json: is there already and no result"),
    ],
)
def test_nothing_of_other_people_is_overwritten(predict, photo, tmp_path, inputs, out, said):
    drawn = PIL.Image.open(photo)
    drawn.save(tmp_path / "drawn.png")
    drawn.save(tmp_path / "room.png")
    (tmp_path / "link.png").symlink_to("drawn.png")
    with tarfile.open(tmp_path / "photos.tar", "w") as tar:
        tar.add(photo, "room.jpg")
    for name in ("packs/photos.tar", "marks/photos.json"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text('{"mine": 1}')
    before = files_in(tmp_path)

    result = predict(*inputs, "-o", out, cwd=tmp_path)

    assert result.returncode == 2
    assert said in result.stderr
    assert files_in(tmp_path) == before


def test_what_one_photo_is_too_much_for_is_listed_and_the_rest_goes_on(predict, photo, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / f"{'x' * 248}.jpg").write_bytes(photo.read_bytes())
    (folder / "room.jpg").write_bytes(photo.read_bytes())

    result = predict(folder, "-o", tmp_path / "out")

    assert result.returncode == 3
    assert "1 done, 1 failed" in result.stdout and "File name too long" in result.stdout


@pytest.mark.parametrize("backend", ["onnx", "openvino", "torch"])
def test_out_of_memory_is_one_line_a_photo(backend, small_model, photo, tmp_path):
    if not available(backend):
        pytest.skip(f"{backend} is not installed")
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30));"
        " from featherdepth.cli import main; sys.exit(main.run(sys.argv[1:]))"
    )
    out, size = tmp_path / "out", ("--size", "8192x8192")
    command = ["predict", photo, "-o", out, "--model", small_model, "--backend", backend, *size]

    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 3, result.stderr
    assert "room.jpg: " in result.stdout and result.stdout.count("use a smaller --size") == 1
    assert result.stderr.count("\n") <= 1, result.stderr


def test_a_photo_that_fails_alone_leaves_nothing_behind(predict, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    (tmp_path / "failures.jsonl").write_text("of another run")

    result = predict(tmp_path / "broken.jpg", "-o", tmp_path / "map.png")

    assert result.returncode == 3
    assert "broken.jpg: is not a photo" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.jpg", "failures.jsonl"]
