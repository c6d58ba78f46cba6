"""`featherdepth distill`: a small student of a big teacher, from photos without labels."""

from pathlib import Path
from typing import Annotated, Any

import typer

from featherdepth.cli.options import AllThreads, Assignments, Device, Resume, RunAsJson, RunFolder
from featherdepth.cli.told import failures, show


def run(
    photos: Annotated[
        str,
        typer.Argument(
            help="Folder, .zip, .txt list or folder of shards with photos.", metavar="PHOTOS"
        ),
    ],
    *,
    teacher: Annotated[
        str,
        typer.Option(
            "--teacher",
            help="A model or folder of ours, NETWORK@FILE, hf:owner/name, FILE.onnx,"
            " py:module:function; mean:A+B for several.",
            metavar="T",
        ),
    ],
    output: RunFolder,
    student: Annotated[
        str | None, typer.Option("--student", help="A network.", metavar="NETWORK")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            "--init", help="Where the student begins: a model, or random.", metavar="MODEL"
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", help="A TOML file, or a shipped recipe; poster by default.", metavar="R"
        ),
    ] = None,
    assignments: Assignments = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            help="Folder for the teacher's maps: made once, and the teacher is asked no more.",
        ),
    ] = None,
    holdout: Annotated[
        float | None, typer.Option("--holdout", help="Part of the photos that only measures.")
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Also write RUN/report.html.")] = False,
    resume: Resume = False,
    device: Device = None,
    threads: AllThreads = None,
    as_json: RunAsJson = False,
) -> int:
    """Teach a small student what a teacher knows about your photos; RUN becomes a model folder.

    A stopped run goes on with --resume and ends in the same weights. Exit code 3 if some photos
    could not be used.
    """
    from featherdepth import api
    from featherdepth.cli.progress import stages

    with stages() as progress:
        result = api.distill(
            photos,
            output,
            teacher=teacher,
            student=student,
            init=init,
            recipe=recipe,
            assignments=assignments or [],
            cache=cache,
            holdout=holdout,
            report=report,
            resume=resume,
            device=device,
            threads=threads,
            shown=not as_json,
            progress=None if as_json else progress,
        )
    show(result, _lines, as_json=as_json)
    return 3 if result["failed"] else 0


def _kept(best: int, steps: int) -> str:
    if best == 0:
        return f"no step of {steps} agreed better than the start, whose weights are kept"
    return f"step {best} of {steps} agreed best and is kept"


def _lines(result: dict[str, Any]) -> str:
    lines = [
        *failures(result),
        f"{result['folder']}: {_kept(result['best_step'], result['step'])}",
    ]
    states = (("before", "before", ".4f"), ("after", "after", ".4f"), ("gain", "change", "+.4f"))
    for state, word, form in states:
        if state in result["agreement"]:
            said = "  ".join(
                f"{name} {v['value']:{form}} ({v['low']:{form}} to {v['high']:{form}})"
                for name, v in result["agreement"][state].items()
            )
            lines.append(f"  {word:6}  {said}")
    lines.append("agreement with the teacher on held-out photos; it is not accuracy")
    if result["report"]:
        lines.append(f"report: {result['report']}")
    return "\n".join(lines)
