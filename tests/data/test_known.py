"""Places that look like a published data set but are none stay photos."""

from pathlib import Path

import pytest
from PIL import Image

from featherdepth.data import READERS
from featherdepth.data.known import MARKERS, recognise_known
from featherdepth.data.probe import recognise


def test_every_marker_names_a_reader() -> None:
    assert set(MARKERS) <= set(READERS)


@pytest.mark.parametrize(
    "names",
    [
        ["imagelist.txt"],  # without a .mat
        ["annotations.json"],  # of another data set
        ["test.mat"],  # of no MATLAB version
        ["train/a.h5"],
        ["2011_09_26/calib_velo_to_cam.txt"],  # without clouds
        ["kv1/readme.txt"],
    ],
)
def test_one_name_alone_is_not_enough(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")

    assert recognise_known(tmp_path) is None
    assert recognise(tmp_path) == "photos"


def test_a_mat_file_of_no_version_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(b"MATLAB")

    assert recognise_known(tmp_path / "a.mat") is None
