"""Which published data set a place is, of those whose readers need code: told from names."""

from pathlib import Path

from featherdepth.data.matlab import version_of

MARKERS = {
    "nyu_labelled": (("nyu_depth_v2_labeled.mat",),),
    "nyu_hdf5": (("val/official/*.h5",), ("nyudepthv2/*/*/*.h5",), ("train/*/*.h5",)),
    "kitti_velodyne": (("2011_*/calib_velo_to_cam.txt", "2011_*/*_sync/velodyne_points"),),
    "ibims": (
        ("imagelist.txt", "gt_depth/*.mat"),
        ("imagelist.txt", "*.mat"),
        ("imagelist.txt", "ibims1_core_mat/*.mat"),
        ("ibims1_core_mat/imagelist.txt",),
    ),
    "sunrgbd": tuple(
        (f"{above}{sensor}/*/*",)
        for above in ("", "SUNRGBD/")
        for sensor in ("kv1", "kv2", "realsense/lg", "realsense/sa", "xtion")
    ),
    "hypersim": (("ai_*_*/images/scene_cam_*_geometry_hdf5",),),
    "da2k": (("annotations.json",),),
    "nyu_arrays": (("eigen_test_rgb.npy", "eigen_test_depth.npy"),),
    "nyu_leres": (("test.mat",),),
}
"""Reader -> alternatives of names that must all be there; the first reader that fits wins."""
DA2K_WORD = b'"closer_point"'


def recognise_known(root: Path) -> str | None:
    """The name of the reader for a folder or a `.mat` file; None if it is none of these."""
    if root.is_file():
        by_version = {"v7.3": "nyu_labelled", "v5": "nyu_leres"}
        return by_version.get(version_of(root) or "") if root.suffix.lower() == ".mat" else None
    for name, alternatives in MARKERS.items():
        for patterns in alternatives:
            if all(_any(root, pattern) for pattern in patterns) and _confirmed(name, root):
                return name
    return None


def _any(root: Path, pattern: str) -> bool:
    return next(root.glob(pattern), None) is not None


def _confirmed(name: str, root: Path) -> bool:
    """Common names need a look inside."""
    if name == "nyu_leres":
        return version_of(root / "test.mat") == "v5"
    if name != "da2k":
        return True
    try:
        with (root / "annotations.json").open("rb") as stream:
            return DA2K_WORD in stream.read(1 << 16)
    except OSError:
        return False
