"""Run folders as `distill` leaves them, small and made by code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from featherdepth.images.colormap import colorize
from featherdepth.types import Depth, DepthKind

Change = Callable[[dict[str, Any]], None]
SIZE = (192, 256)


def estimate(values: np.ndarray) -> dict[str, float]:
    half = 1.96 * values.std() / len(values) ** 0.5
    mean = values.mean()
    return {"value": mean, "low": mean - half, "high": mean + half}


def scene(index: int) -> tuple[np.ndarray, np.ndarray]:
    """A room of a few boxes: (photo, depth)."""
    random = np.random.default_rng(index)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] / SIZE[1]
    depth = 4.0 - 3.5 * np.clip(y - 0.35, 0, 1) + 0.4 * np.sin(5 * x + index)
    photo = np.stack([150 + 70 * y, 140 + 60 * x, 130 - 40 * y], axis=-1)
    for _ in range(4):
        top, left = random.integers(20, 120), random.integers(0, 200)
        h, w = random.integers(30, 70, size=2)
        depth[top : top + h, left : left + w] = random.uniform(1.0, 3.0)
        photo[top : top + h, left : left + w] = random.integers(40, 220, size=3)
    photo += random.normal(0, 6, photo.shape)
    return photo.clip(0, 255).astype(np.uint8), depth.astype(np.float32)


def blurred(values: np.ndarray, times: int) -> np.ndarray:
    for _ in range(times):
        for axis in (0, 1):
            values = (np.roll(values, 2, axis) + values + np.roll(values, -2, axis)) / 3
    return values.astype(np.float32)


def write_pictures(folder: Path, keys: list[str]) -> list[dict[str, str]]:
    rows = []
    (folder / "report").mkdir(exist_ok=True)
    for i, key in enumerate(keys):
        photo, depth = scene(i)
        maps = {"before": blurred(depth, 20), "after": blurred(depth, 4), "teacher": depth}
        row = {"key": key, "role": "sample" if i < len(keys) / 2 else "worst"}
        for name in ("photo", *maps):
            pixels = photo
            if name in maps:
                valid = np.ones(SIZE, dtype=bool)
                kind = DepthKind.AFFINE_INVARIANT
                pixels = colorize(Depth(values=maps[name], valid=valid, kind=kind))
            row[name] = f"report/{i:04d}-{name}.jpg"
            PIL.Image.fromarray(pixels).save(folder / row[name], quality=85)
        rows.append(row)
    return rows


def document(photos: int, *, gain: float = -0.09) -> dict[str, Any]:
    """What distillation.json says; its figures are those of its photos."""
    random = np.random.default_rng(0)
    before = random.gamma(12, 0.026, photos)
    after = np.abs(before * (1 + gain / before.mean()) + random.normal(0, 0.02, photos))
    default = before * 0.85 + random.normal(0, 0.02, photos)
    states = {
        name: [{"rms": float(v), "delta1": float(np.exp(-1.1 * v**2))} for v in values]
        for name, values in (("before", before), ("after", after), ("default", default))
    }

    def over(name: str, minus: str | None = None) -> dict[str, Any]:
        columns = {}
        for measure in ("rms", "delta1"):
            values = np.array([row[measure] for row in states[name]])
            if minus is not None:
                values = values - np.array([row[measure] for row in states[minus]])
            columns[measure] = estimate(values)
        return columns

    rows = [
        {"key": f"rooms/{i:04d}.jpg", **{name: states[name][i] for name in states}}
        for i in range(photos)
    ]
    imagenet = {
        "name": "efficientnet_lite2",
        "class": "B",
        "terms": "ImageNet-pretrained weights (class B: research terms of the images)",
        "use": "start of the encoder",
    }
    return {
        "teacher": {
            "name": "teacher-labelled",
            "kind": "affine_invariant",
            "license": "Apache-2.0",
            "params": 16_873_217,
            "commercial": True,
            "materials": [
                {
                    "name": "data (labelled)",
                    "class": "B",
                    "terms": "NYU Depth V2 (class B: research, no redistribution of the images)",
                    "use": "training, 1261 frames",
                },
                imagenet,
            ],
            "ms": 612.4,
            "input": [384, 512],
        },
        "student": {
            "name": "rooms-small",
            "network": "small",
            "params": 3_456_977,
            "macs": 3_725_737_344,
            "ms": 41.8,
            "bytes": 6_991_234,
            "kind": "affine_invariant",
            "license": "Apache-2.0",
            "materials": [
                {"name": "scenes", "class": "A", "terms": "own renders (class A)", "use": "start"},
                {"name": "unknown set", "class": "C", "terms": "", "use": "start"},
            ],
            "input": [256, 320],
        },
        "initial": {"name": "random weights"},
        "default": {"name": "small"},
        "photos": {
            "name": "rooms",
            "count": 10 * photos,
            "held_out": photos,
            "failed": [{"photo": "rooms/broken.jpg", "error": "cannot decode; the file is cut"}],
            "terms": "CC BY 4.0",
        },
        "agreement": {
            **{name: over(name) for name in states},
            "gain": over("after", "before"),
            "gain_over_default": over("after", "default"),
            "photos": rows,
        },
        "drift": {
            "steps": list(range(0, 4001, 100)),
            "mean": [0.1 * np.sin(i / 5) for i in range(41)],
            "spread": [1.0 + 0.004 * i for i in range(41)],
            "alarms": [],
        },
        "training": {
            "steps": 4000,
            "best_step": 3600,
            "stopped": "steps",
            "seconds": 4350.2,
            "losses": [
                {"name": "channel_kl", "weight": 1.0, "on": "map"},
                {"name": "geometric", "weight": 0.1, "on": "points"},
            ],
            "labels": "cached",
        },
        "pictures": [],
    }


def write_journal(path: Path) -> None:
    random = np.random.default_rng(1)
    lines: list[dict[str, Any]] = []
    for step in range(20, 4001, 20):
        kl = 0.8 * step**-0.45 * random.lognormal(0, 0.12)
        points = 2.5 * step**-0.3 * random.lognormal(0, 0.12)
        losses = {"channel_kl": kl, "geometric": points, "anchor": 0.004}
        line = {"step": step, "total": kl + 0.1 * points, "losses": losses, "lr": 1e-3}
        lines.append(line | {"grad_norm": 1.0, "speed": {"images_per_s": 21.0, "seconds": 8.0}})
        if step % 400 == 0:
            rms = 0.21 + 0.4 * step**-0.35
            lines.append({"step": step, "validation": {"rms": rms, "delta1": 1.02 - rms / 2}})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def make_document() -> Callable[[int], dict[str, Any]]:
    """What distillation.json says of a run with that many held-out photos."""
    return document


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a run folder; `change` alters the document before it is written."""

    def make(change: Change | None = None, photos: int = 40, pictures: int = 2) -> Path:
        folder = tmp_path / "run"
        folder.mkdir()
        found = document(photos)
        keys = [row["key"] for row in found["agreement"]["photos"]]
        found["pictures"] = write_pictures(folder, keys[:pictures])
        if change is not None:
            change(found)
        (folder / "distillation.json").write_text(json.dumps(found), encoding="utf-8")
        write_journal(folder / "journal.jsonl")
        about = {
            "recipe": {"photos": {"root": "/home/someone/rooms"}, "steps": 4000},
            "seed": 7,
            "commit": "0123456789abcdef",
            "versions": {"featherdepth": "0.1.0", "torch": "2.13.0", "device": "cpu"},
        }
        (folder / "run.json").write_text(json.dumps(about))
        (folder / "config.json").write_text(json.dumps({"sha256": "ab" * 32}))
        return folder

    return make
