"""What the command `render` is to render: files, folders and runs, as pieces with titles, folders and loops.

In: the words of the command line. Out: `RenderPiece`s, and the runs among the words. A file that cannot be read costs that
file, unless it is the only one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.base import console
from catalog.base.errors import TrainingError, UsageError
from catalog.storage.files import working_root
from catalog.storage.remote import AnyPath

if TYPE_CHECKING:
    from training.rendering.render import RenderPiece
    from training.run import Run

MIDI_SUFFIXES = (".mid", ".midi")
MARKED = "marked"  # the value of --loop that reads the loop from the file
BARS = re.compile(r"(\d{1,6})[:-](\d{1,6})")
LIKE_BARS = re.compile(r"\d[\d:;.,-]*")  # no name of a file or run, but one of digits alone


@dataclass(frozen=True, slots=True)
class Input:
    """A MIDI file to render, and the run whose sample it is."""

    path: Path
    run: "Run | None" = None


def find_inputs(words: Sequence[str], root: AnyPath) -> tuple[list[Input], "list[Run]"]:
    """Return the MIDI files that `words` name, and the runs among them.

    A word is a MIDI file, a folder (all MIDI files below it), or the name or path of a run (its samples). Raises UsageError
    for a file that does not exist, TrainingError for a run that does not, and for folders and runs without MIDI files.
    """
    from training.run import RUNS, Run
    from training.run_folder import RUN_FILE
    from training.sampling.sample_files import samples

    inputs: dict[Path, Input] = {}
    runs = []
    for word in words:
        path = Path(word)
        if path.is_file():
            inputs.setdefault(path, Input(path))
        elif path.suffix.lower() in MIDI_SUFFIXES:
            raise UsageError(f"{path}: no such file")
        elif (
            path.is_dir()
            and not (path / RUN_FILE).is_file()
            and not (working_root(root) / RUNS / word / RUN_FILE).is_file()
        ):
            found = sorted(file for file in path.rglob("[!.]*") if file.suffix.lower() in MIDI_SUFFIXES)
            if not found:
                raise TrainingError(f"{path}: no MIDI files in this folder; name MIDI files, folders of them, or a run")
            inputs |= {file: Input(file) for file in found if file not in inputs}
        else:
            run = Run.open(working_root(root), word)
            runs.append(run)
            files = samples(run.samples)
            if not files:
                raise TrainingError(f"{run.samples}: no samples; make some with `generate {run.name}`")
            inputs |= {file: Input(file, run) for file in files}
    return list(inputs.values()), runs


def read_pieces(
    inputs: Sequence[Input], root: AnyPath, out: Path | None, loop: str | None
) -> tuple[list["RenderPiece"], int]:
    """Read the files; return the pieces and the number that cannot be read, or have no loop where one is wanted.

    A file of the catalog has the title and the credits that are listed there. `loop` is bars such as 5:20, or MARKED.
    Raises UsageError if two files would be written to the same names; the error of a file if it is the only one.
    """
    bars = None if loop in (None, MARKED) else parse_bars(loop or "")
    _check_names(inputs, out)
    pieces, failed = [], 0
    for each in inputs:
        try:
            piece = _piece(each, root)
            if loop is not None:
                piece = replace(piece, loop=_loop(each.path, piece, bars))
        except (TrainingError, UsageError) as error:
            if len(inputs) == 1:
                raise
            console.print_message(f"error: {error}")
            failed += 1
            continue
        pieces.append(replace(piece, folder=out or each.path.parent))
    return pieces, failed


def parse_bars(text: str) -> tuple[int, int]:
    """Return the first and the last bar of a loop, such as 5:20; raises UsageError."""
    found = BARS.fullmatch(text)
    if found is None:
        raise UsageError(f"--loop {text!r}: not START:END; give the first and the last bar of the loop, such as 5:20")
    return int(found[1]), int(found[2])


def is_loop_value(word: str) -> bool:
    """Return whether the word after --loop is its value: bars, also wrong ones such as 5, or MARKED; not what to render."""
    if BARS.fullmatch(word) or word == MARKED:
        return True
    return bool(LIKE_BARS.fullmatch(word)) and not Path(word).exists()


def _piece(each: Input, root: AnyPath) -> "RenderPiece":
    from training.midi import read_notes
    from training.page.write import sample_piece
    from training.rendering.origin import origin_of
    from training.rendering.render import RenderPiece

    path, notes = each.path, read_notes(each.path, "render another MIDI file")
    if each.run is not None:
        return sample_piece(each.run.name, path, notes)
    piece = RenderPiece(path.stem, notes, path.stem.replace("_", " "))
    listed = origin_of(root, path.stem)
    return replace(piece, title=listed[0], known=listed[1]) if listed else piece


def _loop(path: Path, piece: "RenderPiece", bars: tuple[int, int] | None) -> tuple[int, int]:
    """Return the loop of a piece in ticks: of these bars, or as the file marks it."""
    from training.midi import read_loop
    from training.rendering.loops import check_loop, loop_of_bars

    found = None if bars is not None else read_loop(path)
    if bars is None and found is None:
        raise TrainingError(f"{path}: no loop is marked in this file; name its first and last bar, such as --loop 5:20")
    try:
        found = found or loop_of_bars(piece.notes, *(bars or (0, 0)))
        check_loop(piece.notes, *found)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    except TrainingError as error:
        raise TrainingError(f"{path}: {error}") from None
    return found


def _check_names(inputs: Sequence[Input], out: Path | None) -> None:
    """Raise UsageError if the outputs of two files would have the same names."""
    seen: dict[Path, Path] = {}
    for each in inputs:
        target = (out or each.path.parent) / each.path.stem
        if (other := seen.setdefault(target, each.path)) != each.path:
            raise UsageError(f"{other} and {each.path} would be written to the same names: render them one at a time")
