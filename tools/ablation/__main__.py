"""Run the ablation of the distillation losses, row by row, and write its page.

    FEATHERDEPTH_DATA=<data folder> python -m tools.ablation runs/ablation --scenes scratch/scenes
    ... --rows teacher student ours --seed 0 --set steps=2000
    ... runs/streets --domain streets --student weights/topformer-lite-source

Every row is a run that goes on where it was killed and is not run again once it is done; one that
was made by another recipe, teacher or student, or with another --set, is refused. After each row
the suite of its domain is filled in anew under docs/results, so that what is finished is always
told. Scenes come first:

    python -m tools.render scratch/scenes --count 1600 --seed 1 --size 320x240

With `--teacher weights/ablation-teacher --student weights/topformer-lite-source` the experiment on
rooms goes on from its own weights (docs/ablation.md says where they are); rows that were measured
before keep their figures; `--domain rooms-base` is the same for students of the paper's network.
Streets are data for research alone (class C): their rows keep figures, and no weights.
"""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.ablation.done import DONE, Made, is_done, made_by, write_done
from tools.ablation.photos import DOMAINS, TERMS, gather
from tools.ablation.places import RECIPES, results_of
from tools.ablation.rows import Row, inline, read_domain

from featherdepth import api
from featherdepth.config import DATA_VARIABLE
from featherdepth.errors import FeatherDepthError, RunError, UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """One of the trainings that come before the rows."""

    recipe: str
    init: str = ""
    """Name of the training that it begins from."""
    keys: dict[str, Any] = field(default_factory=dict)
    """Over those of the recipe."""
    scenes: bool = False
    """Learns from the rendered scenes."""


class Experiment:
    """The runs of a domain, under one folder.

    Raises:
        UsageError: nothing says where the data are.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.name: str = options.domain
        self.domain = read_domain(self.name)
        self.folder: Path = options.folder
        self.scenes: Path = options.scenes
        data = os.environ.get(DATA_VARIABLE)
        if not data:
            raise UsageError(f"{DATA_VARIABLE} is not set; expected the data folder")
        self.data = Path(data)
        self.changes: list[str] = options.set
        self.threads: int = options.threads
        self.results: Path = options.results or results_of(self.name)
        self.given: dict[str, Path] = {
            name: path
            for name, path in (("teacher", options.teacher), ("student", options.student))
            if path is not None
        }
        self.begin: Path | None = options.begin
        network = {"network": self.domain.student}
        source = network | self.domain.source
        self.trainings = {
            "teacher": Training(recipe=f"{self.domain.like or self.name}/teacher.toml"),
            "features": Training(recipe="features.toml", keys=network),
            "student": Training(
                recipe="source.toml",
                init="" if "encoder_weights" in source else "features",
                keys=source,
                scenes=True,
            ),
        }

    def path(self, name: str, seed: int = 0) -> Path:
        """The run folder of a row, or the model folder that stands for it."""
        if name in self.given:
            return self.given[name]
        return self.folder / (name if seed == 0 else f"{name}-seed{seed}")

    def once(self, folder: Path, made: Made, run: Callable[[], dict[str, Any]]) -> None:
        """Run unless the folder says that it is finished; go on where it was stopped.

        Raises:
            RunError: what is finished there was made by something else.
        """
        if is_done(folder, made):
            return
        print(f"{folder.name}: runs", flush=True)
        write_done(folder, run(), made)

    def teacher(self) -> None:
        """The teacher, on the labels of its part of the domain."""
        self._train("teacher")

    def student(self) -> None:
        """The start of all rows: features first, then labels of the source."""
        if self.trainings["student"].init:
            self._train("features")
        self._train("student")

    def row(self, row: Row, seed: int) -> None:
        """One distillation of the student.

        Raises:
            RunError: as `once`; the row that it goes on from is not finished.
        """
        folder, begin = self.path(row.name, seed), self.begins(row)
        if row.begins and self.begin is None and not (begin / DONE).is_file():
            raise RunError(f"{begin}: not finished, and {row.name} goes on from it; run it first")
        photos = gather(
            row.photos, self.name, self.folder / "photos", data=self.data, scenes=self.scenes
        )
        if row.features:
            self.features(row, photos)
        self.once(
            folder,
            self.made_by_row(row, seed),
            lambda: api.distill(
                photos,
                folder,
                teacher=f"mean:{self.path('teacher')}" if row.mirrored else self.path("teacher"),
                init=str(self.start(row)),
                recipe=RECIPES / "row.toml",
                assignments=self._assignments(row, seed) + self.changes,
                cache=None if row.asks_teacher else self._maps(row),
                resume=True,
                threads=self.threads,
            ),
        )

    def features(self, row: Row, photos: Path) -> None:
        """A feature stage on the photos of a row, before it."""
        begin = self.begins(row)
        keys = {"photos": str(photos), "photo_terms": TERMS[self.name][row.photos], **row.features}
        assignments = [f"{key}={inline(value)}" for key, value in keys.items()]
        self.once(
            self.start(row),
            made_by(RECIPES / "features.toml", assignments, [], models={"init": begin}),
            lambda: api.train(
                RECIPES / "features.toml",
                self.start(row),
                resume=True,
                init=str(begin),
                assignments=assignments,
                threads=self.threads,
            ),
        )

    def tell(self) -> None:
        """Fill in the suite with what is finished.

        Rows may be run with other changes of the command line, as one longer than the others.

        Raises:
            RunError: a row that was made by another recipe, teacher or student than now.
        """
        runs: dict[str, tuple[Path, Made]] = {
            name: (self.path(name), self.made_by_training(name)) for name in ("teacher", "student")
        }
        for row in self.domain.rows:
            for seed in row.seeds:
                name = row.name if seed == 0 else f"{row.name}-{seed}"
                runs[name] = (self.path(row.name, seed), self.made_by_row(row, seed))
        done = {
            name: str(path)
            for name, (path, made) in runs.items()
            if name in self.given
            or is_done(path, {key: value for key, value in made.items() if key != "set"})
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

    def made_by_row(self, row: Row, seed: int) -> Made:
        """What makes the run of a row."""
        return made_by(
            RECIPES / "row.toml",
            self._assignments(row, seed),
            self.changes,
            photos=row.photos,
            models={"teacher": self.path("teacher"), "student": self.start(row)},
        )

    def start(self, row: Row) -> Path:
        """The model folder whose student the row is initialized with."""
        return self.folder / f"{row.name}-features" if row.features else self.begins(row)

    def begins(self, row: Row) -> Path:
        """The model folder of what comes before the row and its own feature stage."""
        if row.begins:
            return self.begin or self.path(row.begins)
        return self.path("student")

    def made_by_training(self, name: str) -> Made:
        """What makes a run that comes before the rows."""
        training = self.trainings[name]
        return made_by(
            RECIPES / training.recipe,
            self._keys(training),
            self.changes,
            models={"init": self.path(training.init)} if training.init else {},
        )

    def _maps(self, row: Row) -> Path:
        return self.folder / "maps" / (f"{row.photos}-mirrored" if row.mirrored else row.photos)

    def _assignments(self, row: Row, seed: int) -> list[str]:
        terms = TERMS[self.name][row.photos]
        table = {"losses": row.losses, "seed": seed, "photo_terms": terms}
        table["student"] = self.domain.student
        table |= {**self.domain.keys, **row.keys}
        if row.labels:
            labels = self.domain.labels
            data = [dict(source) for source in labels["data"]]
            data[0]["root"] = str(self.scenes)
            table["labelled"] = {**labels, "data": data}
        return [f"{key}={inline(value)}" for key, value in table.items()]

    def _keys(self, training: Training) -> list[str]:
        scenes = {"data.0.root": str(self.scenes)} if training.scenes else {}
        return [f"{key}={inline(value)}" for key, value in {**scenes, **training.keys}.items()]

    def _train(self, name: str) -> None:
        folder, training = self.path(name), self.trainings[name]
        self.once(
            folder,
            self.made_by_training(name),
            lambda: api.train(
                RECIPES / training.recipe,
                folder,
                resume=True,
                init=str(self.path(training.init)) if training.init else None,
                assignments=self._keys(training) + self.changes,
                threads=self.threads,
            ),
        )


def main() -> int:
    """Run the rows that were asked for, in their order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--domain", choices=sorted(DOMAINS), default="rooms")
    parser.add_argument("--scenes", type=Path, default=Path("scratch/scenes"))
    parser.add_argument("--rows", nargs="+", help="teacher, student and names of rows.toml; all")
    parser.add_argument("--teacher", type=Path, help="a model folder in place of a training")
    parser.add_argument("--student", type=Path, help="the same, where all rows begin")
    parser.add_argument("--begin", type=Path, help="the same, for rows that go on from another row")
    parser.add_argument("--seed", type=int, nargs="+", help="only these; all of each row")
    parser.add_argument("--set", action="append", default=[], help="key=value, for every run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, help="docs/results/ablation, for rooms")
    options = parser.parse_args()
    try:
        _run(Experiment(options), options, parser)
    except FeatherDepthError as error:
        print(f"ablation: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _run(
    experiment: Experiment, options: argparse.Namespace, parser: argparse.ArgumentParser
) -> None:
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
    sys.exit(main())
