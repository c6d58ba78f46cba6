"""A photo of any size, kind and source becomes a Depth of its own size on each backend."""

import io
import json
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import featherdepth
from featherdepth.api import predict
from featherdepth.errors import BackendError, InputError, RunError, UsageError, WeightsError
from featherdepth.geometry.camera import from_fov_x
from featherdepth.images.read import read_image
from featherdepth.runtime.backends import BACKENDS, choose
from featherdepth.runtime.model import DepthModel
from featherdepth.types import DepthKind, Intrinsics

BACKEND_NAMES = ["onnx", "openvino", "torch"]


@pytest.fixture(scope="module")
def model(small_model: Path) -> DepthModel:
    return DepthModel.from_pretrained(small_model, backend="onnx", threads=1)


@pytest.fixture
def folder(small_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_model, tmp_path / "copy"))


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    rng = np.random.default_rng(0)
    small = PIL.Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    return np.asarray(small.resize((160, 120), PIL.Image.Resampling.BICUBIC))


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def test_the_result_says_what_it_is(model: DepthModel, pixels: np.ndarray) -> None:
    depth = model.infer(pixels, size=128)

    assert depth.size == (120, 160) and depth.values.dtype == np.float32 and depth.valid.all()
    assert depth.kind is DepthKind.AFFINE_INVARIANT and depth.unit is None
    made = depth.provenance
    assert (made.model, made.backend, made.precision) == ("random-small", "onnx", "fp32")
    assert made.sha256 == model.preset.sha256 and made.version == featherdepth.__version__
    assert made.input_size == (128, 128)
    assert depth.intrinsics is not None and depth.intrinsics.source == "assumed"


def test_every_source_of_the_same_pixels_gives_the_same_depth(
    model: DepthModel, pixels: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png(pixels))
    sources = [
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        png(pixels),
        PIL.Image.fromarray(pixels),
        pixels.astype(np.float32) / 255,
        read_image(pixels),
    ]

    expected = model.infer(pixels, size=64).values

    for depth in model.infer(sources, size=64):
        np.testing.assert_array_equal(depth.values, expected)


def test_a_size_is_refused_before_a_photo_is_read(model: DepthModel, tmp_path: Path) -> None:
    gone = tmp_path / "gone.jpg"

    for photo in (gone, [gone], gone.name.encode()):
        with pytest.raises(UsageError, match="size 0; expected 1 or more pixels"):
            model.infer(photo, size=0)
    for size in (0, -1):
        with pytest.raises(UsageError, match=f"size {size}; expected"):
            predict(gone.parent, tmp_path / "out", size=size)


def test_a_list_gives_a_list_and_sizes_may_differ(model: DepthModel, pixels: np.ndarray) -> None:
    found = model.infer([pixels, pixels[:40]], size=64)

    assert [d.size for d in found] == [(120, 160), (40, 160)]
    assert model.infer([]) == []


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 300), (300, 1), (63, 65), (200, 5000), (5000, 200), (640, 480)]
)
def test_any_size_and_aspect_comes_back_at_its_size(
    model: DepthModel, size: tuple[int, int]
) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)

    depth = model.infer(photo, size=128)

    assert depth.size == size and depth.intrinsics is not None
    assert (depth.intrinsics.height, depth.intrinsics.width) == size


def test_upscaling_stays_within_the_range_of_the_network(
    model: DepthModel, pixels: np.ndarray
) -> None:
    photo = np.kron(pixels, np.ones((3, 3, 1), dtype=np.uint8))

    raw = model.infer(photo, size=64, out_size="model").values
    shown = model.infer(photo, size=64).values

    assert raw.shape == (64, 64)
    assert raw.min() <= shown.min() and shown.max() <= raw.max()


@pytest.mark.parametrize("streams", [1, 2])
@pytest.mark.parametrize("backend", BACKEND_NAMES)
def test_threads_that_share_a_model_get_what_one_alone_gets(
    backend: str, streams: int, small_model: Path
) -> None:
    photos = np.random.default_rng(2).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    alone = DepthModel.from_pretrained(small_model, backend=backend, threads=1)
    shared = DepthModel.from_pretrained(small_model, backend=backend, threads=2, streams=streams)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda photo: shared.infer(photo, size=64).values, photos))

    for photo, values in zip(photos, found, strict=True):
        expected = alone.infer(photo, size=64).values
        np.testing.assert_allclose(values, expected, atol=1e-5 * np.ptp(expected))


@pytest.mark.parametrize("backend", BACKEND_NAMES)
def test_backends_agree_through_the_whole_chain(
    backend: str, model: DepthModel, small_model: Path, pixels: np.ndarray
) -> None:
    other = DepthModel.from_pretrained(small_model, backend=backend, threads=1)

    depth, expected = other.infer(pixels), model.infer(pixels)

    assert depth.provenance.backend == backend
    span = np.ptp(expected.values)
    np.testing.assert_allclose(depth.values, expected.values, rtol=0, atol=1e-3 * float(span))


def test_bf16_is_near_where_the_cpu_has_it(
    small_model: Path, model: DepthModel, pixels: np.ndarray
) -> None:
    try:
        half = DepthModel.from_pretrained(small_model, backend="openvino", precision="bf16")
    except BackendError as error:
        pytest.skip(str(error))

    depth, expected = half.infer(pixels), model.infer(pixels)

    assert depth.provenance.precision == "bf16"
    error = np.abs(depth.values - expected.values).max() / np.ptp(expected.values)
    assert 1e-6 < error < 0.1  # random weights; trained ones are verified by their metrics


def test_intrinsics_are_given_or_assumed_and_belong_to_the_result(
    model: DepthModel, pixels: np.ndarray
) -> None:
    camera = from_fov_x(90, 120, 160)

    photo = model.infer(pixels, size=64, intrinsics=camera)
    small = model.infer(pixels, size=64, out_size="model", intrinsics=camera)

    assert photo.intrinsics == camera
    assert isinstance(small.intrinsics, Intrinsics)
    assert small.intrinsics.fx == pytest.approx(camera.fx * 64 / 160)
    assert (small.intrinsics.height, small.intrinsics.width) == (64, 64)


def test_infer_many_equals_infer_and_reports_what_is_broken(
    model: DepthModel, pixels: np.ndarray, tmp_path: Path
) -> None:
    big = PIL.Image.fromarray(pixels).resize((1600, 1200))
    big.save(tmp_path / "a.jpg")  # large enough to be decoded at a reduced size
    (tmp_path / "b.jpg").write_bytes(b"no photo")
    (tmp_path / "c.png").write_bytes(png(pixels))
    paths = [tmp_path / name for name in ("a.jpg", "b.jpg", "c.png")]
    broken: list[tuple[object, InputError]] = []

    found = list(model.infer_many(paths, size=64, failed=lambda p, e: broken.append((p, e))))

    assert [path for path, _ in found] == [paths[0], paths[2]]
    for path, depth in found:
        np.testing.assert_array_equal(depth.values, model.infer(path, size=64).values)
    assert found[0][1].size == (1200, 1600)
    assert [path for path, _ in broken] == [paths[1]]
    with pytest.raises(InputError, match=r"b\.jpg"):
        list(model.infer_many(paths, size=64))


def test_infer_many_takes_no_single_path_letter_by_letter(model: DepthModel) -> None:
    with pytest.raises(UsageError, match=r"^room\.jpg: is one path; expected several"):
        list(model.infer_many("room.jpg"))


def test_a_network_that_gives_nan_is_not_believed(model: DepthModel, pixels: np.ndarray) -> None:
    broken = DepthModel(
        model.preset, lambda images: images[:, :1] * np.nan, backend="onnx", precision="fp32"
    )

    with pytest.raises(RunError, match="gave NaN or infinity"):
        broken.infer(pixels)


def test_a_network_out_of_memory_says_what_to_do(model: DepthModel, pixels: np.ndarray) -> None:
    def exhausted(images: np.ndarray) -> np.ndarray:
        raise MemoryError

    full = DepthModel(model.preset, exhausted, backend="onnx", precision="fp32")

    with pytest.raises(RunError, match="out of memory at 384x512; use a smaller --size"):
        full.infer(pixels)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"backend": "tensorrt"}, UsageError, "unknown backend 'tensorrt'"),
        ({"backend": "onx"}, UsageError, "did you mean 'onnx'"),
        ({"precision": "fp8"}, UsageError, "precision 'fp8' is unknown"),
        ({"threads": 0}, UsageError, "threads is 0"),
        (
            {"backend": "onnx", "precision": "bf16"},
            BackendError,
            "computes in fp32 or int8, not bf16",
        ),
        ({"backend": "openvino", "precision": "int8"}, BackendError, "has no model.int8.onnx"),
        ({"backend": "onnx", "precision": "int8"}, BackendError, "--calibrate PHOTOS"),
        ({"backend": "torch", "precision": "int8"}, BackendError, "not int8"),
    ],
)
def test_what_cannot_be_computed_is_refused(
    arguments: dict[str, object], error: type[Exception], words: str, small_model: Path
) -> None:
    with pytest.raises(error) as caught:
        DepthModel.from_pretrained(small_model, **arguments)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_an_absent_backend_ends_in_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherdepth.runtime.backends.find_spec", lambda name: None)

    with pytest.raises(BackendError, match=r"pip install 'featherdepth\[openvino\]'"):
        choose("openvino")
    with pytest.raises(BackendError, match="needs onnxruntime"):
        choose("auto")


def test_auto_is_openvino_where_it_is_installed_else_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose("auto") == "openvino"

    monkeypatch.setattr(
        "featherdepth.runtime.backends.find_spec", lambda name: name != "openvino" or None
    )
    assert choose("auto") == "onnx"


@pytest.mark.parametrize("backend", BACKEND_NAMES)
def test_damaged_weights_reach_no_backend(backend: str, folder: Path) -> None:
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(bytes(data))

    with pytest.raises(WeightsError, match=r"sha256 .* differs from"):
        DepthModel.from_pretrained(folder, backend=backend)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
@pytest.mark.parametrize("graph", [b"", b"no graph", None])
def test_a_damaged_graph_is_one_line(backend: str, graph: bytes | None, folder: Path) -> None:
    whole = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(whole[:5000] if graph is None else graph)

    with pytest.raises(WeightsError, match=r"model\.onnx: .* cannot load it") as caught:
        DepthModel.from_pretrained(folder, backend=backend)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_graph_runs_on_torch(folder: Path, pixels: np.ndarray) -> None:
    (folder / "model.onnx").unlink()

    model = DepthModel.from_pretrained(folder)

    assert model.backend == "torch" and model.infer(pixels, size=64).size == (120, 160)
    with pytest.raises(WeightsError, match=r"has no model\.onnx"):
        DepthModel.from_pretrained(folder, backend="onnx")


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_graph_that_points_out_of_its_folder_is_refused(backend: str, folder: Path) -> None:
    secret = folder.parent / "secret.bin"
    secret.write_bytes((folder / "model.safetensors").read_bytes())
    graph = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(
        graph.replace(b"model.safetensors", b"../././secret.bin")  # of the same length
    )

    with pytest.raises(WeightsError, match="cannot load it"):
        DepthModel.from_pretrained(folder, backend=backend)


@pytest.mark.parametrize("backend", BACKEND_NAMES)
def test_a_folder_of_links_works_as_in_the_cache_of_a_hub(
    backend: str, small_model: Path, tmp_path: Path, pixels: np.ndarray
) -> None:
    blobs, links = tmp_path / "blobs", tmp_path / "snapshot"
    shutil.copytree(small_model, blobs)
    links.mkdir()
    for i, file in enumerate(sorted(blobs.iterdir())):
        (links / file.name).symlink_to(file.rename(blobs / str(i)))

    model = DepthModel.from_pretrained(links, backend=backend)

    assert model.infer(pixels, size=64).size == (120, 160)


def test_foreign_weights_run_on_torch_only(tmp_path: Path) -> None:
    (tmp_path / "res50.pth").write_bytes(b"x")

    with pytest.raises(UsageError, match="foreign weights run on torch, not onnx"):
        DepthModel.from_pretrained(f"leres-resnet50@{tmp_path / 'res50.pth'}", backend="onnx")
    with pytest.raises(WeightsError, match=r"res50\.pth"):
        DepthModel.from_pretrained(f"leres-resnet50@{tmp_path / 'res50.pth'}")


def test_a_completion_network_is_refused_before_its_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.pth"
    path.write_bytes(b"")

    with pytest.raises(UsageError, match="penet-c2 completes measured depth") as caught:
        DepthModel.from_pretrained(f"penet-c2@{path}")

    assert "\n" not in str(caught.value)


def test_the_metric_kind_has_its_unit(folder: Path, pixels: np.ndarray) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"kind": "metric"}))

    depth = DepthModel.from_pretrained(folder, backend="onnx").infer(pixels, size=64)

    assert depth.kind is DepthKind.METRIC and depth.unit == "m"


def test_every_backend_of_the_table_can_be_loaded() -> None:
    assert sorted(BACKENDS) == sorted([*BACKEND_NAMES, "torch-compile"])
    for name in BACKENDS:
        assert callable(BACKENDS.load(name).open)


def test_a_model_does_not_travel_to_other_processes_and_says_what_does(model: DepthModel) -> None:
    with pytest.raises(TypeError, match=r"call DepthModel\.from_pretrained there"):
        pickle.dumps(model)


def test_an_open_file_is_a_photo(model: DepthModel, pixels: np.ndarray, tmp_path: Path) -> None:
    PIL.Image.fromarray(pixels).save(tmp_path / "photo.png")

    with (tmp_path / "photo.png").open("rb") as file:
        depth = model.infer(file, size=64)

    assert np.array_equal(depth.values, model.infer(pixels, size=64).values)
