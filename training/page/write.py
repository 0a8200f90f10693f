"""A run's samples made to be heard and read, and its page: what cannot be made is said on standard error and harms nothing else.

In: files and their notes, or a run. Out: files beside them, each handed to `tell` as it is written.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from catalog.base import console
from catalog.base.errors import TrainingError, VgpianoError
from catalog.storage.remote import AnyPath
from dataset.notes.model import Notes
from training.midi import read_notes
from training.run import Run

Tell = Callable[[Path], None]


def readable(files: Sequence[Path]) -> tuple[list[Path], list[Notes]]:
    """Return those of the MIDI files that can be read, and their notes; the others are said."""
    found, pieces = [], []
    for file in files:
        try:
            pieces.append(read_notes(file, "remove it, or put a MIDI file in its place"))
            found.append(file)
        except TrainingError as error:
            console.complain(f"warning: {error}")
    return found, pieces


def rendered(run: str, files: Sequence[Path], pieces: Sequence[Notes], tell: Tell) -> None:
    """Render the pieces in these MIDI files beside them, as `render` does. `run` is what titles begin with."""
    from training.rendering.render import RenderPiece, outputs, render_pieces

    named = [RenderPiece(file.stem, notes, f"{run} {file.stem}") for file, notes in zip(files, pieces, strict=True)]
    wanted = outputs()
    with console.Progress("rendering") as progress:
        for number, done in enumerate(render_pieces(named, files[0].parent, wanted) if named else (), 1):
            progress(number, len(named) * len(wanted))
            if done.reason is None:
                tell(done.path)
            else:
                console.complain(f"warning: {done.path} could not be made: {done.reason}")


def paged(root: AnyPath, run: Run, tell: Tell) -> None:
    """Write the page of a run."""
    from training.page.run_page import write_page

    try:
        with console.Progress("page") as progress:
            path = write_page(
                root, run, progress, lambda reason: console.complain(f"warning: not on the page: {reason}")
            )
    except VgpianoError as error:
        console.complain(f"warning: the page of {run.name} could not be made: {error}")
        return
    tell(path)
