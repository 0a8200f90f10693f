"""From the stored bytes of many pieces to their notes and measures, in worker processes. Files are read, none is written.

Workers of our own read the files themselves; an executor that is given may not see our disk, so there the bytes travel.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.base.cores import cores
from catalog.base.errors import MidiError
from dataset.measures.measure import UNREADABLE, Measures, measure
from dataset.notes.model import Notes, read
from dataset.parallel.workers import Failure, work

if TYPE_CHECKING:
    from concurrent.futures import Executor

PARSE = "dataset.parse:parse"
FILES_PER_EXTRA_WORKER = 64  # files that are parsed and measured in the time that a worker takes to start
BLOB_MISSING, BLOB_DAMAGED = "blob_missing", "blob_damaged"
NO_PIANO = "no_piano"


@dataclass(frozen=True, slots=True)
class ParseTask:
    """Where the bytes of a piece lie, and what they must hash to; `data` are the bytes, or why there are none, once `with_data`.

    With `piano_only` what other instruments play is left out, also of the measures.
    """

    sha256: str
    path: Path
    data: bytes | OSError | None = None
    piano_only: bool = False

    def read(self) -> bytes:
        """Return the bytes, unchecked. Raises OSError where they cannot be read."""
        if isinstance(self.data, OSError):
            raise self.data
        return self.path.read_bytes() if self.data is None else self.data

    def with_data(self) -> "ParseTask":
        """Return this source with its bytes, for someone who does not see the path."""
        try:
            return replace(self, data=self.path.read_bytes())
        except OSError as error:
            return replace(self, data=error)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of one file: notes, or the reason why there are none. Measures there are always."""

    measures: Measures
    notes: Notes | None = None
    reason: str | None = None  # a reason of MidiError or of workers.Failure, or one of this module
    detail: str = ""


def parse(item: ParseTask) -> Parsed:
    """Return the notes and measures of one stored file; a file that cannot be read is a result with a reason, no error."""
    try:
        data = item.read()
    except OSError as error:
        return Parsed(UNREADABLE, reason=BLOB_MISSING, detail=error.strerror or "cannot be read")
    if hashlib.sha256(data).hexdigest() != item.sha256:
        return Parsed(UNREADABLE, reason=BLOB_DAMAGED, detail="the bytes do not hash to the name of the file")
    try:
        reading = read(data, piano_only=item.piano_only)
    except MidiError as error:
        return Parsed(UNREADABLE, reason=error.reason, detail=error.detail)
    if len(reading.notes) == 0 and item.piano_only:
        return Parsed(UNREADABLE, reason=NO_PIANO, detail="no note is played by a piano, programs 0 to 7")
    if len(reading.notes) == 0:
        reason = "only_drums" if reading.drum_notes else "no_notes"
        return Parsed(measure(reading), reason=reason, detail=f"{reading.drum_notes} drum notes")
    return Parsed(measure(reading), reading.notes)


def parse_all(
    items: Sequence[ParseTask], *, workers: int | None = None, executor: "Executor | None" = None, task: str = PARSE
) -> Iterator[tuple[ParseTask, Parsed]]:
    """Yield each source with what became of it, in the order in which they are done; `task` does the work of `parse`.

    It is done on `executor` where one is given, else by `workers` processes of our own, one a core where there is work enough.
    What becomes of a source is the same wherever it is done.
    """
    if executor is None:
        results = work(task, items, workers=workers or min(cores(), 1 + len(items) // FILES_PER_EXTRA_WORKER))
    else:
        from dataset.parallel.executors import (
            work_on,  # here: a worker, which imports this module to parse, starts sooner without
        )

        results = work_on(executor, task, items, load=ParseTask.with_data)
    for index, result in results:
        if isinstance(result, Failure):
            yield items[index], Parsed(UNREADABLE, reason=result.reason, detail=result.detail)
        else:
            yield items[index], result
