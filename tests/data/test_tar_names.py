"""Names in a tar: cut at the first dot, and no two photos under one key."""

from featherdepth.data.tar_names import tar_keys, webdataset_name


def test_a_name_is_cut_at_the_first_dot_of_its_last_part() -> None:
    assert webdataset_name("a.jpg") == ("a", "jpg")
    assert webdataset_name("v1.2/a.left.JPG") == ("v1.2/a", "left.jpg")
    assert webdataset_name("v1.2/.a.jpg") == ("", "")
    assert webdataset_name("v1.2/a") == ("", "")


def test_keys_are_the_names_without_ending_and_dots() -> None:
    assert tar_keys(["a.jpg", "b/a.jpg", "c.d.png", "v1.2/x.jpg"]) == [
        "a",
        "b/a",
        "c_d",
        "v1.2/x",
    ]


def test_photos_that_would_meet_keep_their_endings_and_then_are_counted() -> None:
    names = ["a.jpg", "a.png", "A.JPG", "b.c.jpg", "b_c.jpg", "b_c_jpg.png", ".h.jpg"]

    keys = tar_keys(names)

    assert keys == ["a_jpg", "a_png", "A_JPG_2", "b_c_jpg", "b_c_jpg_2", "b_c_jpg_3", "_h"]
    assert len({key.casefold() for key in keys}) == len(names)
    assert all(webdataset_name(f"{key}.jpg") == (key, "jpg") for key in keys)
