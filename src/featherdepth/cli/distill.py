"""`featherdepth distill`: a small student of a big teacher, from photos without labels."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer


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
            " py:module:function.",
            metavar="T",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the run.", metavar="RUN")
    ],
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
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="Replace a key of the recipe.", metavar="KEY=VALUE"),
    ] = None,
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
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the newest checkpoint in RUN.")
    ] = False,
    device: Annotated[str | None, typer.Option("--device", help="Such as cpu or cuda:0.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="CPU threads.", min=1)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on stdout, no progress.")
    ] = False,
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
    if as_json:
        print(json.dumps(result, indent=2, sort_keys=True))
    else:
        _tell(result)
    return 3 if result["failed"] else 0


def _tell(result: dict[str, Any]) -> None:
    print(f"{result['folder']}  step {result['best_step']} of {result['step']}")
    agreement = result["agreement"]
    for state in ("before", "after", "gain"):
        if state in agreement:
            said = "  ".join(
                f"{name} {v['value']:+.4f} ({v['low']:+.4f} to {v['high']:+.4f})"
                for name, v in agreement[state].items()
            )
            print(f"  {state:6}  {said}")
    print("  Agreement with the teacher on held-out photos; it is not accuracy.")
    for row in result["failed"][:5]:
        print(f"  left out: {row['photo']}: {row['error']}")
    if len(result["failed"]) > 5:
        print(f"  and {len(result['failed']) - 5} more, in distillation.json")
    if result["report"]:
        print(f"  report: {result['report']}")
