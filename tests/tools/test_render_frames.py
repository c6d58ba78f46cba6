"""Whole frames: the same for the same number, stored whole, read back by the package."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from jaxtyping import install_import_hook
from PIL import Image
from typer.testing import CliRunner

from featherdepth.data.paired import Paired
from featherdepth.errors import RunError

TORCH_ROOMS = (
    "rays primitives cull trace surface light edges sky camera_effects frame textures write"
)
with install_import_hook([f"tools.render.{m}" for m in TORCH_ROOMS.split()], "beartype.beartype"):
    from tools.render import light, sheet, textures, write
    from tools.render.__main__ import main
    from tools.render.frame import is_indoor, render_batch, shade
    from tools.render.rays import Cameras, look
    from tools.render.scene import Air, Builder, Light, Material, pack

ROOT = Path(__file__).parents[2]
SIZE = (80, 60)


@pytest.fixture(scope="module", autouse=True)
def one_small_bank():
    """Eight photo crops instead of all: the bank is what takes the time."""
    before, textures.PHOTOS = textures.PHOTOS, 8
    textures.load_bank.cache_clear()
    yield
    textures.PHOTOS = before
    textures.load_bank.cache_clear()


def numbers(place, count, start=0):
    indoor = place == "indoor"
    return [i for i in range(start, 200) if is_indoor(i, 5) == indoor][:count]


@pytest.mark.parametrize("place", ["indoor", "outdoor"])
def test_a_frame_depends_on_its_number_alone_and_not_on_its_batch(place):
    first, second = numbers(place, 2)
    together = render_batch([first, second], 5, SIZE)
    alone = render_batch([second], 5, SIZE)
    torch.testing.assert_close(together.depth[1:], alone.depth, rtol=1e-6, atol=0)
    apart = together.images[1:].int() - alone.images.int()
    assert float((apart.abs() > 1).float().mean()) < 1e-3
    assert torch.equal(together.intrinsics[1:], alone.intrinsics)
    assert not torch.equal(together.depth[0], together.depth[1])


def test_the_same_number_gives_the_same_bits_twice():
    one, two = (render_batch([3], 5, SIZE) for _ in range(2))
    assert torch.equal(one.images, two.images)
    assert torch.equal(one.depth, two.depth)


def test_rooms_are_closed_and_their_depth_is_a_rooms():
    made = render_batch(numbers("indoor", 4), 5, SIZE)
    assert float((made.depth > 0).float().mean()) > 0.99
    assert 1.0 < float(made.depth.median()) < 6.0


def test_the_sky_is_unknown_and_so_is_what_lies_too_far():
    made = render_batch(numbers("outdoor", 6), 5, SIZE)
    assert float((made.depth == 0).float().mean()) > 0.05
    assert float(made.depth.max()) <= 200.0


@pytest.mark.parametrize("size", [(33, 47), (17, 16), (101, 8)])
def test_odd_sizes_come_out_as_asked(size):
    made = render_batch(numbers("indoor", 1), 5, size)
    width, height = size
    assert made.images.shape == (1, 3, height, width)
    assert made.depth.shape == (1, 1, height, width)
    assert bool(torch.isfinite(made.depth).all())


def test_a_picture_of_twice_the_size_shows_the_same_depths():
    index = numbers("indoor", 1)
    small, large = render_batch(index, 5, (80, 60)), render_batch(index, 5, (160, 120))
    fx = large.intrinsics[0, 0] / small.intrinsics[0, 0]
    assert float(fx) == pytest.approx(2.0, rel=1e-5)
    shrunk = torch.nn.functional.avg_pool2d(large.depth, 2)
    off = (shrunk / small.depth - 1).abs()
    assert float(off.median()) < 0.01


def lit_corner(*lamps):
    """A floor, a slab floating above it, and the given lamps; no ambient light."""
    s = Builder(rng=np.random.default_rng(0))
    dark = (0.0, 0.0, 0.0)
    s.air = Air(ambient_up=dark, ambient_down=dark)
    s.box((0, 0, -0.5), (20, 20, 1), Material())
    s.box((0, 0, 1.0), (1.0, 1.0, 0.1), Material())
    s.lights = list(lamps)
    scenes = pack([s], torch.device("cpu"))
    cameras = Cameras(
        origin=torch.tensor([[0.0, -3.0, 1.8]]),
        rotation=torch.from_numpy(look(0.0, -0.55).astype(np.float32))[None],
        intrinsics=torch.tensor([[240.0, 240.0, 119.5, 89.5]]),
        width=240,
        height=180,
    )
    return scenes, cameras


def test_a_slab_shadows_the_floor_below_it_and_nothing_beside_it():
    lamp = Light(
        center=(0, 0, 2), axes=((0.1, 0, 0), (0, 0.1, 0)), normal=(0, 0, 0), color=(9, 9, 9)
    )
    scenes, cameras = lit_corner(lamp)
    bank = textures.load_bank(torch.device("cpu"))
    linear, _ = shade(scenes, cameras, bank)
    grey = linear[0].mean(0)
    under, beside = pixel_at(cameras, (0, 0.1, 0)), pixel_at(cameras, (1.6, 0.1, 0))
    assert float(grey[under]) < 0.02 * float(grey[beside])
    # Irradiance falls with the square of the distance and the cosine.
    near, far = pixel_at(cameras, (1.3, 0.8, 0)), pixel_at(cameras, (-1.7, 1.5, 0))
    expected = falloff(1.3, 0.8) / falloff(1.7, 1.5)
    assert float(grey[near] / grey[far]) == pytest.approx(expected, rel=0.1)  # texture, pixels


def falloff(x, y):
    square = x * x + y * y + 4
    return 2 / square**1.5


def pixel_at(cameras, point):
    local = cameras.rotation[0].T @ (torch.tensor(point, dtype=torch.float32) - cameras.origin[0])
    u, v = 119.5 + 240 * local[0] / local[2], 89.5 + 240 * local[1] / local[2]
    return round(float(v)), round(float(u))


def test_what_hangs_above_a_floor_within_reach_takes_ambient_light_from_it():
    scenes, cameras = lit_corner()
    scenes.air[:, :6] = 0.5
    bank = textures.load_bank(torch.device("cpu"))
    linear, _ = shade(scenes, cameras, bank)
    grey = linear[0].mean(0)
    scenes.air[:, 15] = 3.0
    reaching, _ = shade(scenes, cameras, bank)
    under = pixel_at(cameras, (0, 0.0, 0))
    assert float(reaching[0].mean(0)[under]) < 0.95 * float(grey[under])


def test_light_is_filtered_on_a_surface_but_not_across_an_edge():
    h, w = 16, 16
    point = torch.zeros(1, 3, h, w)
    point[:, 0] = torch.arange(w) * 0.01
    point[:, 1] = torch.arange(h)[:, None] * 0.01
    normal = torch.zeros(1, 3, h, w)
    normal[:, 2] = 1.0
    point[..., 8:], values = point[..., 8:] + 5.0, torch.zeros(1, 6, h, w)
    point[:, 2, :, 8:] = 3.0
    values[..., 8:] = 1.0
    field = light.Field(point=point, normal=normal, depth=torch.full((1, 1, h, w), 2.0))
    smooth = light._smooth(values, field)
    torch.testing.assert_close(smooth, values, rtol=0, atol=1e-4)


def test_a_frame_is_stored_and_read_back_by_the_package(tmp_path):
    made = render_batch(numbers("indoor", 1), 5, SIZE)
    image = made.images[0].permute(1, 2, 0).numpy()
    depth = made.depth[0, 0].numpy()
    k = tuple(made.intrinsics[0].tolist())
    for place in ("indoor", "outdoor"):
        write.write_frame(tmp_path, place, 7, image, depth, k)
    assert write.write_tables(tmp_path) == {"indoor": 1, "outdoor": 1}
    reader = Paired(Paired.Config(root=tmp_path, classes=("A",)))
    assert len(reader) == 2
    for i, step in enumerate((0.001, 1 / 256)):
        sample = reader[i]
        assert sample.depth is not None
        assert np.abs(sample.depth.values - depth)[depth > 0].max() <= step * 0.51
        assert sample.image.intrinsics is not None
        assert sample.image.intrinsics.fx == pytest.approx(k[0], abs=1e-3)


def test_depth_beyond_the_codes_is_unknown_not_wrapped(tmp_path):
    depth = np.array([[0.0, 1.0, 70.0, 65.0]], np.float32)
    write.write_frame(
        tmp_path, "indoor", 0, np.zeros((1, 4, 3), np.uint8), depth, (1.0, 1.0, 0.0, 0.0)
    )
    with Image.open(tmp_path / "indoor" / "depth" / "0000000.png") as stored:
        assert np.asarray(stored).tolist() == [[0, 1000, 0, 65000]]


def command(out, *more):
    words = [sys.executable, "-m", "tools.render", str(out), "--size", "48x32", *more]
    environment = {**os.environ, "FEATHERDEPTH_DATA": str(out / "nothing"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_second_run_makes_only_what_is_missing(tmp_path):
    assert command(tmp_path, "--count", "3", "--shard", "0/1").returncode == 0
    kept = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("rgb/*.jpg")}
    lost = sorted(kept)[0]
    before = lost.read_bytes()
    lost.unlink()
    answer = command(tmp_path, "--count", "3")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("1 frames")
    assert lost.read_bytes() == before
    assert all(p.stat().st_mtime_ns == t for p, t in kept.items() if p != lost)
    table = tomllib.loads(next(tmp_path.glob("*/dataset.toml")).read_text())
    assert table["class"] == "A"


@pytest.mark.parametrize("flags", [("--shard", "2/2"), ("--size", "48"), ("--only", "moon")])
def test_a_wrong_flag_ends_in_one_line(tmp_path, flags):
    app = typer.Typer()
    app.command()(main)
    answer = CliRunner().invoke(app, [str(tmp_path), *flags])
    assert answer.exit_code == 2
    assert len(answer.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "indoor").write_text("in the way")
    with pytest.raises(RunError, match="cannot be written"):
        write.write_frame(
            tmp_path,
            "indoor",
            0,
            np.zeros((1, 1, 3), np.uint8),
            np.ones((1, 1), np.float32),
            (1.0, 1.0, 0.0, 0.0),
        )


def test_a_contact_sheet_shows_every_frame(tmp_path):
    picture, depth = np.full((6, 8, 3), 200, np.uint8), np.ones((6, 8), np.float32)
    sheet.contact_sheet([(picture, depth)] * 7, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as made:
        assert made.size == (6 * sheet.CELL[0], 4 * sheet.CELL[1])


def test_all_textures_are_in_range_and_photos_may_be_absent(monkeypatch, tmp_path):
    bank = textures.load_bank(torch.device("cpu"))
    assert bank.texels.dtype == torch.uint8
    assert float(bank.mean.amax(1).min()) > 0.05  # none is black
    monkeypatch.setenv("FEATHERDEPTH_DATA", str(tmp_path))
    assert list(textures._crops(np.random.default_rng(0), textures.data_root())) == []


def test_a_texture_is_sampled_at_its_texel_centers_and_repeats():
    bank = textures.load_bank(torch.device("cpu"))
    side, number = textures.SIDE, torch.tensor([3])
    u, v = torch.tensor([(10 + 0.5) / side]), torch.tensor([(20 + 0.5) / side])
    got = textures.sample(bank, number, u, v, torch.zeros(1))
    stored = bank.texels[3 * side * side + 20 * side + 10].float() / 255
    torch.testing.assert_close(got[0], stored, atol=1e-4, rtol=0)
    again = textures.sample(bank, number, u + 2, v - 5, torch.zeros(1))
    torch.testing.assert_close(again, got, atol=1e-3, rtol=0)
    smallest = textures.sample(bank, number, u, v, torch.full((1,), 99.0))
    assert float((smallest - bank.mean[3]).abs().max()) < 0.3
