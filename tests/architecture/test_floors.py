"""The house stands: a room imports only from floors below it, and starting up loads no torch."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import featherdepth

ORDER = "errors registry config types rng | geometry | images | data metrics | networks losses"
ORDER += " | training runtime | distill completion"
ORDER += " | evaluation export report cluster app | api | cli"
FLOOR_OF = {room: n for n, rooms in enumerate(ORDER.split("|")) for room in rooms.split()}
ROOT = Path(featherdepth.__file__).parent
FILES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT or not p.name.startswith("__"))
NO_TORCH = {"errors", "registry", "config", "types", "rng", "geometry", "images", "data", "metrics"}
HEAVY = ["torch", "scipy", "cv2", "openvino", "transformers", "matplotlib", "ray", "pyarrow"]


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):  # walks into functions: lazy imports count
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports escape this test; write them absolute"
            names |= {node.module or ""} | {f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
    return names


def faults(source: str, here: str) -> list[str]:
    """What is wrong with the imports of a file of room `here`."""
    if here not in FLOOR_OF:
        return [f"{here} has no floor: give it one or move it"]
    names = imported(ast.parse(source))
    rooms = {n.split(".")[1] for n in names if n.startswith("featherdepth.")} & set(FLOOR_OF)
    level = FLOOR_OF[here]
    up = sorted(r for r in rooms if r != here and FLOOR_OF[r] >= level > 0)
    found = [f"{here} may not import {r}" for r in up]
    if here in NO_TORCH and any(n.split(".")[0] == "torch" for n in names):
        found.append(f"{here} may not import torch")
    for room, target in re.findall(r'"featherdepth\.(\w+)\.([\w.]+):\w+"', source):
        if room != here:
            found.append(f"{here} names {room}.{target}: a registry points into its own room")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_only_go_down(path: Path) -> None:
    here = path.relative_to(ROOT).parts[0].removesuffix(".py")

    assert not faults(path.read_text(encoding="utf-8"), here)


@pytest.mark.parametrize(
    ("source", "here"),
    [
        ("from featherdepth.api import predict", "data"),
        ("def f():\n    from featherdepth.training.loop import run", "runtime"),
        ("import featherdepth.networks.lite", "losses"),
        ("import torch", "geometry"),
        ("x = 1", "utils"),
        ('T = {"a": "featherdepth.losses.mse:MSE"}', "networks"),
    ],
)
def test_the_check_above_can_fail(source: str, here: str) -> None:
    assert faults(source, here)


def test_only_the_room_of_the_cluster_knows_ray() -> None:
    users = {
        path.relative_to(ROOT).parts[0]
        for path in FILES
        if any(name.split(".")[0] == "ray" for name in imported(ast.parse(path.read_text())))
    }

    assert users == {"cluster"}


def module_circles(edges: dict[str, set[str]]) -> list[str]:
    """Modules from which one gets back to the module by following imports."""

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(edges[start])
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += edges.get(node, set())
        return seen

    return sorted(m for m in edges if m in reach(m))


def test_no_module_imports_itself_in_a_circle() -> None:
    modules = {
        "featherdepth." + ".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in FILES
    }
    modules = {m.removesuffix(".__init__"): p for m, p in modules.items()}
    edges = {m: imported(ast.parse(p.read_text())) & set(modules) - {m} for m, p in modules.items()}

    assert not module_circles(edges)


def test_the_circle_check_can_fail() -> None:
    assert module_circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c"]


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print(*[m for m in {HEAVY} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["featherdepth", "featherdepth.cli.main", "featherdepth.losses", "featherdepth.networks"],
)
def test_starting_up_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(f"import {module}")


def test_the_probe_above_can_fail() -> None:
    assert "torch" in loaded_by("import torch")
