"""The command `featherdepth`: a table of verbs; errors end in one line and an exit code."""

import contextlib
import errno
import io
import logging
import re
import signal
import sys
import traceback
from importlib import import_module
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import featherdepth
from featherdepth.errors import FeatherDepthError, RunError, UsageError

COMMANDS = {
    "predict": "Photo to depth, at the photo's size: files, folders, globs, lists.",
    "align": "Relative depth to meters by one or more known distances.",
    "complete": "Photo and a few measured points to dense depth in meters.",
    "train": "Supervised training of a network from a recipe.",
    "distill": "A small student of a big teacher, from photos without labels.",
    "label": "A teacher's depth maps of many photos, kept on disk for distillation.",
    "shard": "Photos into tar files that stream well and are checked for broken photos.",
    "evaluate": "Score a model on a data set under a named protocol, with intervals.",
    "compare": "Two results on the same images: paired differences with intervals.",
    "why": "Which choice of a protocol moved a number: kept predictions, scored again.",
    "reproduce": "A published table, with your models and data beside what was printed.",
    "export": "One file for a device - onnx, openvino, pt2 - verified against its original.",
    "benchmark": "Paired timings of models here, and the share of what this machine can do.",
    "sparsify": "Sparse points out of depth maps, as a lidar, a phone or keypoints give them.",
    "figure": "Pictures of results: completion by several first stages, side by side.",
    "doctor": "What a data folder is - layout, count, unit, scale - and what is wrong with it.",
    "app": "A page that sees depth in the browser: photo or camera in; served here only.",
    "info": "What a model or network is: parameters, MACs, kind, card, terms.",
}
"""Verb -> summary. Its code is `run` in `featherdepth.cli.<verb>`, imported on first use."""
INTERRUPTED = 130
"""Exit code, as shells have it."""

# typer brings its own click under a private name; this is its ClickException.
_ClickException: Any = typer.BadParameter.__mro__[2]


class VerbGroup(TyperGroup):
    """Imports a verb's file only when that verb runs, so that `--help` stays fast."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def load_command(verb: str) -> Any:
    """The click command of one verb."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(name=verb)(import_module(f"featherdepth.cli.{verb}").run)
    return typer.main.get_command(app)


app = typer.Typer(
    cls=VerbGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool | None) -> bool | None:
    if wanted:
        print(f"featherdepth {featherdepth.__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool | None, typer.Option("--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Small depth networks, and the tools to distill your own.

    Every verb also takes -q (less), -v (more) and --debug (tracebacks).
    """


def main() -> None:
    """Entry point of the command `featherdepth`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files need not be text: as on stderr, what cannot be written is shown escaped.
        sys.stdout.reconfigure(errors="backslashreplace")
    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature
        signal.signal(number, signal.SIG_DFL)  # a second one acts as usual
        asked.append(number)
        raise KeyboardInterrupt

    # What SIGTERM ends by itself leaves its temporary files behind.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, stop)
    code = run(sys.argv[1:])
    sys.exit(128 + asked[0] if asked and code == INTERRUPTED else code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors are printed as one line on stderr."""
    arguments, debug = _take_common(arguments)
    try:
        _refuse_empty(arguments)
        result = app(args=arguments, prog_name="featherdepth", standalone_mode=False)
        print(end="", flush=True)  # here, where it is known what to do if nobody reads it
    except FeatherDepthError as error:
        return _fail(str(error), error.exit_code, debug)
    except _ClickException as error:
        error.show()  # usage, and what is wrong with it
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return _fail("stopped", INTERRUPTED, debug)
    except (BrokenPipeError, SystemExit):  # typer turns the first into the second, with code 1
        # The reader of our output has gone: say nothing, not at the end either, as other tools do.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        return 141
    except Exception as error:  # the only place that may catch everything: no traceback for people
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # typed so by people
            return _fail(f"{str(error.filename)[:40]}...: {error.strerror}", 3, debug)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # files say it by themselves
            return _fail(f"cannot write: {error.strerror}; free some", RunError.exit_code, debug)
        return _fail(f"unexpected {type(error).__name__}: {error}; --debug shows where", 1, debug)
    if result == INTERRUPTED:  # typer makes this of Ctrl-C
        return _fail("stopped", INTERRUPTED, debug=False)
    return result if isinstance(result, int) else 0


def _take_common(arguments: list[str]) -> tuple[list[str], bool]:
    """Take -q, -v and --debug out of the arguments, wherever they stand before a bare `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    head, rest = arguments[:end], arguments[end:]
    loud = head.count("-v") + head.count("--verbose") - head.count("-q") - head.count("--quiet")
    levels = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}
    level = levels.get(max(loud, -1), logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    if loud <= 0:
        # Other packages' warnings are for developers: they show with -v.
        handler.addFilter(lambda r: r.name.startswith("featherdepth") or r.levelno > level)
    form = "featherdepth: %(message)s"
    logging.basicConfig(level=level, format=form, handlers=[handler], force=True)
    common = {"-q", "--quiet", "-v", "--verbose", "--debug"}
    return [a for a in head if a not in common] + rest, "--debug" in head


def _refuse_empty(arguments: list[str]) -> None:
    """As a path, what a shell makes of an unset variable would be the current folder."""
    for before, argument in zip(["featherdepth", *arguments], arguments, strict=False):
        if re.fullmatch(r"(--[\w-]+=)?", argument):
            raise UsageError(
                f"{argument or before}: an empty path or value follows; name one, such as . for the"
                " current folder"
            )


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    line = " ".join(message.split())  # one line, whatever an inner message held
    print(f"featherdepth: {line}", file=sys.stderr)
    return code
