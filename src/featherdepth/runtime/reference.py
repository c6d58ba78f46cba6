"""How a model is named.

    small                an embedded model; `default` is the everyday one
    ./folder             a model folder, such as a run
    NETWORK@FILE         another's weights for a network we have: leres-resnet50@res50.pth
    file.onnx, file.xml  what `featherdepth export` wrote

A folder beside you that has the name of an embedded model is `./small`.
"""

from dataclasses import dataclass
from pathlib import Path

from featherdepth.errors import UsageError, WeightsError, suggestion
from featherdepth.networks import NETWORKS
from featherdepth.networks.folder import CONFIG, GRAPH, WEIGHTS
from featherdepth.runtime.exported import SUFFIXES
from featherdepth.runtime.presets import DEFAULT, depth_models, embedded_folder, embedded_models

TEACHERS_ONLY = {
    "hf:": "models of the hub are teachers, for distill and label; expected a name or a folder",
    "py:": "Python functions are teachers, for distill and label; expected a name or a folder",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """Where a model lies: a folder, an exported file, or a foreign one with its network."""

    path: Path
    network: str | None = None
    """Set for a foreign file."""


def resolve(reference: str | Path | None, *, files: bool = False) -> Reference:
    """Find the model that `reference` names; None stands for the everyday model.

    Args:
        files: whether exported files are taken too; what wants weights takes none.

    Raises:
        UsageError: no such model, or a kind of reference that this version does not read.
        WeightsError: a file or folder that is named but is not there or is no model.
    """
    if isinstance(reference, Path):
        return Reference(path=_place(reference, files))
    name = "default" if reference is None else reference
    if name == "default":
        name = DEFAULT
        if name not in embedded_models():
            raise WeightsError(
                f"model {name!r}: this installation carries no weights; expected"
                f" {embedded_folder(name)}; name a model folder, such as ./run"
            )
    if name in embedded_models():
        return Reference(path=embedded_folder(name))
    for prefix, reason in TEACHERS_ONLY.items():
        if name.startswith(prefix):
            raise UsageError(f"model {name!r}: {reason}")
    network, at, file = name.partition("@")
    if at and network in NETWORKS:
        if not Path(file).is_file():
            raise WeightsError(f"model {name!r}: no file {file!r}; expected the weights there")
        return Reference(path=Path(file), network=network)
    path = Path(name).expanduser()
    if not name.strip():  # a variable of the shell that is not set; as a path it is this folder
        raise UsageError(_unknown(name, has_file=False, network=""))
    if path.exists() or len(path.parts) > 1 or name.startswith(".") or path.suffix in SUFFIXES:
        return Reference(path=_place(path, files))
    raise UsageError(_unknown(name, at != "", network))


def _place(path: Path, files: bool) -> Path:
    if not path.exists():
        raise WeightsError(f"{path}: no such file or folder; expected a model folder with {CONFIG}")
    if path.is_file():
        if (path.parent / CONFIG).is_file() and path.name in (CONFIG, WEIGHTS, GRAPH):
            raise UsageError(f"{path}: is a part of a model folder; name the folder, {path.parent}")
        if not files or path.suffix not in SUFFIXES:
            raise UsageError(f"{path}: a single file is not a model here; {_files(path, files)}")
        return path
    if not (path / CONFIG).is_file():
        raise WeightsError(f"{path}: has no {CONFIG}; expected a model folder")
    return path


def _files(path: Path, files: bool) -> str:
    if not files:
        other = "an ONNX file is a teacher, for distill and label; " * (path.suffix == ".onnx")
        return other + "expected a folder or NETWORK@FILE"
    if path.suffix == ".bin":
        return f"of an OpenVINO model name the .xml, {path.with_suffix('.xml').name}"
    if path.suffix == ".pt2":
        return "a .pt2 is for programs with torch; export --to onnx or openvino to use it here"
    return f"expected a folder, an exported {' or '.join(SUFFIXES)} file, or NETWORK@FILE"


def _unknown(name: str, has_file: bool, network: str) -> str:
    if has_file:
        hint = suggestion(network, NETWORKS)
        return f"model {name!r}: unknown network {network!r}; {hint}"
    models = depth_models()
    known = f"embedded: {', '.join(models) or 'none'}; or a folder, or NETWORK@FILE"
    return f"unknown model {name!r}; {suggestion(name, models, known)}"
