"""Networks by name."""

import pytest
import torch

from featherdepth.errors import UsageError
from featherdepth.networks.build import build_network


def test_lists_from_a_json_file_serve_as_settings():
    with torch.device("meta"):
        network = build_network("fast", {"inject": [32, 32, 32, 32], "widths": [32, 48, 64]})

    assert network.encoder.channels == (32, 32, 32, 32)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("smal", {}, "did you mean 'small'"),
        ("small", {"width": [1, 2, 3]}, "unexpected keyword argument 'width'"),
        ("small", {"widths": [1, 2]}, "3 widths"),
        ("small", {"encoder": "vgg"}, "encoders: efficientnet-lite0"),
        ("efficientnet-lite0", {"mean": (0, 0, 0)}, "unexpected keyword"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(name, settings, message):
    with pytest.raises(UsageError, match=message) as caught:
        build_network(name, settings)

    assert "\n" not in str(caught.value)
