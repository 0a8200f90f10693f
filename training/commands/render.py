"""The command `render`."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import Root, Version, absolute_path, expand_name, single_command
from catalog.storage.files import data_root, working_root
from catalog.storage.remote import AnyPath
from training.commands import completion
from training.commands.render_inputs import (
    MARKED,
    MIDI_SUFFIXES,
    find_inputs,
    is_loop_value,
    parse_bars,
    read_pieces,
)
from training.commands.render_query import check_words, render_query

app = single_command()


class LoopCommand(TyperCommand):
    """A command whose option --loop may stand without a value; Typer has no such options."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Give --loop its value if the next word cannot be one."""
        given = []
        for place, word in enumerate(args):
            given.append(word)
            following = args[place + 1] if place + 1 < len(args) else ""
            if word == "--":
                given += args[place + 1 :]
                break
            if word == "--loop" and not is_loop_value(following):
                given.append(MARKED)
        return super().parse_args(ctx, given)


@app.command(cls=LoopCommand)
def render(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="MIDI files, folders with MIDI files, or names or paths of runs (all of their samples).",
            callback=expand_name,
            autocompletion=completion.runs,
        ),
    ] = None,
    audio: Annotated[bool, typer.Option("--audio", help="Make sound (piano).")] = False,
    score: Annotated[bool, typer.Option("--score", help="Make sheet music.")] = False,
    roll: Annotated[bool, typer.Option("--roll", help="Make a piano roll.")] = False,
    stems: Annotated[
        bool, typer.Option("--stems", help="Make the sound of each hand. They add up to --audio.")
    ] = False,
    loop: Annotated[
        str | None,
        typer.Option(
            "--loop",
            metavar="[START:END]",
            help="Make the files of a loop for game engines. START and END are its first and last bar, such as 5:20; without "
            "them, it is the loop that the MIDI file marks.",
        ),
    ] = None,
    page: Annotated[
        bool,
        typer.Option("--page", help="Write the run's page, index.html in its folder, with embedded sound and scores."),
    ] = False,
    query: Annotated[
        str | None,
        typer.Option(
            "--query",
            help="Write a page on which the pieces of the catalog that match this query can be played, such as "
            "\"game == 'ocarina-of-time'\" (see `catalog show`).",
        ),
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", help="With --query: sort by these columns, as in `catalog show`.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=0, help="With --query: maximum number of pieces (default 20); 0: no limit."),
    ] = None,
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="File format; repeatable. Audio and stems: mp3 (default), ogg, wav. Score: musicxml and pdf (default), svg, "
            "png. Roll: svg (default), png, pdf. Loop: ogg, wav, mid, json (default: all).",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            callback=absolute_path,
            help="Output folder (default: beside each MIDI file). With --query, the page or its folder (default: `pages`).",
        ),
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
    """Render MIDI files, a run's samples or pieces of the catalog as sound, sheet music and piano roll.

    By default, all three are made and, for a run, its page. The printed score quantises the performance to readable
    notation; the MusicXML beside it is exact, on the grid of 1/24 quarter note. Scores of a file in the catalog's folder
    `midi` have the title, game, sequencer and address that the catalog lists. The files of a loop hold what comes before it,
    the loop once, and the loop again, which is the turn that engines repeat. With --query, one HTML file is written that
    holds sound, piano roll and MIDI file of each piece.
    """
    what = what or []
    base = data_root(root)
    check_words(
        query,
        what,
        {"--sort": sort is not None, "--limit": limit is not None},
        {"--audio": audio, "--score": score, "--roll": roll, "--stems": stems, "--loop": loop is not None}
        | {"--page": page, "--format": bool(form)},
    )
    if query is not None:
        if render_query(base, query, sort, limit, out, soundfont):
            raise SystemExit(1)
        return
    console.set_stop_hint("all files listed above are complete; the same command makes all of them again")
    kinds = [name for name, is_requested in (("audio", audio), ("score", score), ("roll", roll)) if is_requested]
    kinds += ["right-hand", "left-hand"] * stems + ["loop"] * (loop is not None)
    if loop not in (None, MARKED):
        parse_bars(loop or "")
    if page and (out is not None or any(Path(word).is_file() or _is_midi(word) for word in what)):
        raise UsageError("--page writes into the folder of a run: name a run, and leave out --out")
    failed = 0
    if kinds or not page:
        failed = _render(what, base, kinds, form or [], out, soundfont, loop)
    if page or not (kinds or out):
        failed += _pages(what, base, is_wanted=page)
    if failed:
        raise SystemExit(1)


def _is_midi(word: str) -> bool:
    return Path(word).suffix.lower() in MIDI_SUFFIXES


def _render(
    what: list[str],
    root: AnyPath,
    kinds: list[str],
    forms: list[str],
    out: Path | None,
    soundfont: Path | None,
    loop: str | None,
) -> int:
    """Render files, folders or the samples of runs; return the number of failures."""
    from dataclasses import replace

    from training.rendering.render import outputs, render_pieces

    wanted = outputs(kinds, forms)
    if soundfont is not None:
        from training.sound.soundfont import piano

        piano(soundfont)  # one error, not one for each piece
    inputs, _ = find_inputs(what, root)
    pieces, failed = read_pieces(inputs, root, out, loop)
    pieces = [replace(piece, soundfont=soundfont) for piece in pieces]
    with console.Progress("rendering") as progress:
        total = len(pieces) * len(wanted)
        for done, rendered in enumerate(render_pieces(pieces, out or Path(), wanted), 1):
            progress(done, total)
            if rendered.reason is None:
                print(console.one_line(rendered.path), flush=True)
            else:
                failed += 1
                console.print_message(f"error: {rendered.path} could not be made: {rendered.reason}")
    return failed


def _pages(what: list[str], root: AnyPath, *, is_wanted: bool) -> int:
    """Write the pages of the runs in `what`; return the number of parts that are missing."""
    from training.page.run_page import write_page
    from training.run import Run

    runs = [Run.open(working_root(root), word) for word in what] if is_wanted else find_inputs(what, root)[1]
    missing: list[str] = []
    for run in runs:
        with console.Progress("page") as progress:
            path = write_page(root, run, progress, missing.append)
        print(console.one_line(path))
    for trouble in missing:
        console.print_message(f"error: not on the page: {trouble}")
    return len(missing)


def main() -> None:
    """Run `render` as a console script."""
    console.run(app)
