"""Run the ablation of the distillation losses, row by row, and write its page.

    FEATHERDEPTH_DATA=<data folder> python -m tools.ablation runs/ablation --scenes scratch/scenes
    ... --rows teacher student ours --seed 0 --set steps=2000

Every row is a run that goes on where it was killed and is not run again once it is done. After
each row the suite recipes/ablation/suite.toml is filled in anew under docs/results/ablation, so
that what is finished is always told. Scenes come first:

    python -m tools.render scratch/scenes --count 1600 --seed 1 --size 320x240

With `--teacher weights/ablation-teacher --student weights/topformer-lite` the experiment goes on
from the weights that are kept; rows that were measured before keep their figures.
"""

import argparse
import csv
import json
import os
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from featherdepth import api
from featherdepth.config import from_table, read_toml
from featherdepth.data.storage import Storage
from featherdepth.images.atomic import write_atomic

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "recipes" / "ablation"
RESULTS = ROOT / "docs" / "results" / "ablation"
DONE = "done.json"
SIZE = (192, 256)
"""Of the inputs when rows are scored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of rows.toml."""

    name: str
    title: str
    photos: Literal["target", "source", "labelled"]
    losses: list[dict[str, Any]]
    labels: bool = False
    seeds: tuple[int, ...] = (0,)
    keys: dict[str, Any] = field(default_factory=dict)
    """Further keys of the recipe."""

    @property
    def asks_teacher(self) -> bool:
        """Whether the teacher itself is needed, for its inner maps."""
        return any("features" in loss for loss in self.losses)


def read_rows() -> tuple[list[Row], dict[str, Any]]:
    """The rows in their order, and the table of labels that some learn beside."""
    table = read_toml(RECIPES / "rows.toml")
    rows = [from_table(Row, row, f"rows.toml.{row.get('name')}") for row in table["rows"]]
    return rows, table["labels"]


def inline(value: Any) -> str:
    """A value as TOML on one line, for `key=value` assignments."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return json.dumps(value)


def gather_photos(kind: str, folder: Path, *, data: Path, scenes: Path) -> Path:
    """A folder with the photos of a kind, without any depth; made once.

    target: rooms of the unlabelled photos, and the NYUv2 test images outside of `val`; source: the
    pictures of the labelled source; labelled: the images that the teacher was trained on.
    """
    target = folder / kind
    if target.is_dir():
        return target
    partial = folder / f"{kind}.part"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    storage = Storage(data)
    splits = {"target": "labelled_extra", "labelled": "labelled"}
    names: list[str] = []
    if kind in splits:
        with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
            names = [row["rgb"] for row in csv.DictReader(file) if row["split"] == splits[kind]]
    if kind == "target":
        lines = (data / "splits" / "unlabelled.txt").read_text(encoding="utf-8").split()
        names += [line for line in lines if Path(line).name.startswith("rooms_")]
    for name in names:
        (partial / name.replace("/", "_")).write_bytes(storage.read(name))
    if kind == "source":
        for path in sorted(scenes.glob("*/rgb/*")):
            shutil.copy(path, partial / f"scenes_{path.parts[-3]}_{path.name}")
        for path in sorted(_permissive(data / "more")):
            shutil.copy(path, partial / f"more_{path.parts[-3]}_{path.name}")
    partial.rename(target)
    return target


def _permissive(more: Path) -> list[Path]:
    folders = [
        path.parent
        for path in more.glob("*/dataset.toml")
        if tomllib.loads(path.read_text(encoding="utf-8"))["class"] in ("A", "B")
    ]
    return [picture for folder in folders for picture in folder.glob("rgb/*")]


class Experiment:
    """The runs of the ablation under one folder."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.folder: Path = options.folder
        self.scenes: Path = options.scenes
        self.data = Path(os.environ["FEATHERDEPTH_DATA"])
        self.changes: list[str] = options.set
        self.threads: int = options.threads
        self.results: Path = options.results
        self.given: dict[str, Path] = {
            name: path
            for name, path in (("teacher", options.teacher), ("student", options.student))
            if path is not None
        }

    def path(self, name: str, seed: int = 0) -> Path:
        """The run folder of a row, or the model folder that stands for it."""
        if name in self.given:
            return self.given[name]
        return self.folder / (name if seed == 0 else f"{name}-seed{seed}")

    def once(self, folder: Path, run: Any) -> None:
        """Run unless the folder says that it is finished; go on where it was stopped."""
        if (folder / DONE).is_file():
            return
        print(f"{folder.name}: runs", flush=True)
        result = run()
        write_atomic(folder / DONE, json.dumps(result, default=str).encode())

    def teacher(self) -> None:
        """The teacher, on the official train split."""
        self._train("teacher", "teacher.toml", None)

    def student(self) -> None:
        """The start of all rows: features first, then labels of the source."""
        self._train("features", "features.toml", None)
        scenes = [f"data.0.root={json.dumps(str(self.scenes))}"]
        self._train("student", "source.toml", self.path("features"), scenes)

    def row(self, row: Row, labels: dict[str, Any], seed: int) -> None:
        """One distillation of the student."""
        folder = self.path(row.name, seed)
        photos = gather_photos(
            row.photos, self.folder / "photos", data=self.data, scenes=self.scenes
        )
        table: dict[str, Any] = {"losses": row.losses, "seed": seed, **row.keys}
        if row.labels:
            data = [dict(source) for source in labels["data"]]
            data[0]["root"] = str(self.scenes)
            table["labelled"] = {**labels, "data": data}
        self.once(
            folder,
            lambda: api.distill(
                photos,
                folder,
                teacher=self.path("teacher"),
                init=str(self.path("student")),
                recipe=RECIPES / "row.toml",
                assignments=[f"{k}={inline(v)}" for k, v in table.items()] + self.changes,
                cache=None if row.asks_teacher else self.folder / "maps" / row.photos,
                resume=True,
                threads=self.threads,
            ),
        )

    def tell(self, rows: list[Row]) -> None:
        """Fill in the suite with what is finished."""
        runs = {"teacher": self.path("teacher"), "student": self.path("student")}
        for row in rows:
            for seed in row.seeds:
                name = row.name if seed == 0 else f"{row.name}-{seed}"
                runs[name] = self.path(row.name, seed)
        done = {
            name: str(path)
            for name, path in runs.items()
            if name in self.given or (path / DONE).is_file()
        }
        if not {"teacher", "student"} <= set(done):
            return
        api.reproduce(
            RECIPES / "suite.toml",
            self.results,
            data=self.data,
            models=done,
            size=SIZE,
            threads=self.threads,
        )

    def _train(
        self, name: str, recipe: str, init: Path | None, changes: list[str] | None = None
    ) -> None:
        folder = self.path(name)
        self.once(
            folder,
            lambda: api.train(
                RECIPES / recipe,
                folder,
                resume=True,
                init=None if init is None else str(init),
                assignments=(changes or []) + self.changes,
                threads=self.threads,
            ),
        )


def main() -> None:
    """Run the rows that were asked for, in their order."""
    rows, labels = read_rows()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=Path, default=Path("scratch/scenes"))
    parser.add_argument("--rows", nargs="+", help="teacher, student and names of rows.toml; all")
    parser.add_argument("--teacher", type=Path, help="a model folder in place of a training")
    parser.add_argument("--student", type=Path, help="the same, where all rows begin")
    parser.add_argument("--seed", type=int, nargs="+", help="only these; all of each row")
    parser.add_argument("--set", action="append", default=[], help="key=value, for every run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    wanted = options.rows or ["teacher", "student", *(row.name for row in rows)]
    unknown = set(wanted) - {"teacher", "student", *(row.name for row in rows)}
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}")
    experiment = Experiment(options)
    if "teacher" in wanted and options.teacher is None:
        experiment.teacher()
    if "student" in wanted and options.student is None:
        experiment.student()
    experiment.tell(rows)
    for row in rows:
        for seed in row.seeds:
            if row.name in wanted and (options.seed is None or seed in options.seed):
                experiment.row(row, labels, seed)
                experiment.tell(rows)


if __name__ == "__main__":
    main()
