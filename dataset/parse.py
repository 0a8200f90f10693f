"""Parse stored files to notes and measures in worker processes. Writes nothing.

Local workers read the files themselves. An executor may run on machines without access to the files, so it receives the
bytes.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.base.cores import cores
from catalog.base.errors import MidiError
from dataset.measures.measure import UNREADABLE, Measures, measure
from dataset.midi.midi_reader import read
from dataset.notes.model import Notes
from dataset.parallel.workers import Failure, work

if TYPE_CHECKING:
    from concurrent.futures import Executor

PARSE = "dataset.parse:parse"
FILES_PER_EXTRA_WORKER = 64  # files that are parsed in the time that a worker takes to start
BLOB_MISSING, BLOB_DAMAGED = "blob_missing", "blob_damaged"
NO_PIANO = "no_piano"


@dataclass(frozen=True, slots=True)
class ParseTask:
    """A file to parse: its path and expected hash, and its bytes after `with_data`.

    `data` is the content, or the error that reading it raised. With `piano_only`, notes of other instruments are left
    out, also from the measures.
    """

    sha256: str
    path: Path
    data: bytes | OSError | None = None
    piano_only: bool = False

    def read(self) -> bytes:
        """Return the bytes, unchecked. Raises OSError if they cannot be read."""
        if isinstance(self.data, OSError):
            raise self.data
        return self.path.read_bytes() if self.data is None else self.data

    def with_data(self) -> "ParseTask":
        """Return this task with the file's bytes, for workers that cannot read it."""
        try:
            return replace(self, data=self.path.read_bytes())
        except OSError as error:
            return replace(self, data=error)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The result for one file: measures, and notes or a reason for having none."""

    measures: Measures
    notes: Notes | None = None
    reason: str | None = None  # from MidiError, workers.Failure or this module
    detail: str = ""


def parse(item: ParseTask) -> Parsed:
    """Return the notes and measures of one stored file.

    A file that cannot be read gives a result with a reason; no exception is raised.
    """
    try:
        data = item.read()
    except OSError as error:
        return Parsed(UNREADABLE, reason=BLOB_MISSING, detail=error.strerror or "cannot be read")
    if hashlib.sha256(data).hexdigest() != item.sha256:
        return Parsed(UNREADABLE, reason=BLOB_DAMAGED, detail="the content does not match its SHA-256")
    try:
        reading = read(data, piano_only=item.piano_only)
    except MidiError as error:
        return Parsed(UNREADABLE, reason=error.reason, detail=error.detail)
    if len(reading.notes) == 0 and item.piano_only:
        return Parsed(UNREADABLE, reason=NO_PIANO, detail="no notes on piano programs (0 to 7)")
    if len(reading.notes) == 0:
        reason = "only_drums" if reading.drum_notes else "no_notes"
        return Parsed(measure(reading), reason=reason, detail=f"{reading.drum_notes} drum notes")
    return Parsed(measure(reading), reading.notes)


def parse_all(
    items: Sequence[ParseTask], *, workers: int | None = None, executor: "Executor | None" = None, task: str = PARSE
) -> Iterator[tuple[ParseTask, Parsed]]:
    """Yield each task with its result, in order of completion.

    `task` names the function that does the work of `parse`. It runs on `executor` if given, else in `workers`
    processes, by default up to one per core. The results do not depend on where the work is done.
    """
    if executor is None:
        results = work(task, items, workers=workers or min(cores(), 1 + len(items) // FILES_PER_EXTRA_WORKER))
    else:
        from dataset.parallel.executors import work_on  # imported here: workers import this module too

        results = work_on(executor, task, items, load=ParseTask.with_data)
    for index, result in results:
        if isinstance(result, Failure):
            yield items[index], Parsed(UNREADABLE, reason=result.reason, detail=result.detail)
        else:
            yield items[index], result
