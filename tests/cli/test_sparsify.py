"""`sparsify` from the command line: files that read back, exit codes, one line for each fault."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.cli import main as cli
from featherdepth.data.sparse import read_sparse
from featherdepth.images.read_depth import read_depth
from featherdepth.images.write import save
from featherdepth.types import Depth, DepthKind, Intrinsics

SIZE = (60, 80)
CAMERA = Intrinsics(fx=70.0, fy=71.0, cx=40.0, cy=30.0, width=80, height=60, source="given")


def map_of(far: float = 4.0, kind: DepthKind = DepthKind.METRIC) -> Depth:
    values = np.linspace(1, far, 4800, dtype=np.float32).reshape(SIZE)
    return Depth(values=values, valid=values > 0, kind=kind, intrinsics=CAMERA)


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """Two maps of ours in folders with a color picture, and two files that are no depth."""
    folder = tmp_path / "maps"
    (folder / "trip").mkdir(parents=True)
    save(map_of(), folder / "a.png")
    save(map_of(), folder / "a.color.png", format="color")
    save(map_of(3.0), folder / "trip" / "b.npy")
    PIL.Image.new("L", (80, 60), 9).save(folder / "grey.png")
    (folder / "text.png").write_text("no map")
    return folder


def run(*arguments: object) -> int:
    return cli.run(["sparsify", *map(str, arguments)])


def test_a_folder_is_mirrored_and_what_is_no_map_is_listed(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"

    code = run(maps, "-p", "uniform-100", "-o", out)

    said = capsys.readouterr()
    assert (code, said.err) == (3, "")
    lines = said.out.splitlines()
    assert "grey.png: holds a L picture" in lines[0] and "text.png: is not a photo" in lines[1]
    assert lines[2] == (
        f"{out}: 2 done, 200 points by uniform-100, seed 0, 2 failed (see {out}/failures.jsonl)"
    )
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert found == ["a.png", "a.png.json", "failures.jsonl", "trip/b.png", "trip/b.png.json"]
    rows = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert [Path(row["depth"]).name for row in rows] == ["grey.png", "text.png"]


def test_what_was_written_is_the_truth_at_the_samples(maps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    code = run(maps / "a.png", "-p", "lines-16", "-o", out, "--save", "png16,npy,csv")

    truth = read_depth(maps / "a.png")
    read = [read_sparse(out / f"a.{suffix}", size=SIZE) for suffix in ("png", "npy", "csv")]
    assert code == 0
    for sparse in read:
        np.testing.assert_array_equal(sparse.valid, read[0].valid)
        np.testing.assert_allclose(
            sparse.values[sparse.valid], truth.values[sparse.valid], atol=0.0005 + 1e-6
        )
    np.testing.assert_array_equal(read[1].values, read[2].values)
    assert read[0].intrinsics == read[1].intrinsics == CAMERA
    sidecar = json.loads((out / "a.png.json").read_text())
    assert sidecar["encoding"]["scale"] == 1000
    assert sidecar["sparse"] == {
        "pattern": "lines-16",
        "points": int(read[0].valid.sum()),
        "seed": 0,
    }


def test_csv_lines_are_column_row_metres(maps: Path, tmp_path: Path) -> None:
    run(maps / "a.png", "-p", "uniform-3", "-o", tmp_path / "a.csv")

    header, *lines = (tmp_path / "a.csv").read_text().splitlines()
    truth = read_depth(maps / "a.png")
    assert header == "u,v,metres" and len(lines) == 3
    for line in lines:
        u, v, metres = line.split(",")
        assert np.float32(metres) == truth.values[int(v), int(u)]


def test_one_map_goes_into_one_file_of_any_format(maps: Path, tmp_path: Path) -> None:
    for name in ("s.png", "s.npy", "s.csv"):
        assert run(maps / "a.png", "-p", "uniform-50", "-o", tmp_path / name) == 0
        assert read_sparse(tmp_path / name, size=SIZE).valid.sum() == 50


def test_photos_and_files_of_others_stay(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    (photos / "trip").mkdir(parents=True)
    for name in ("a.png", "trip/b.png"):
        PIL.Image.new("RGB", (80, 60)).save(photos / name)
    (tmp_path / "mine.csv").write_text("u,v,metres\n3,4,2.5\n")
    (tmp_path / "failures.jsonl").write_text("of another program\n")
    kept = [photos / "a.png", tmp_path / "mine.csv", tmp_path / "failures.jsonl"]
    before = [path.read_bytes() for path in kept]
    one = (maps / "a.png", "-p", "uniform-50")

    assert run(maps, *one[1:], "--photos", photos, "-o", photos, "--overwrite") == 2
    assert "a.png: would be overwritten" in capsys.readouterr().err
    for out in (photos, tmp_path / "mine.csv", tmp_path):
        assert run(*one, "-o", out) == 2
        assert "is there already and no result" in capsys.readouterr().err
    assert [path.read_bytes() for path in kept] == before
    for _ in ("replaced where it is said", "its own is replaced anyway"):
        assert run(*one, "-o", tmp_path / "new.csv") == 0
    assert run(*one, "-o", tmp_path / "mine.csv", "--overwrite") == 0


def test_the_draw_hangs_on_seed_and_name_and_on_nothing_beside(maps: Path, tmp_path: Path) -> None:
    for out, inputs, seed in (
        ("one", maps / "a.png", 5),
        ("all", maps, 5),
        ("other", maps / "a.png", 6),
    ):
        run(inputs, "-p", "uniform-50", "-o", tmp_path / out, "--seed", seed)

    first, again, other = (
        read_sparse(tmp_path / out / "a.png", size=SIZE).valid for out in ("one", "all", "other")
    )
    second = read_sparse(tmp_path / "all" / "trip" / "b.png", size=SIZE).valid
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and (first != second).any()


def test_a_second_run_writes_the_same_bytes_and_clears_old_failures(
    maps: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(maps, "-p", "holes+gauss-0.02", "-o", out)
    before = (out / "a.png").read_bytes()
    for name in ("grey.png", "text.png"):
        (maps / name).unlink()

    code = run(maps, "-p", "holes+gauss-0.02", "-o", out)

    assert code == 0 and (out / "a.png").read_bytes() == before
    assert not (out / "failures.jsonl").exists()
    assert not list(out.rglob("*.part"))


def test_a_foreign_png_takes_its_scale_and_its_camera(tmp_path: Path) -> None:
    codes = np.full(SIZE, 5 * 256, dtype=np.uint16)
    PIL.Image.fromarray(codes).save(tmp_path / "velodyne.png")

    code = run(
        tmp_path / "velodyne.png",
        *("-p", "keep-lines-16", "-o", tmp_path / "s.npy"),
        *("--depth-scale", "256", "--intrinsics", "70,71,40,30"),
    )

    sparse = read_sparse(tmp_path / "s.npy", size=SIZE)
    assert code == 0 and sparse.intrinsics == CAMERA
    assert (sparse.values[sparse.valid] == 5).all()
    assert 0.15 < sparse.valid.mean() < 0.35


def test_a_map_that_does_not_fit_the_scale_is_listed_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    save(map_of(), tmp_path / "maps" / "a.png")  # says its scale itself
    PIL.Image.fromarray(np.full(SIZE, 2000, np.uint16)).save(tmp_path / "maps" / "b.png")

    code = run(tmp_path / "maps", "-p", "all", "-o", tmp_path / "out", "--depth-scale", "1000")

    assert code == 3
    assert "a.png: says itself" in (tmp_path / "out" / "failures.jsonl").read_text()
    assert (read_depth(tmp_path / "out" / "b.png").values == 2).all()


def test_photos_of_the_same_names_serve_the_patterns_that_look(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    blocks = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    pixels = blocks.repeat(10, axis=0).repeat(10, axis=1)
    PIL.Image.fromarray(pixels).save(photos / "a.jpg", quality=95)
    for name in ("grey.png", "text.png"):
        (maps / name).unlink()

    whole = run(maps, "-p", "keypoints-30", "-o", tmp_path / "out", "--photos", photos)
    single = run(
        maps / "trip" / "b.npy",
        *("-p", "keypoints-30", "-o", tmp_path / "b.png", "--photos", photos / "a.jpg"),
    )

    said = capsys.readouterr().out
    assert (whole, single) == (3, 0)
    assert f"no photo {Path('trip', 'b')} in" in said
    assert read_sparse(tmp_path / "out" / "a.png", size=SIZE).valid.sum() == 30
    assert read_sparse(tmp_path / "b.png", size=SIZE).valid.sum() == 30


def test_the_document_says_what_was_done(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(maps / "a.png", "-p", "uniform-50", "-o", tmp_path / "out", "--json", "--seed", "3")

    assert json.loads(capsys.readouterr().out) == {
        "out": str(tmp_path / "out"),
        "pattern": "uniform-50",
        "seed": 3,
        "done": 1,
        "points": 50,
        "failed": [],
        "failures": None,
    }


@pytest.mark.parametrize(
    ("depth", "out", "options", "code", "words"),
    [
        ("none", "out", ["-p", "all"], 3, "none: not found; expected a depth map, a folder,"),
        ("empty", "out", ["-p", "all"], 3, "empty: holds no depth maps; expected files such as"),
        ("a.png", "out", ["-p", "foo-1"], 2, "unknown pattern 'foo-1'; known: all, between,"),
        ("a.png", "out", ["-p", "all+foo"], 2, "unknown step 'foo'; known: blocks, drop,"),
        ("a.png", "out", ["-p", "keypoints-9"], 2, "'keypoints-9' looks at the photo, but none"),
        ("a.png", "out", ["-p", "all", "--save", "ply"], 2, "format 'ply'; expected some of png1"),
        ("a.png", "out", ["-p", "all", "--save", ","], 2, "format no format; expected some of"),
        ("a.png", "out", ["-p", "all", "--depth-scale", "0"], 2, "depth scale 0; expected a num"),
        ("a.png", "out", ["-p", "all", "--depth-scale", "256"], 2, "leave the scale out"),
        ("trip/b.npy", "out", ["-p", "all", "--depth-scale", "9"], 2, "leave the scale out"),
        ("a.png", "out", ["-p", "all", "--intrinsics", "1,2"], 2, "--intrinsics '1,2'; expected"),
        ("a.png", "out", ["-p", "all", "--intrinsics", "0,1,2,3"], 2, "expected them above 0"),
        ("", "one.png", ["-p", "all"], 2, "one.png: one file for 4 depth maps; expected a folder"),
        ("", "maps", ["-p", "all"], 2, "a.png: would be overwritten; choose another place"),
        ("a.png", "maps/a.png", ["-p", "all"], 2, "a.png: would be overwritten"),
        ("grey.png", "s.npy", ["-p", "all"], 3, "grey.png: holds a L picture, not depth"),
        ("a.png", "s.npy", ["-p", "between-9-10"], 3, "between-9-10 measures nothing of it"),
        ("a.png", "a.png/x", ["-p", "all"], 6, "cannot make folder"),
    ],
)
def test_what_does_not_fit_is_one_line(
    maps: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    depth: str,
    out: str,
    options: list[str],
    code: int,
    words: str,
) -> None:
    (maps / "empty").mkdir()
    target = maps / out if out == "a.png/x" else tmp_path / out

    found = run(maps / depth, "-o", target, *options)

    said = capsys.readouterr()
    assert (found, said.out) == (code, "")
    assert said.err.count("\n") == 1 and words in said.err
    assert not list(tmp_path.rglob("*.part"))
    np.testing.assert_array_equal(read_depth(maps / "a.png").valid, True)


def test_relative_depth_has_no_metres_to_measure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    depth = map_of(kind=DepthKind.AFFINE_INVARIANT)
    save(replace(depth, values=depth.values - 2), tmp_path / "r.png")  # as networks give it

    code = run(tmp_path / "r.png", "-p", "all", "-o", tmp_path / "s.png")

    assert code == 3
    assert "r.png: affine_invariant depth has no metres to measure" in capsys.readouterr().err
    assert not (tmp_path / "s.png").exists()


def test_a_plain_array_is_taken_as_metres(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", map_of().values)

    assert run(tmp_path / "t.npy", "-p", "uniform-9", "-o", tmp_path / "s.csv") == 0
    np.save(tmp_path / "mm.npy", 1000 * map_of().values)
    scaled = ("-p", "uniform-9", "--depth-scale", "1000", "-o", tmp_path / "mm.csv")
    assert run(tmp_path / "mm.npy", *scaled) == 0
    truth = map_of().values
    for line in (tmp_path / "mm.csv").read_text().splitlines()[1:]:
        u, v, metres = line.split(",")
        assert float(metres) == pytest.approx(truth[int(v), int(u)], rel=1e-6)
    np.save(tmp_path / "t.npy", -map_of().values)
    assert run(tmp_path / "t.npy", "-p", "uniform-9", "-o", tmp_path / "s.csv") == 3


def test_it_runs_without_torch_scipy_and_opencv(maps: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'scipy', 'cv2', 'h5py'): sys.modules[name] = None\n"
        "from featherdepth.cli.main import run\n"
        "sys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "sparsify", maps / "a.png", "-p", "lidar-parallax-16"]
    command += ["-o", tmp_path / "s.png"]

    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
