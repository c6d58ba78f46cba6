"""Lists that come with data sets, and names that lead to partners."""

from pathlib import Path

import pytest

from featherdepth.data.layouts import find_layout
from featherdepth.data.listing import list_pairs, nearest_times
from featherdepth.data.storage import Storage
from featherdepth.data.template import Template
from featherdepth.errors import InputError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_a_template_finds_files_and_names_their_partners(tmp_path: Path) -> None:
    touch(tmp_path, "a/rgb_2.jpg", "a/rgb_1.jpg", "a/other.jpg", "a/b/rgb_3.jpg")

    found = Template("{scene}/rgb_{frame}.jpg").find(tmp_path)

    assert [name for name, _ in found] == ["a/rgb_1.jpg", "a/rgb_2.jpg"]
    assert Template("{scene}/depth_{frame}.png").fill(found[0][1]) == "a/depth_1.png"


def test_the_order_of_the_file_system_does_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a/rgb_1.jpg", "a/rgb_2.jpg", "b/rgb_1.jpg")
    glob = Path.glob
    orders = (list, lambda found: sorted(found, reverse=True), sorted)
    listings = []

    for order in orders:
        monkeypatch.setattr(Path, "glob", lambda self, p, o=order: iter(o(glob(self, p))))
        listings.append([n for n, _ in Template("{scene}/rgb_{frame}.jpg").find(tmp_path)])

    assert listings == [["a/rgb_1.jpg", "a/rgb_2.jpg", "b/rgb_1.jpg"]] * 3


def test_a_field_that_comes_twice_says_the_same_twice() -> None:
    template = Template("{scene}_depth/{scene}/{frame}")

    assert template.match("x_depth/x/1") == {"scene": "x", "frame": "1"}
    assert template.match("x_depth/y/1") is None


def test_times_are_paired_nearest_first_and_each_once() -> None:
    assert nearest_times([0.0, 0.015], [0.010]) == [(0.015, 0.010)]
    assert nearest_times([0.0, 0.015], [0.010, -0.015]) == [(0.0, -0.015), (0.015, 0.010)]


def test_times_20_ms_apart_are_no_pair() -> None:
    assert nearest_times([1.0], [1.0199]) == [(1.0, 1.0199)]
    assert nearest_times([1.0], [1.0201, 0.9799]) == []


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("eigen_test_files_with_gt.txt", "a.png", "line 2: 1 columns; expected the photo first"),
        ("splits/eigen/test_files.txt", "d 12 x", "expected FOLDER FRAME l|r"),
        ("splits/eigen/test_files.txt", "d twelve l", "expected FOLDER FRAME l|r"),
    ],
)
def test_a_line_of_another_form_is_named(tmp_path: Path, name: str, line: str, reason: str) -> None:
    touch(tmp_path, name, "d/x_sync/proj_depth/groundtruth/image_02/1.png")
    (tmp_path / name).write_text(f"# a comment\n{line}\n")
    layout = find_layout(tmp_path)
    assert layout is not None

    with pytest.raises(InputError, match=reason):
        list_pairs(tmp_path, Storage(tmp_path), layout, "")


def test_lists_of_void_with_different_lengths_are_refused(tmp_path: Path) -> None:
    for kind in ("image", "ground_truth", "sparse_depth", "validity_map", "intrinsics"):
        lines = "a\n" if kind == "validity_map" else "a\nb\n"
        touch(tmp_path, f"void_1500/test_{kind}.txt")
        (tmp_path / "void_1500" / f"test_{kind}.txt").write_text(lines)
    layout = find_layout(tmp_path)
    assert layout is not None

    with pytest.raises(InputError, match=r"different lengths: .* validity_map 1"):
        list_pairs(tmp_path, Storage(tmp_path), layout, "")


def test_names_of_a_list_never_lead_out_of_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "set"
    touch(tmp_path, "secret.png")
    touch(root, "d/proj_depth/groundtruth/image_02/1.png", "a.png")
    (root / "eigen_test_files_with_gt.txt").write_text("a.png ../secret.png 1\n")
    layout = find_layout(root)
    assert layout is not None
    storage = Storage(root)

    (pair,) = list_pairs(root, storage, layout, "").pairs

    assert storage.fault(pair.depth) is not None
