"""The ray caster's depth is exact: hand-placed shapes against values from paper and pencil."""

import math

import numpy as np
import pytest
import torch
from jaxtyping import install_import_hook

CHECKED = [f"tools.render.{m}" for m in ["rays", "primitives", "cull", "trace", "surface", "frame"]]
with install_import_hook(CHECKED, "beartype.beartype"):
    from tools.render.cull import by_frustum
    from tools.render.frame import cast
    from tools.render.rays import TILE, Cameras, from_tiles, look, to_tiles
    from tools.render.scene import GRID, Builder, Material, pack
    from tools.render.surface import surface_at

CPU = torch.device("cpu")
K = (50.0, 52.0, 31.0, 24.0)  # fx fy cx cy of a 64x48 picture
PLAIN = Material()


def scene():
    return Builder(rng=np.random.default_rng(0))


def camera(position=(0.0, 0.0, 0.0), yaw=0.0, pitch=0.0, size=(64, 48)):
    """By default at the origin, looking along +y."""
    turn = torch.from_numpy(look(yaw, pitch).astype(np.float32))[None]
    origin, k = torch.tensor([position]), torch.tensor([K])
    return Cameras(origin=origin, rotation=turn, intrinsics=k, width=size[0], height=size[1])


def depth_of(builder, view, *, culled=True):
    scenes = pack([builder], CPU)
    mask = by_frustum(scenes, view)
    mask = mask if culled else scenes.present[:, None].expand_as(mask)
    depth, index = cast(scenes, view, mask)
    h, w = view.height, view.width
    return depth[0, 0, :h, :w].numpy(), index[0, 0, :h, :w].numpy()


def slopes(size=(64, 48)):
    u, v = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return (u - K[2]) / K[0], (v - K[3]) / K[1]


def test_a_wall_across_the_view_has_one_z_depth_everywhere():
    s = scene()
    s.box((0, 5.5, 0), (100, 1, 100), PLAIN)
    depth, _ = depth_of(s, camera())
    np.testing.assert_allclose(depth, 5.0, rtol=1e-6)  # z-depth: along a ray it would grow outward


def test_a_ball_has_the_depth_of_the_nearer_root():
    s = scene()
    s.ball((0.3, 4, -0.2), (2, 2, 2), PLAIN)
    depth, _ = depth_of(s, camera())
    x, y = slopes()
    # |t (x, 1, -y) - c|^2 = 1 with world x right, y forward, z up
    a, b, c = x * x + 1 + y * y, x * 0.3 + 4 + y * 0.2, 0.3**2 + 16 + 0.2**2 - 1
    room = b * b - a * c
    expected = np.where(room > 0, (b - np.sqrt(np.maximum(room, 0))) / a, np.inf)
    clear = np.abs(room) > 1e-3
    np.testing.assert_allclose(depth[clear], expected[clear], rtol=2e-5)
    assert np.isfinite(depth).sum() > 200


def test_a_small_ball_far_away_keeps_its_depth():
    s = scene()
    s.ball((0, 150, 0), (6.0, 6.0, 6.0), PLAIN)
    depth, _ = depth_of(s, camera())
    assert depth[24, 31] == pytest.approx(147.0, rel=1e-6)


def test_an_upright_cylinder_has_its_side_its_top_and_nothing_else():
    s = scene()
    s.cone((0, 4, -1), 0.5, 1.5, PLAIN)  # from z = -1 to 0.5
    depth, _ = depth_of(s, camera(position=(0.0, 0.0, 1.0)))
    x, y = slopes()
    a, b, c = x * x + 1, np.full_like(x, 4.0), 16 - 0.25
    room = b * b - a * c
    side = np.where(room > 0, (b - np.sqrt(np.maximum(room, 0))) / a, np.inf)
    reached = np.where(np.isfinite(side), side, 0)
    on_side = np.isfinite(side) & (np.abs(1 - y * reached + 0.25) < 0.74)
    assert on_side.sum() > 100
    np.testing.assert_allclose(depth[on_side], side[on_side], rtol=1e-5)
    top = 0.5 / np.where(y > 0, y, np.nan)  # the camera stands half a meter above the top
    on_top = (x * top) ** 2 + (top - 4) ** 2 < 0.249
    assert on_top.sum() > 3
    np.testing.assert_allclose(depth[on_top], top[on_top], rtol=1e-5)


def test_a_cone_narrows_towards_its_top_whichever_end_is_wider():
    for bottom, top in ((1.0, 0.4), (0.4, 1.0)):
        s = scene()
        s.cone((0, 5, -1), bottom, 2.0, PLAIN, top=top)
        depth, _ = depth_of(s, camera())
        for row in (10, 24, 38):
            y = (row - K[3]) / K[1]
            # z = -y t, radius(z) linear, front at 5 - radius (x = 0)
            rate = (top - bottom) / 2
            expected = (5 - bottom - rate) / (1 - rate * y)
            if abs(y * expected) < 0.95:
                assert depth[row, 31] == pytest.approx(expected, rel=1e-5)


def test_a_turned_box_shows_its_edge_and_both_faces():
    s = scene()
    with s.at(0, 4, 0, math.pi / 4):
        s.box((0, 0, 0), (2, 2, 2), PLAIN)
    depth, _ = depth_of(s, camera())
    x, y = slopes()
    expected = (4 - math.sqrt(2)) / (1 - np.abs(x))  # the planes y = 4 - sqrt(2) + |x|
    on = (np.abs(x * expected) < 1.4) & (np.abs(y * expected) < 0.99) & (expected < 4)
    np.testing.assert_allclose(depth[on], expected[on], rtol=1e-5)


def test_an_l_shaped_outline_is_open_in_its_notch():
    s = scene()
    shape = [(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]
    s.prism(shape, 0.4, (0, 3, 0), PLAIN, "xz")
    depth, _ = depth_of(s, camera())
    x, y = slopes()
    px, pz = x * 2.8, -y * 2.8  # where rays meet the front at y = 2.8
    inside = (np.abs(px) < 0.95) & (np.abs(pz) < 0.95) & ~((px > -0.05) & (pz > -0.05))
    notch = (px > 0.2) & (pz > 0.2)
    np.testing.assert_allclose(depth[inside], 2.8, rtol=1e-5)
    assert np.isinf(depth[notch & (px < 0.9) & (pz < 0.9)]).all()


def test_a_u_shaped_outline_is_open_between_its_prongs():
    s = scene()
    shape = [(-1, -1), (1, -1), (1, 1), (0.5, 1), (0.5, -0.5), (-0.5, -0.5), (-0.5, 1), (-1, 1)]
    s.prism(shape, 0.4, (0, 3, 0), PLAIN, "xz")
    depth, _ = depth_of(s, camera())
    x, y = slopes()
    between = (np.abs(x * 2.8) < 0.4) & (-y * 2.8 > -0.3) & (-y * 2.8 < 0.9)
    assert between.sum() > 100
    assert (depth[between] > 2.81).all()  # nothing at the front plane, only walls further in


def test_a_sloping_height_field_is_the_plane_it_samples():
    s = scene()
    n = np.linspace(-1, 1, GRID)
    grid = np.repeat(0.5 * n[:, None], GRID, axis=1)  # rises towards +y
    s.height((0, 20, -2), (60, 40, 4), grid, PLAIN)
    depth, _ = depth_of(s, camera(position=(0.0, 2.0, 3.0)))
    _, y = slopes()
    # ground z = -2 + 0.05 (Y - 20); ray z = 3 - y t, Y = 2 + t
    expected = (3 + 2 + 0.05 * 18) / (y + 0.05)
    on = (y > 0.2) & (expected < 35)
    assert on.sum() > 300
    np.testing.assert_allclose(depth[on], expected[on], rtol=1e-4)


def test_a_curved_height_field_is_met_on_its_bilinear_surface():
    s = scene()
    n = np.linspace(-1, 1, GRID)
    grid = 0.5 * np.cos(3 * n)[:, None] * np.cos(2 * n)[None]
    s.height((0, 10, -2), (20, 20, 2), grid, PLAIN)
    depth, _ = depth_of(s, camera(position=(0.0, 0.5, 0.0), pitch=-0.3))
    rays = camera(pitch=-0.3).directions()[0, :, :48, :64].numpy()
    t = depth[30:48, 5:60]
    p = np.array([0.0, 0.5, 0.0])[:, None, None] + rays[:, 30:48, 5:60] * t
    exact = -2 + 0.5 * np.cos(3 * (p[1] - 10) / 10) * np.cos(2 * p[0] / 10)
    assert np.isfinite(t).all()
    np.testing.assert_allclose(p[2], exact, atol=4e-3)  # the grid itself is off by 2 mm


def test_intrinsics_unproject_a_slanted_wall_onto_its_plane():
    s = scene()
    with s.at(1, 6, 0, 0.5):
        s.box((0, 0.5, 0), (100, 1, 100), PLAIN)
    view = camera(yaw=0.2, pitch=-0.1)
    depth, _ = depth_of(s, view)
    x, y = slopes()
    local = np.stack([x * depth, y * depth, depth])
    world = np.einsum("ij,jhw->ihw", view.rotation[0].numpy(), local)
    normal = np.array([-math.sin(0.5), math.cos(0.5), 0])
    off = np.einsum("i,ihw->hw", normal, world) - normal @ np.array([1.0, 6, 0])
    assert np.abs(off[np.isfinite(depth)]).max() < 2e-4


def test_the_nearest_of_several_things_wins_and_sky_stays_open():
    s = scene()
    s.box((0, 9, 0), (1, 1, 1), PLAIN)
    s.ball((0, 4, 0), (1, 1, 1), PLAIN)
    s.cone((0, 6, -1), 0.3, 2, PLAIN)
    depth, index = depth_of(s, camera())
    assert depth[24, 31] == pytest.approx(3.5)
    assert index[24, 31] == 1
    assert np.isinf(depth[0, 0])
    assert index[0, 0] == -1


def cluttered():
    s = scene()
    r = np.random.default_rng(3)
    for k in range(60):
        x, y, z = (float(v) for v in r.uniform(-4, 4, 3))
        size = [float(v) for v in r.uniform(0.05, 1.5, 3)]
        with s.at(x, y, z, float(r.uniform(0, 6))):
            [s.box, s.ball][k % 2]((0, 0, 0), size, PLAIN)
            if k % 3 == 0:
                s.bar((0, 0, 0), tuple(r.normal(0, 1, 3)), 0.05, PLAIN)
    return s


def test_culling_changes_no_pixel_even_around_the_camera():
    view = camera(yaw=0.7, pitch=-0.4, size=(63, 45))
    fast, _ = depth_of(cluttered(), view)
    slow, _ = depth_of(cluttered(), view, culled=False)
    np.testing.assert_array_equal(fast, slow)


def test_a_batch_of_scenes_equals_each_scene_alone():
    one, two = cluttered(), scene()
    one.prism([(-1, -1), (1, -1), (1, 1), (-1, 1)], 1.0, (0, 3, 0), PLAIN)
    one.height((0, 5, -1), (10, 10, 1), np.full((GRID, GRID), 0.5), PLAIN)
    two.prism([(-1, -1), (1, -1), (0, 1)], 1.0, (0, 3, 0), PLAIN)
    two.height((0, 5, -1), (10, 10, 1), np.zeros((GRID, GRID)), PLAIN)
    scenes = pack([one, two], CPU)
    views = camera()
    both = Cameras(
        origin=views.origin.repeat(2, 1), rotation=views.rotation.repeat(2, 1, 1),
        intrinsics=views.intrinsics.repeat(2, 1), width=64, height=48,
    )  # fmt: skip
    depth, _ = cast(scenes, both, by_frustum(scenes, both))
    for k, builder in enumerate((one, two)):
        np.testing.assert_array_equal(depth[k, 0, :48, :64].numpy(), depth_of(builder, views)[0])


def test_normals_are_unit_and_face_the_camera():
    s = cluttered()
    view = camera(position=(0.0, -6.0, 0.0))
    scenes = pack([s], CPU)
    depth, index = cast(scenes, view, by_frustum(scenes, view))
    rays = view.directions()
    point = view.origin[:, :, None, None] + rays * depth.nan_to_num(posinf=1.0)
    rows = [m.flatten(2).transpose(1, 2) for m in (point, rays)]
    surface = surface_at(scenes, index.flatten(1), *rows)
    hit = index.flatten(1) >= 0
    normal = surface.normal[hit]
    torch.testing.assert_close(normal.norm(dim=-1), torch.ones(len(normal)))
    assert float((normal * rows[1][hit]).sum(-1).max()) <= 1e-5


def test_tiles_and_picture_are_one_another_reversed():
    picture = torch.arange(2 * 3 * 32 * 48).reshape(2, 3, 32, 48)
    assert torch.equal(from_tiles(to_tiles(picture, TILE), TILE, 48 // TILE), picture)


def test_an_outline_with_too_many_corners_is_refused():
    with pytest.raises(ValueError, match="3 to 12 corners, not 13"):
        scene().prism([(float(k), float(k % 2)) for k in range(13)], 1, (0, 0, 0), PLAIN)
