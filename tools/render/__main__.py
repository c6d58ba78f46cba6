"""python -m tools.render OUT --count N --seed S: render scenes into paired folders, resumable."""

import sys
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.progress import track
from tools.render import frame, sheet, write

from featherdepth.errors import FeatherDepthError, UsageError

TABLE_EVERY = 200  # batches


def _pair(text: str, mark: str, flag: str) -> tuple[int, int]:
    first, found, second = text.partition(mark)
    if not (found and first.isdigit() and second.isdigit()):
        raise UsageError(f"{flag}: {text!r} - expected two numbers such as 3{mark}4")
    return int(first), int(second)


def _render(
    out: Path,
    todo: list[int],
    seed: int,
    size: tuple[int, int],
    device: str,
    batch: int,
    place: frame.Place,
) -> None:
    groups = [todo[k : k + batch] for k in range(0, len(todo), batch)]
    for done, group in enumerate(track(groups, "rendering", disable=not sys.stderr.isatty())):
        if done % TABLE_EVERY == TABLE_EVERY - 1:
            write.write_tables(out)  # a training may begin before all frames stand
        made = frame.render_batch(group, seed, size, device, place)
        for k, index in enumerate(group):
            where = "indoor" if frame.is_indoor(index, seed, place) else "outdoor"
            fx, fy, cx, cy = made.intrinsics[k].tolist()
            image = made.images[k].permute(1, 2, 0).cpu().numpy()
            write.write_frame(
                out, where, index, image, made.depth[k, 0].cpu().numpy(), (fx, fy, cx, cy)
            )


def main(
    out: Path,
    count: Annotated[int, typer.Option(help="frames 0 .. count-1 of the set")] = 100,
    seed: Annotated[int, typer.Option(help="another seed, another set")] = 1,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT")] = "320x240",
    threads: Annotated[int, typer.Option(help="CPU threads")] = 1,
    shard: Annotated[str, typer.Option(help="i/n: only frames with index mod n = i")] = "0/1",
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    batch: Annotated[int, typer.Option(help="scenes at once; on a GPU 32 or more")] = 1,
    only: Annotated[str, typer.Option(help="mixed, indoor or outdoor")] = "mixed",
    contact: Annotated[
        Path | None, typer.Option("--sheet", help="draw the frames on one PNG instead of writing")
    ] = None,
) -> None:
    """Render COUNT frames into OUT/indoor and OUT/outdoor; frames that stand whole are kept."""
    try:
        part, parts = _pair(shard, "/", "--shard")
        width, height = _pair(size, "x", "--size")
        if only not in ("mixed", "indoor", "outdoor"):
            raise UsageError(f"--only: {only!r} - expected mixed, indoor or outdoor")
        if part >= parts:
            raise UsageError(f"--shard: {shard!r} - expected i/n with i from 0 to n-1")
        torch.set_num_threads(threads)
        mine = range(part, count, parts)
        place: frame.Place = only  # type: ignore[assignment]  # checked above
        if contact is not None:
            pairs = []
            for index in mine:
                made = frame.render_batch([index], seed, (width, height), device, place)
                image = made.images[0].permute(1, 2, 0).cpu().numpy()
                pairs.append((image, made.depth[0, 0].cpu().numpy()))
            sheet.contact_sheet(pairs, contact)
            return
        todo = [
            i
            for i in mine
            if not write.is_written(
                out, "indoor" if frame.is_indoor(i, seed, place) else "outdoor", i
            )
        ]
        start, used = time.perf_counter(), time.process_time()
        try:
            _render(out, todo, seed, (width, height), device, batch, place)
        finally:
            counts = write.write_tables(out)
        spent, core = time.perf_counter() - start, time.process_time() - used
        if todo:
            each = f"{spent / len(todo):.2f} s and {core / len(todo):.2f} core-seconds each"
            print(f"{len(todo)} frames, {each}")
        print(f"{out}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    except FeatherDepthError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None


if __name__ == "__main__":
    typer.run(main)
