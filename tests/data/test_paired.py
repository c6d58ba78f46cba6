"""Paired folders: what the numbers mean is settled by the description."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featherdepth.data.paired import Paired
from featherdepth.errors import InputError, UsageError
from featherdepth.types import DepthKind

METRIC = ('kind = "metric depth (z)"', 'unit = "millimetre"', "scale = 2.0", "intrinsics = []")
DISPARITY = ('kind = "disparity"', 'unit = "pixel"', "scale = 0.5")


def open_paired(root: Path, **options: Any) -> Paired:
    return Paired(Paired.Config(root=root, **options))


def test_millimetres_become_metres_and_an_empty_camera_is_unknown(
    add_source: Callable[..., Path],
) -> None:
    reader = open_paired(add_source("one", *METRIC))

    sample = reader[0]

    assert reader.keys == ["one/a", "one/b"]
    assert sample.depth is not None
    assert sample.depth.kind is DepthKind.METRIC
    assert sample.depth.values[0, 5] == pytest.approx(0.010)
    assert not sample.depth.valid[0, 0]
    assert sample.image.intrinsics is None


def test_disparity_with_camera_and_baseline_becomes_metric(
    add_source: Callable[..., Path],
) -> None:
    folder = add_source(
        "s", *DISPARITY, "baseline_m = 0.2", "doffs = 3.0", "intrinsics = [100, 100, 8, 6]"
    )

    depth = open_paired(folder)[0].depth

    assert depth is not None
    assert depth.kind is DepthKind.METRIC
    assert depth.values[0, 4] == pytest.approx(100 * 0.2 / (4 * 0.5 + 3))
    assert depth.values[0, 4] > depth.values[0, 5]  # more disparity is nearer


@pytest.mark.parametrize(
    "lines", [("intrinsics = []", "baseline_m = 0.2"), ("intrinsics = [100, 100, 8, 6]",)]
)
def test_disparity_without_camera_or_baseline_stays_affine(
    add_source: Callable[..., Path], lines: tuple[str, ...]
) -> None:
    depth = open_paired(add_source("s", *DISPARITY, *lines))[0].depth

    assert depth is not None
    assert depth.kind is DepthKind.AFFINE_INVARIANT_DISPARITY
    assert depth.values[0, 4] == 2.0


def test_a_negative_doffs_makes_small_disparities_holes(add_source: Callable[..., Path]) -> None:
    folder = add_source(
        "s", *DISPARITY, "baseline_m = 0.2", "doffs = -2.0", "intrinsics = [100, 100, 8, 6]"
    )

    depth = open_paired(folder)[0].depth

    assert depth is not None
    assert depth.valid[0, :6].tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(
    "lines",
    [
        (*METRIC[:2], "scale = 1e300"),
        (*DISPARITY[:2], "scale = 1e308"),
        (*DISPARITY, "baseline_m = 1e300", "intrinsics = [100, 100, 8, 6]"),
    ],
)
def test_values_beyond_float32_are_not_measured(
    add_source: Callable[..., Path], lines: tuple[str, ...]
) -> None:
    depth = open_paired(add_source("s", *lines))[0].depth

    assert depth is not None
    assert not depth.valid.any()


def test_relative_depth_is_scale_invariant(add_source: Callable[..., Path]) -> None:
    folder = add_source("r", 'kind = "relative depth"', "scale = 0.001")

    depth = open_paired(folder)[0].depth

    assert depth is not None
    assert depth.kind is DepthKind.SCALE_INVARIANT


def test_a_camera_of_a_frame_wins_over_that_of_its_source(add_source: Callable[..., Path]) -> None:
    folder = add_source("s", *METRIC[:3], "intrinsics = [100, 100, 8, 6]")
    with (folder / "dataset.toml").open("a") as file:
        file.write("intrinsics = [50, 51, 7, 5]\n")  # of the last frame, "b"

    first, second = open_paired(folder)

    assert first.image.intrinsics is not None
    assert second.image.intrinsics is not None
    assert (first.image.intrinsics.fx, second.image.intrinsics.fx) == (100, 50)


def test_sources_are_chosen_by_class_and_name(add_source: Callable[..., Path]) -> None:
    for name, klass in (("x", "A"), ("y", "B"), ("z", "C")):
        root = add_source(name, *METRIC, klass=klass).parent

    assert len(open_paired(root)) == 6
    assert open_paired(root, classes=("A", "B")).groups == ["x", "x", "y", "y"]
    assert open_paired(root, sources=("z",)).groups == ["z", "z"]
    assert open_paired(root, skip=("z",)).groups == ["x", "x", "y", "y"]
    assert open_paired(root, classes=("B",)).terms == "free (class B)"


def test_portions_of_a_source_share_no_frame_and_leave_none_out(
    add_source: Callable[..., Path],
) -> None:
    root = add_source("one", *METRIC).parent
    add_source("two", *METRIC)

    halves = [open_paired(root, portion=(i, 2)).keys for i in (1, 2)]

    assert halves == [["one/a", "two/a"], ["one/b", "two/b"]]
    thirds = [open_paired(root, portion=(i, 3)).keys for i in (2, 3)]
    assert thirds == [["one/a", "two/a"], ["one/b", "two/b"]]  # of two frames the first is empty
    with pytest.raises(InputError, match="no usable pair"):
        open_paired(root, portion=(1, 3))
    for wrong in ((0, 2), (3, 2)):
        with pytest.raises(ValueError, match="expected i of n"):
            Paired.Config(root=root, portion=wrong)


def test_keys_are_the_same_from_the_source_and_from_the_folder_of_sources(
    add_source: Callable[..., Path],
) -> None:
    folder = add_source("one", *METRIC)

    assert open_paired(folder).keys == open_paired(folder.parent).keys


def test_unknown_sources_and_empty_classes_are_refused(add_source: Callable[..., Path]) -> None:
    root = add_source("desk", *METRIC, klass="C").parent

    with pytest.raises(UsageError, match="no source 'desc'; did you mean 'desk'"):
        open_paired(root, sources=("desc",))
    with pytest.raises(InputError, match="no usable pair; classes found: C"):
        open_paired(root, classes=("A",))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (('kind = "normals"', "scale = 1.0"), "kind 'normals' is not one of"),
        (('kind = "metric depth"', 'unit = "inch"', "scale = 1.0"), "unit 'inch'"),
        (('kind = "metric depth"', 'unit = "metre"'), "scale None is not a finite number"),
        ((*METRIC[:3], "intrinsics = [1, 2]"), "expected \\[fx, fy, cx, cy\\]"),
        ((*METRIC[:3], "intrinsics = [0, 0, 0, 0]"), "focal lengths above 0"),
        ((*METRIC[:3], "intrinsics = [nan, 1, 1, 1]"), "expected \\[fx, fy, cx, cy\\]"),
        ((*METRIC[:3], "intrinsics = [true, 1, 1, 1]"), "expected \\[fx, fy, cx, cy\\]"),
        ((*METRIC[:2], "scale = nan"), "scale nan is not a finite number above 0"),
        ((*METRIC[:2], "scale = inf"), "scale inf is not a finite number above 0"),
        ((*METRIC[:2], "scale = true"), "scale True is not a finite number above 0"),
        ((*DISPARITY, "doffs = nan"), "doffs nan is not a finite number$"),
        ((*METRIC[:3], "intrinsics = 5"), "intrinsics 5; expected \\[fx, fy, cx, cy\\]"),
        ((*METRIC[:1], "unit = [1]", "scale = 1.0"), "unit \\[1\\] is not one of"),
        (("kind = ",), "not TOML"),
    ],
)
def test_a_bad_description_is_named_and_does_not_stop_its_neighbors(
    add_source: Callable[..., Path], lines: tuple[str, ...], reason: str
) -> None:
    root = add_source("good", *METRIC).parent
    alone = add_source("bad", *lines)

    reader = open_paired(root)

    assert reader.groups == ["good", "good"]
    assert [s.key for s in reader.skipped] == ["bad"]
    with pytest.raises(InputError, match=reason):
        open_paired(alone)


@pytest.mark.parametrize("frame", ["5", '"a"', "[1, 2]"])
def test_frames_that_are_no_tables_are_named_and_do_not_stop_their_neighbors(
    add_source: Callable[..., Path], frame: str
) -> None:
    root = add_source("good", *METRIC).parent
    path = add_source("bad", *METRIC) / "dataset.toml"
    path.write_text(path.read_text().split("[[frame]]")[0] + f"frame = {frame}\n")

    reader = open_paired(root)

    assert reader.groups == ["good", "good"]
    assert "expected [[frame]] tables" in reader.skipped[0].reason


def test_a_missing_depth_is_listed_and_a_pair_of_two_sizes_too(
    add_source: Callable[..., Path],
) -> None:
    folder = add_source("s", *METRIC)
    (folder / "depth" / "a.png").unlink()
    (folder / "depth" / "b.png").write_bytes(
        (add_source("t", *METRIC) / "depth" / "b.png").read_bytes()
    )
    (folder / "rgb" / "b.jpg").unlink()

    with pytest.raises(InputError, match="no usable pair"):
        open_paired(folder)


def test_a_pair_of_two_sizes_is_a_fault(add_source: Callable[..., Path]) -> None:
    from PIL import Image

    folder = add_source("s", *METRIC)
    Image.fromarray(np.ones((5, 5), dtype=np.uint16)).save(folder / "depth" / "a.png")

    with pytest.raises(InputError, match="5x5 pixels, but the photo has 16x12"):
        open_paired(folder)[0]


def test_a_frame_that_is_named_twice_counts_once_and_is_in_one_portion(
    add_source: Callable[..., Path],
) -> None:
    folder = add_source("s", *METRIC)
    with (folder / "dataset.toml").open("a") as file:
        file.write('[[frame]]\nfile = "a"\n')

    reader = open_paired(folder)

    assert reader.keys == ["s/a", "s/b"]
    assert [(s.key, s.reason) for s in reader.skipped] == [
        ("s/a", "dataset.toml: frame 's/a' is there twice")
    ]
    assert [open_paired(folder, portion=(i, 2)).keys for i in (1, 2)] == [["s/a"], ["s/b"]]


def test_a_frame_name_never_leads_out_of_the_folder(add_source: Callable[..., Path]) -> None:
    folder = add_source("s", *METRIC)
    path = folder / "dataset.toml"
    path.write_text(path.read_text().replace('file = "a"', 'file = "../../other/a"'))

    reader = open_paired(folder)

    assert reader.keys == ["s/b"]
    assert "names must stay inside" in reader.skipped[0].reason


def test_without_frame_tables_all_pictures_are_taken(add_source: Callable[..., Path]) -> None:
    folder = add_source("s", *METRIC)
    path = folder / "dataset.toml"
    path.write_text(path.read_text().split("[[frame]]")[0])

    assert open_paired(folder).keys == ["s/a", "s/b"]


def test_hidden_files_are_no_frames_and_a_description_may_begin_with_a_mark(
    add_source: Callable[..., Path],
) -> None:
    folder = add_source("one", *METRIC)
    (folder / "rgb" / "._a.jpg").write_bytes(b"of macOS")
    described = folder / "dataset.toml"
    text = described.read_text().partition("[[frame]]")[0]
    described.write_text(text, encoding="utf-8-sig")

    reader = open_paired(folder)

    assert (reader.keys, reader.skipped) == (["one/a", "one/b"], [])


def test_photos_that_may_not_be_listed_are_one_line_and_do_not_stop_their_neighbors(
    add_source: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(folder: Path) -> Iterator[Path]:  # for root no folder is
        if folder.parent.name == "two":
            raise PermissionError(errno.EACCES, "Permission denied")
        return iterdir(folder)

    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", closed)
    add_source("two", *METRIC)

    reader = open_paired(add_source("one", *METRIC).parent)

    assert reader.keys == ["one/a", "one/b"]
    assert reader.skipped[0].reason.endswith("rgb: cannot look into it: Permission denied")


def test_paired_folders_have_no_splits(add_source: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="no splits"):
        Paired.Config(root=add_source("s", *METRIC), split="val")
