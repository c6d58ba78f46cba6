"""Hypersim: distances along rays become z; light becomes a picture."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from featherdepth.data.doctor import examine
from featherdepth.data.hypersim import Hypersim, camera_of, tone_map, z_of_distance
from featherdepth.data.probe import open_data, recognise
from featherdepth.errors import InputError, UsageError

HEIGHT, WIDTH = 768, 1024
SCENE, CAMERA = "ai_001_001", "cam_00"


def rays() -> np.ndarray:
    """Length of the ray through each pixel, at z = 1, by the published formula."""
    u = np.arange(WIDTH) - (WIDTH - 1) / 2
    v = np.arange(HEIGHT)[:, None] - (HEIGHT - 1) / 2
    return np.sqrt(1 + (u / 886.81) ** 2 + (v / 886.81) ** 2)


def write(root: Path, frame: str, distance: np.ndarray, *, camera: str = CAMERA) -> None:
    folder = root / SCENE / "images"
    geometry = folder / f"scene_{camera}_geometry_hdf5/frame.{frame}.depth_meters.hdf5"
    preview = folder / f"scene_{camera}_final_preview/frame.{frame}.tonemap.jpg"
    for path in (geometry, preview):
        path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(geometry, "w") as file:
        file.create_dataset("dataset", data=distance.astype(np.float16), compression="gzip")
    Image.new("RGB", distance.shape[::-1], (9, 8, 7)).save(preview)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A wall at 3 m, seen frontally, in two frames."""
    for frame in ("0000", "0001"):
        write(tmp_path, frame, 3 * rays())
    return tmp_path


def open_hypersim(root: Path, split: str | None = None) -> Hypersim:
    return Hypersim(Hypersim.Config(root=root, split=split))


def test_a_frontal_wall_is_flat(tree: Path) -> None:
    # Trap 6: read as z, the corners of the wall would be 3.69 m away.
    depth = open_hypersim(tree)[0].depth

    assert depth is not None
    assert (3 * rays()).max() > 3.6
    # The files are of half precision: 3 m in steps of 2 mm, half of it and of the next power.
    np.testing.assert_allclose(depth.values, 3.0, atol=0.0011)
    assert depth.valid.all()


def test_z_is_the_formula() -> None:
    distance = np.random.default_rng(0).uniform(1, 9, (HEIGHT, WIDTH))

    z = z_of_distance(distance, camera_of(HEIGHT, WIDTH))

    np.testing.assert_allclose(z, distance / rays(), rtol=1e-6)


def test_smaller_copies_have_a_shorter_focal_length() -> None:
    camera = camera_of(384, 512)

    assert camera.fx == pytest.approx(443.405)
    assert (camera.cx, camera.cy) == (255.5, 191.5)
    assert camera_of(HEIGHT, WIDTH).resized(384, 512) == camera


def test_pixels_without_surface_are_no_truth(tree: Path) -> None:
    distance = 3 * rays()
    distance[0, :2] = (np.nan, np.inf)
    write(tree, "0000", distance)

    depth = open_hypersim(tree)[0].depth

    assert depth is not None
    assert depth.valid[0, :3].tolist() == [False, False, True]


def test_keys_are_scene_camera_and_frame(tree: Path) -> None:
    write(tree, "0000", 3 * rays(), camera="cam_01")
    reader = open_hypersim(tree)

    expected = ["cam_00/0000", "cam_00/0001", "cam_01/0000"]
    assert reader.keys == [f"{SCENE}/{part}" for part in expected]
    assert reader.groups == [SCENE] * 3
    assert reader.name == "Hypersim (z from distance)"


def test_the_published_table_gives_the_splits(tree: Path) -> None:
    head = "scene_name,camera_name,frame_id,included_in_public_release,exclude_reason,"
    rows = [
        f"{SCENE},cam_00,0,True,,val",
        f"{SCENE},cam_00,1,False,broken,val",
        f"{SCENE},cam_00,2,True,,test",
    ]
    table = tree / "metadata_images_split_scene_v1.csv"
    table.write_text("\n".join([head + "split_partition_name", *rows]) + "\n")

    assert open_hypersim(tree, "val").keys == [f"{SCENE}/cam_00/0000"]
    assert open_hypersim(tree, "val").describe().endswith("(officially 7386)")
    with pytest.raises(InputError, match="no usable pair"):
        open_hypersim(tree, "test")
    with pytest.raises(UsageError, match="no split 'all'; known: train, val, test"):
        open_hypersim(tree, "all")

    table.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not the published table"):
        open_hypersim(tree, "val")
    table.unlink()
    with pytest.raises(InputError, match="split 'val' needs it"):
        open_hypersim(tree, "val")


def test_without_a_preview_the_light_is_shown(tree: Path) -> None:
    light = np.zeros((HEIGHT, WIDTH, 3), np.float16)
    light[:, : WIDTH // 2] = 2.0
    folder = tree / SCENE / "images"
    path = folder / "scene_cam_00_final_hdf5/frame.0000.color.hdf5"
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        file["dataset"] = light
    (folder / "scene_cam_00_final_preview/frame.0000.tonemap.jpg").unlink()

    pixels = open_hypersim(tree)[0].image.pixels

    # More than a tenth is bright: its quantile lands at 0.8 of 255.
    assert np.unique(pixels[:, : WIDTH // 2]).tolist() == [204]
    assert not pixels[:, WIDTH // 2 :].any()


def test_tone_mapping_is_the_gamma_of_scaled_light() -> None:
    light = np.zeros((1, 11, 3))
    light[0, :, :] = np.arange(11)[:, None]  # the quantile 0.9 is 9

    shown = tone_map(light)

    expected = [round(255 * min(1.0, 0.8**2.2 * i / 9) ** (1 / 2.2)) for i in range(11)]
    assert shown[0, :, 0].tolist() == expected
    assert not tone_map(np.full((2, 2, 3), np.nan)).any()


def test_frames_without_pictures_are_listed_and_sizes_must_agree(tree: Path) -> None:
    folder = tree / SCENE / "images/scene_cam_00_final_preview"
    (folder / "frame.0001.tonemap.jpg").unlink()
    Image.new("RGB", (512, 384)).save(folder / "frame.0000.tonemap.jpg")

    reader = open_hypersim(tree)

    assert reader.keys == [f"{SCENE}/cam_00/0000"]
    assert "no picture; expected frame.0001.tonemap.jpg" in reader.skipped[-1].reason
    with pytest.raises(InputError, match=r"picture \(384, 512\), but depth \(768, 1024\)"):
        reader[0]


def test_the_tree_is_recognised(tree: Path) -> None:
    assert recognise(tree) == "hypersim"
    assert len(open_data(tree)) == 2


def test_doctor_names_layout_count_and_unit_and_finds_nothing_wrong(tree: Path) -> None:
    found = examine(tree)

    assert (found["layout"], found["count"]) == ("hypersim", 2)
    assert found["stored"] == "metres along the ray"
    assert found["faults"] == []
