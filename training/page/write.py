"""Renders a run's samples and writes its page.

If a file cannot be made, there is a warning, and the others are still made.

In: MIDI files and their notes, or a run. Out: files beside them, each reported as `written`.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.base.errors import TrainingError, VgpianoError
from catalog.storage.remote import AnyPath
from dataset.notes.model import Notes
from training.midi import read_notes
from training.observer import Observer
from training.run import Run

if TYPE_CHECKING:
    from training.rendering.render import RenderPiece


def read_samples(files: Sequence[Path], observer: Observer) -> tuple[list[Path], list[Notes]]:
    """Return the MIDI files that can be read, and their notes; warn of the others."""
    found, pieces = [], []
    for file in files:
        try:
            pieces.append(read_notes(file, "remove it, or put a MIDI file in its place"))
            found.append(file)
        except TrainingError as error:
            observer.warning(str(error))
    return found, pieces


def sample_piece(run: str, file: Path, notes: Notes) -> "RenderPiece":
    """Return a sample of a run as a piece to render, with the games in whose style it was composed.

    A record that is missing or damaged says nothing of the style.
    """
    from training.rendering.render import RenderPiece
    from training.sampling.sample_record import read_record

    with suppress(TrainingError):
        if (record := read_record(file)) is not None:
            return RenderPiece(file.stem, notes, f"{run} {file.stem}", run=run, style=record.style_names)
    return RenderPiece(file.stem, notes, f"{run} {file.stem}", run=run)


def render_samples(run: str, files: Sequence[Path], pieces: Sequence[Notes], observer: Observer) -> None:
    """Render pieces beside their MIDI files, as `render` does.

    Titles begin with `run`, the run's name.
    """
    from training.rendering.render import outputs, render_pieces

    named = [sample_piece(run, file, notes) for file, notes in zip(files, pieces, strict=True)]
    wanted = outputs()
    with observer.progress("rendering") as progress:
        for number, done in enumerate(render_pieces(named, files[0].parent, wanted) if named else (), 1):
            progress(number, len(named) * len(wanted))
            if done.reason is None:
                observer.written(done.path)
            else:
                observer.warning(f"{done.path} could not be made: {done.reason}")


def write_run_page(root: AnyPath, run: Run, observer: Observer) -> None:
    """Write the page of a run."""
    from training.page.run_page import write_page

    try:
        with observer.progress("page") as progress:
            path = write_page(root, run, progress, lambda reason: observer.warning(f"not on the page: {reason}"))
    except VgpianoError as error:
        observer.warning(f"the page of {run.name} could not be made: {error}")
        return
    observer.written(path)
