"""Run the ablation of the distillation losses, row by row, and write its page.

    FEATHERDEPTH_DATA=<data folder> python -m tools.ablation runs/ablation --scenes scratch/scenes
    ... --rows teacher student ours --seed 0 --set steps=2000
    ... runs/streets --domain streets --student weights/topformer-lite-source

Every row is a run that goes on where it was killed and is not run again once it is done. After each
row the suite of its domain is filled in anew under docs/results, so that what is finished is always
told. Scenes come first:

    python -m tools.render scratch/scenes --count 1600 --seed 1 --size 320x240

With `--teacher weights/ablation-teacher --student weights/topformer-lite-source` the experiment on
rooms goes on from the weights that are kept; rows that were measured before keep their figures.
Streets are data for research alone (class C): their rows keep figures, and no weights.
"""

import argparse
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.ablation.photos import DOMAINS, TERMS, Kind, gather
from tools.ablation.places import RECIPES, results_of

from featherdepth import api
from featherdepth.config import from_table, read_toml
from featherdepth.images.atomic import write_atomic

DONE = "done.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of a domain."""

    name: str
    title: str
    photos: Kind
    losses: list[dict[str, Any]]
    labels: bool = False
    part: bool = False
    """Of what the parts of ours are worth: `tools.ablation.page` tells them apart."""
    seeds: tuple[int, ...] = (0,)
    keys: dict[str, Any] = field(default_factory=dict)
    """Further keys of the recipe."""

    @property
    def asks_teacher(self) -> bool:
        """Whether the teacher itself is needed, for its inner maps."""
        return any("features" in loss for loss in self.losses)


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """What rows.toml of a domain holds."""

    size: tuple[int, int]
    """Of the inputs when rows are scored."""
    labels: dict[str, Any]
    """The labeled source, beside which some rows are taught."""
    rows: tuple[Row, ...]
    keys: dict[str, Any] = field(default_factory=dict)
    """Of all rows, over those of row.toml."""


def read_domain(name: str) -> Domain:
    """The rows of a domain, in their order."""
    return from_table(Domain, read_toml(RECIPES / name / "rows.toml"), f"{name}/rows.toml")


def inline(value: Any) -> str:
    """A value as TOML on one line, for `key=value` assignments."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return json.dumps(value)


class Experiment:
    """The runs of a domain, under one folder."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.name: str = options.domain
        self.domain = read_domain(self.name)
        self.folder: Path = options.folder
        self.scenes: Path = options.scenes
        self.data = Path(os.environ["FEATHERDEPTH_DATA"])
        self.changes: list[str] = options.set
        self.threads: int = options.threads
        self.results: Path = options.results or results_of(self.name)
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
        """The teacher, on the labels of its part of the domain."""
        self._train("teacher", f"{self.name}/teacher.toml", None)

    def student(self) -> None:
        """The start of all rows: features first, then labels of the source."""
        self._train("features", "features.toml", None)
        scenes = [f"data.0.root={json.dumps(str(self.scenes))}"]
        self._train("student", "source.toml", self.path("features"), scenes)

    def row(self, row: Row, seed: int) -> None:
        """One distillation of the student."""
        folder = self.path(row.name, seed)
        photos = gather(
            row.photos, self.name, self.folder / "photos", data=self.data, scenes=self.scenes
        )
        terms = TERMS[self.name][row.photos]
        table = {"losses": row.losses, "seed": seed, "photo_terms": terms}
        table |= {**self.domain.keys, **row.keys}
        if row.labels:
            labels = self.domain.labels
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

    def tell(self) -> None:
        """Fill in the suite with what is finished."""
        runs = {"teacher": self.path("teacher"), "student": self.path("student")}
        for row in self.domain.rows:
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
            RECIPES / self.name / "suite.toml",
            self.results,
            data=self.data,
            models=done,
            size=self.domain.size,
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--domain", choices=sorted(DOMAINS), default="rooms")
    parser.add_argument("--scenes", type=Path, default=Path("scratch/scenes"))
    parser.add_argument("--rows", nargs="+", help="teacher, student and names of rows.toml; all")
    parser.add_argument("--teacher", type=Path, help="a model folder in place of a training")
    parser.add_argument("--student", type=Path, help="the same, where all rows begin")
    parser.add_argument("--seed", type=int, nargs="+", help="only these; all of each row")
    parser.add_argument("--set", action="append", default=[], help="key=value, for every run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, help="docs/results/ablation, for rooms")
    options = parser.parse_args()
    experiment = Experiment(options)
    rows = experiment.domain.rows
    known = ["teacher", "student", *(row.name for row in rows)]
    wanted = options.rows or known
    if unknown := set(wanted) - set(known):
        parser.error(f"no row {', '.join(sorted(unknown))}")
    if "teacher" in wanted and options.teacher is None:
        experiment.teacher()
    if "student" in wanted and options.student is None:
        experiment.student()
    experiment.tell()
    for row in rows:
        for seed in row.seeds:
            if row.name in wanted and (options.seed is None or seed in options.seed):
                experiment.row(row, seed)
                experiment.tell()


if __name__ == "__main__":
    main()
