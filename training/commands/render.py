"""The command `render`."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.base import console
from catalog.base.errors import TrainingError, UsageError
from catalog.options import Root, Version, absolute_path, expand_name, single_command
from catalog.storage.files import data_root, working_root
from catalog.storage.remote import AnyPath
from training.commands import completion

if TYPE_CHECKING:
    from training.rendering.render import RenderPiece

app = single_command()
MIDI_SUFFIXES = (".mid", ".midi")


@app.command()
def render(
    what: Annotated[
        str,
        typer.Argument(
            help="A MIDI file, or the name or path of a run (all of its samples).",
            callback=expand_name,
            autocompletion=completion.runs,
        ),
    ],
    audio: Annotated[bool, typer.Option("--audio", help="Make sound (piano).")] = False,
    score: Annotated[bool, typer.Option("--score", help="Make sheet music.")] = False,
    roll: Annotated[bool, typer.Option("--roll", help="Make a piano roll.")] = False,
    page: Annotated[
        bool,
        typer.Option("--page", help="Write the run's page, index.html in its folder, with embedded sound and scores."),
    ] = False,
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="File format; repeatable. Audio: mp3 (default), ogg, wav. Score: musicxml and pdf (default), svg, png. "
            "Roll: svg (default), png, pdf.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", callback=absolute_path, help="Output folder (default: beside the MIDI file)."),
    ] = None,
    soundfont: Annotated[
        Path | None,
        typer.Option(
            "--soundfont",
            callback=absolute_path,
            help="SF2 or SF3 file with the piano of the sound (default: $VGPIANO_SOUNDFONT, else MuseScore_General if Debian's "
            "package is installed, else a small one).",
        ),
    ] = None,
    root: Root = None,
    version: Version = False,
) -> None:
    """Render a MIDI file or a run's samples as sound, sheet music and piano roll.

    By default, all three are made and, for a run, its page. The printed score quantises the performance to readable
    notation; the MusicXML beside it is exact, on the grid of 1/24 quarter note. Scores of a file in the catalog's folder
    `midi` have the title, game, sequencer and address that the catalog lists.
    """
    console.set_stop_hint("all files listed above are complete; the same command makes all of them again")
    kinds = [name for name, is_requested in (("audio", audio), ("score", score), ("roll", roll)) if is_requested]
    path = Path(what)
    is_file = path.is_file() or path.suffix.lower() in MIDI_SUFFIXES
    if page and (is_file or out is not None):
        raise UsageError("--page writes into the folder of a run: name a run, and leave out --out")
    base = data_root(root)
    failed = 0
    if kinds or not page:
        failed = _render(what, base, kinds, form or [], out, soundfont)
    if page or not (kinds or is_file or out):
        failed += _page(what, base)
    if failed:
        raise SystemExit(1)


def _render(
    what: str, root: AnyPath, kinds: list[str], forms: list[str], out: Path | None, soundfont: Path | None
) -> int:
    """Render a file or the samples of a run; return the number of failures."""
    from training.rendering.render import outputs, render_pieces

    wanted = outputs(kinds, forms)
    if soundfont is not None:
        from training.sound.soundfont import piano

        piano(soundfont)  # one error, not one for each piece
    files, run = _files(what, root)
    pieces, failed = _pieces(files, run, root)
    pieces = [replace(piece, soundfont=soundfont) for piece in pieces]
    with console.Progress("rendering") as progress:
        total = len(pieces) * len(wanted)
        for done, rendered in enumerate(render_pieces(pieces, out or files[0].parent, wanted), 1):
            progress(done, total)
            if rendered.reason is None:
                print(console.one_line(rendered.path), flush=True)
            else:
                failed += 1
                console.print_message(f"error: {rendered.path} could not be made: {rendered.reason}")
    return failed


def _page(what: str, root: AnyPath) -> int:
    """Write the page of a run; return the number of parts that are missing."""
    from training.page.run_page import write_page
    from training.run import Run

    missing: list[str] = []
    with console.Progress("page") as progress:
        path = write_page(root, Run.open(working_root(root), what), progress, missing.append)
    for trouble in missing:
        console.print_message(f"error: not on the page: {trouble}")
    print(console.one_line(path))
    return len(missing)


def _files(what: str, root: AnyPath) -> tuple[list[Path], str | None]:
    """Return the MIDI files, and the run's name if they are a run's samples."""
    path = Path(what)
    if path.is_file():
        return [path], None
    if path.suffix.lower() in MIDI_SUFFIXES:
        raise UsageError(f"{path}: no such file")
    from training.run import Run
    from training.sampling.sample_files import samples

    run = Run.open(working_root(root), what)
    found = samples(run.samples)
    if not found:
        raise TrainingError(f"{run.samples}: no samples; make some with `generate {run.name}`")
    return found, run.name


def _pieces(files: list[Path], run: str | None, root: AnyPath) -> tuple[list["RenderPiece"], int]:
    """Read the files; return the pieces and the number that cannot be read.

    A file of the catalog has the title and the credits that are listed there. Raises TrainingError if the only file is
    unreadable; unreadable samples of a run are reported.
    """
    from training.midi import read_notes
    from training.rendering.origin import origin_of
    from training.rendering.render import RenderPiece

    pieces, failed = [], 0
    for file in files:
        try:
            notes = read_notes(file, "render another MIDI file")
        except TrainingError as error:
            if run is None:
                raise
            console.print_message(f"error: {error}")
            failed += 1
            continue
        piece = RenderPiece(
            file.stem, notes, f"{run} {file.stem}" if run else file.stem.replace("_", " "), run=run or ""
        )
        listed = None if run else origin_of(root, file.stem)
        pieces.append(replace(piece, title=listed[0], known=listed[1]) if listed else piece)
    return pieces, failed


def main() -> None:
    """Run `render` as a console script."""
    console.run(app)
