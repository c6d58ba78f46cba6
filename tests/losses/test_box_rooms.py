"""Box rooms are clouds that a camera could see."""

import torch

from featherdepth.losses.box_rooms import box_rooms


def test_points_lie_in_front_of_the_camera_and_the_farthest_at_one() -> None:
    rooms = box_rooms(8, 256, torch.Generator().manual_seed(0))

    assert rooms.shape == (8, 256, 3)
    assert (rooms[..., 2] > 0).all()
    torch.testing.assert_close(rooms[..., 2].amax(dim=1), torch.ones(8))


def test_all_points_of_a_room_lie_on_at_most_six_planes_at_right_angles() -> None:
    cloud = box_rooms(1, 400, torch.Generator().manual_seed(1))[0].double()

    # A plane through three points near each other, a wall's: many of the others are on it.
    order = (cloud - cloud[0]).square().sum(dim=1).argsort()[:3]
    a, b, c = cloud[order]
    normal = torch.linalg.cross(b - a, c - a)
    normal = normal / normal.norm()
    off = ((cloud - a) @ normal).abs()
    assert (off < 1e-3).float().mean() > 1 / 12
    assert (off > 0.05).any()  # and not all: a room is no single plane


def test_a_generator_in_the_same_state_gives_the_same_rooms() -> None:
    first, again = (box_rooms(2, 16, torch.Generator().manual_seed(3)) for _ in range(2))

    assert torch.equal(first, again)
