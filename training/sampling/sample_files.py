"""Sample files: written without overwriting, and listed in order."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from catalog.base.errors import TrainingError
from catalog.storage.files import write_text
from catalog.storage.numbered_files import write_numbered
from catalog.storage.reading import read_json
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from training.progress import Progress
from training.run import CHECKPOINTS_FOLDER, SAMPLES_FOLDER, STATE_FILE
from training.run_folder import RUN_FILE
from training.sampling.sample_record import ENDING, SampleLoop, SampleRecord


def write_pieces(folder: Path, pieces: Sequence[Notes], title: str, records: Sequence[SampleRecord] = ()) -> list[Path]:
    """Write each piece as the next free `sample-N.mid`, and its record, if given, beside it; return the MIDI files.

    Loops are marked in the MIDI files.

    Safe for several processes. In the samples/ of a run, names that `train` has reserved are skipped.
    """

    def maker(notes: Notes, loop: SampleLoop | None) -> Callable[[str], bytes]:
        marked = None if loop is None else (loop.start, loop.end)
        return lambda name: write_midi(notes, name=f"{title} {name}", loop=marked)

    loops = [record.loop for record in records] or [None] * len(pieces)
    makers = [maker(notes, loop) for notes, loop in zip(pieces, loops, strict=True)]
    with reserve_names(folder) as reserved:
        files = write_numbered(folder, "sample", ".mid", makers, reserved)
        for file, record in zip(files, records, strict=False):
            write_text(file.with_suffix(ENDING), record.to_json())
        return files


@contextmanager
def reserve_names(folder: Path) -> Iterator[list[str]]:
    """Lock the sample names of a folder; yield the names that training has reserved.

    Folders that are not a run's samples/ are not locked.
    """
    run = folder.parent
    if folder.name != SAMPLES_FOLDER or not (run / RUN_FILE).is_file():
        yield []
        return
    with FileLock(run / ".samples.lock"):
        state = run / CHECKPOINTS_FOLDER / STATE_FILE
        remedy = "train the run again"
        yield read_json(state, Progress, fail=TrainingError, remedy=remedy).samples if state.is_file() else []


def samples(folder: Path) -> list[Path]:
    """Return the MIDI files of a folder of samples, sorted by number, then name."""
    found = {path: re.fullmatch(r"sample-(\d+)", path.stem) for path in folder.glob("[!.]*.mid")}
    return sorted(found, key=lambda path: (int(m[1]) if (m := found[path]) else 0, path.name))
