"""A decoded photo is an `Image` like any other, whose array is made when somebody asks for it."""

import io
import pickle
import threading
from dataclasses import replace

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from featherdepth.geometry.camera import assumed_intrinsics
from featherdepth.images.decoded import DecodedImage, picture_of
from featherdepth.images.prepare import prepare
from featherdepth.images.read import read_image
from featherdepth.types import Image

NOISE = np.random.default_rng(0).integers(0, 256, (30, 44, 3), np.uint8)


def decoded(orientation: int = 1) -> DecodedImage:
    buffer = io.BytesIO()
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(NOISE).save(buffer, "PNG", exif=exif)
    image = read_image(buffer.getvalue(), name="noise")
    assert isinstance(image, DecodedImage)
    return image


def test_the_array_is_made_once_and_the_picture_let_go():
    image = decoded()

    assert image.picture is not None and image.size == (30, 44)
    np.testing.assert_array_equal(image.pixels, NOISE)
    assert image.pixels is image.pixels and image.pixels.flags.writeable
    assert image.picture is None and image.size == image.photo_size == (30, 44)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_network_sees_the_same_with_and_without_an_array(orientation):
    image = decoded(orientation)
    seen = prepare(image, size=(64, 64))

    assert image.picture is not None, "an array was made"
    plain = Image(pixels=image.pixels)
    np.testing.assert_array_equal(prepare(plain, size=(64, 64)), seen)
    np.testing.assert_array_equal(prepare(image, size=(64, 64), threads=2), seen)
    assert picture_of(plain).size == (image.size[1], image.size[0])


def test_copies_hold_the_same_photo():
    camera = assumed_intrinsics(30, 44)

    known, sent = replace(decoded(), intrinsics=camera), pickle.loads(pickle.dumps(decoded()))

    assert known.intrinsics is camera and known.name == sent.name == "noise"
    assert type(sent) is Image
    np.testing.assert_array_equal(known.pixels, NOISE)
    np.testing.assert_array_equal(sent.pixels, NOISE)
    with pytest.raises(AttributeError, match="pixel"):
        known.pixel  # noqa: B018


def test_a_picture_of_the_caller_may_be_painted_on_afterwards():
    picture = PIL.Image.fromarray(NOISE)
    image = read_image(picture)

    PIL.ImageDraw.Draw(picture).rectangle((0, 0, 44, 30), fill="white")

    np.testing.assert_array_equal(image.pixels, NOISE)


def test_threads_that_ask_at_once_get_the_same_pixels():
    for _ in range(50):
        image, found = decoded(), []
        start = threading.Barrier(4)

        def ask(image=image, found=found, start=start):
            start.wait()
            found.append(image.pixels.sum())

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [NOISE.sum()] * 4
