"""Of a large folder only some photos are gone through, from its front to its end."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from featherdepth.export import pictures
from featherdepth.export.pictures import Photos
from featherdepth.networks.folder import read_config
from featherdepth.runtime.presets import embedded_folder


@pytest.mark.parametrize(("most", "names"), [(3, "0 6 12"), (13, None), (100, None)])
def test_a_large_folder_is_looked_at_evenly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, names: str | None
) -> None:
    monkeypatch.setattr(pictures, "MOST", most)
    for number in range(13):
        PIL.Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / f"{number:02d}.png")
    preset = read_config(embedded_folder("small"))

    photos = Photos([tmp_path], preset, fixed=None, channels=3)

    expected = range(13) if names is None else map(int, names.split())
    assert [int(path.stem) for path in photos.paths] == list(expected)
    assert (photos.found, len(photos)) == (13, len(photos.paths))
