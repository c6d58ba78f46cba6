"""Work on units of photos: decode, network, write; the same steps in one process or on a cluster.

    decode_unit    a unit's photos, decoded, in blocks               CPU
    answer_block   what the network makes of a block                 opened once a process
    write_block    files, into a part of the unit's pack             CPU
    finish_unit    parts to a pack and its mark
    do_unit        all of these with one unit, in one process

A block is computed as a whole wherever it is computed, so that no engine and no kill changes a
result. What is done to a photo is a `Work`; `runtime.ledger` knows which units are complete.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain

from featherdepth.data.packs import join_parts, write_part
from featherdepth.data.units import Unit, Units
from featherdepth.errors import InputError
from featherdepth.runtime.ahead import WORKERS, work_ahead
from featherdepth.runtime.job import JobResult
from featherdepth.runtime.ledger import Ledger, gathered, mark_source
from featherdepth.runtime.work import (
    Answered,
    Block,
    Compute,
    Decoder,
    End,
    Finished,
    Item,
    Row,
    Work,
    Written,
)


def decode_unit(
    decoder: Decoder, number: int, unit: Unit, block: int, *, workers: int = WORKERS
) -> Iterator[Block | End]:
    """Yield a unit's photos in blocks, then its end; a broken photo is a row of its block."""
    try:
        opened = decoder.open(unit)
    except InputError as error:
        yield End(unit=number, blocks=0, failed=[(-1, unit.name, str(error))], usable=False)
        return
    items: list[Item] = []
    failed: list[Row] = []
    blocks = 0
    length = len(opened)
    with closing(work_ahead(range(length), opened.read, workers=workers)) as stream:
        for position, item in stream:
            if isinstance(item, InputError):
                failed.append((position, opened.name(position), str(item)))
            else:
                items.append(item)
            if (position + 1) % block == 0 or position + 1 == length:
                items = decoder.trim(items)
                yield Block(unit=number, of=unit, number=blocks, items=items, failed=failed)
                items, failed, blocks = [], [], blocks + 1
    # A fault of the unit itself, such as a cut, comes behind what could be read of it.
    faults = [(length, unit.name, fault) for fault in opened.faults]
    yield End(unit=number, blocks=blocks, failed=faults)


def answer_block(network: Compute, block: Block) -> Answered:
    """Compute a block.

    Raises:
        RunError: what the network cannot go on from.
    """
    answers = network(block.items)
    return Answered(
        unit=block.unit, of=block.of, number=block.number, answers=answers, failed=block.failed
    )


def write_block(work: Work, block: Answered, *, workers: int = 1) -> Written:
    """Bring a block to the disk.

    Args:
        workers: threads that encode what goes into a pack.

    Raises:
        RunError: no space, or a folder that cannot be written.
    """
    answers, failed = block.answers, list(block.failed)
    part, done = None, 0
    if work.packs(block.of):
        with ThreadPoolExecutor(workers, thread_name_prefix="encode") as pool:
            made = pool.map(work.files, [answer for answer in answers if not answer.skipped])
            part = write_part(work.folder, block.of.name, block.number, list(chain(*made)))
    for answer in answers:
        if answer.error is not None:
            failed.append((answer.index, answer.photo, answer.error))
        elif not answer.skipped:
            try:
                if part is None:
                    work.store(answer)
                done += 1
            except InputError as error:  # this photo's; RunError is the disk's, and ends the job
                failed.append((answer.index, answer.photo, str(error)))
    skipped = sum(answer.skipped and answer.error is None for answer in answers)
    return Written(
        unit=block.unit,
        number=block.number,
        part=part,
        done=done,
        skipped=skipped,
        failed=sorted(failed),
    )


def finish_unit(work: Work, unit: Unit, finished: Finished) -> None:
    """Give a complete unit its pack and mark.

    Raises:
        RunError: no space, or a folder that cannot be written; the parts stay.
    """
    if work.packs(unit) and finished.usable:
        join_parts(
            work.folder,
            unit.name,
            finished.parts,
            source=mark_source(work, unit),
            done=finished.done,
            failed=finished.failed,
        )


def do_unit(
    work: Work,
    decoder: Decoder,
    network: Compute,
    number: int,
    unit: Unit,
    *,
    workers: int = WORKERS,
    begin: Callable[[Block], object] = lambda _: None,
) -> Finished:
    """Do a unit from its photos to its mark.

    Args:
        workers: threads that read ahead, and that encode what is written.
        begin: called before each block.

    Raises:
        RunError: no space, or what the network cannot go on from; the parts stay.
    """
    written: list[Written] = []
    end = End(unit=number, blocks=0)
    for message in decode_unit(decoder, number, unit, work.block, workers=workers):
        if isinstance(message, Block):
            begin(message)
            written.append(write_block(work, answer_block(network, message), workers=workers))
        else:
            end = message
    finished = gathered(written, end)
    finish_unit(work, unit, finished)
    return finished


def run_units(
    work: Work,
    units: Units,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> JobResult:
    """Do what is missing, in this process.

    Args:
        overwrite: also units that are marked as done.
        progress: called with (units finished, units in all), from this thread.

    Raises:
        RunError: no space, or what the network cannot go on from; finished units stay.
    """
    ledger = Ledger(work, units, overwrite=overwrite, progress=progress)
    if ledger.todo:
        decoder, network = work.decoder(), work.network()
        for number in ledger.todo:
            ledger.add(do_unit(work, decoder, network, number, units.units[number]))
    return ledger.result()
