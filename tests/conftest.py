"""Fixtures that more than one room uses."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import PIL.Image
import pytest
from filelock import FileLock

from sharing import shared_folder
from tracing import no_shape_checks

if TYPE_CHECKING:
    from torch import nn

SHIPPED_PHOTOS = Path(__file__).parents[1] / "docs" / "photos"


@pytest.fixture(autouse=True, scope="session")
def _compiled_models_stay_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is compiled in tests is kept for the session, not in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEATHERDEPTH_CACHE", str(tmp_path_factory.mktemp("compiled")))
        yield


@pytest.fixture
def traceable() -> Iterator[None]:
    with no_shape_checks():
        yield


@pytest.fixture(scope="session")
def randomize() -> "Callable[[nn.Module], nn.Module]":
    """Give BatchNorm layers statistics that a wrong folding would show."""
    from torch import nn

    def apply(module: nn.Module) -> nn.Module:
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                nn.init.normal_(part.running_mean, 0, 0.1)
                nn.init.uniform_(part.running_var, 0.5, 2)
                nn.init.uniform_(part.weight, 0.5, 2)
                nn.init.normal_(part.bias, 0, 0.1)
                # Trained networks have channels that never fire: no variance, a small weight.
                nn.init.zeros_(part.running_var[:1])
                nn.init.constant_(part.weight[:1], 0.01)
        return module.eval()

    return apply


@pytest.fixture(scope="session")
def make_model(
    tmp_path_factory: pytest.TempPathFactory, randomize: "Callable[[nn.Module], nn.Module]"
) -> Callable[..., Path]:
    """A model folder of a network with random weights, graph included.

    Keywords replace what its config.json says; `graph=False` saves seconds.
    """
    import torch

    from featherdepth.export.onnx import write_graph
    from featherdepth.networks.build import build_network
    from featherdepth.networks.folder import GRAPH
    from featherdepth.networks.weights import save_model
    from featherdepth.types import DepthKind, Preset

    def make(
        network: str,
        *,
        graph: bool = True,
        storage: Literal["fp16", "int8"] = "fp16",
        **changes: Any,
    ) -> Path:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            module = randomize(build_network(network))
        mean, std = (
            tuple(t.flatten().tolist()) for t in (module.normalize.mean, module.normalize.std)
        )
        folder = tmp_path_factory.mktemp("models") / network
        said = {
            "name": f"random-{network}",
            "network": network,
            "kind": DepthKind.AFFINE_INVARIANT,
            "mean": mean,
            "std": std,
            "params": 0,
            "macs": 0,
            "license": "Apache-2.0",
        }
        preset, card = Preset(**(said | changes)), f"# random {network}\n"
        save_model(folder, preset, module, card, storage=storage)
        if graph:
            # A graph holds for all weights of a layout: traced once for all processes.
            layout = f"{network}-{storage}-{preset.settings}-{preset.multiple}"
            shared = shared_folder(tmp_path_factory) / f"{layout}.onnx"
            with FileLock(f"{shared}.lock"):
                if not shared.exists():
                    with no_shape_checks():
                        shutil.copyfile(write_graph(folder), shared)
            shutil.copyfile(shared, folder / GRAPH)
        return folder

    return make


@pytest.fixture(scope="session")
def small_model(make_model: Callable[..., Path]) -> Path:
    """A model folder of the network `small` with random weights; not to be written into."""
    return make_model("small")


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen photos of two shapes in two folders, 96 and 64 pixels; not to be written into."""
    folder = tmp_path_factory.mktemp("domain") / "holiday"
    shipped = sorted(SHIPPED_PHOTOS.glob("*.jpg"))
    for i in range(14):
        with PIL.Image.open(shipped[i % len(shipped)]) as photo:
            small = photo.convert("RGB").resize((96, 64) if i % 3 else (64, 96))
        path = folder / ("first", "second")[i % 2] / f"{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if i >= len(shipped):
            small = small.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
        small.save(path)
    return folder
