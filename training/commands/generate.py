"""The command `generate`."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

import secrets
import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import Root, Version, absolute_path, single_command
from catalog.storage.files import data_root, working_root
from training.commands import completion
from training.commands.completion import RunName

app = single_command()


@app.command()
def generate(
    run: RunName,
    count: Annotated[int, typer.Option("--count", help="Number of pieces.")] = 1,
    notes: Annotated[int | None, typer.Option("--notes", help="Length of each piece in notes.")] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", help="Length of each piece in seconds (default 60), extended to the next bar line."),
    ] = None,
    bars: Annotated[int | None, typer.Option("--bars", help="Length of each piece in bars.")] = None,
    temperature: Annotated[
        str,
        typer.Option(
            "--temperature", help="Below 1 is more predictable, above 1 more varied; or by field: pitch=0.9,time=1."
        ),
    ] = "1.0",
    top_p: Annotated[
        str,
        typer.Option(
            "--top-p", help="Draw from the most probable classes with this total probability, 0–1; or by field."
        ),
    ] = "time=0.4,pitch=0.4,duration=0.4,velocity=0.8",
    top_k: Annotated[
        str, typer.Option("--top-k", help="Draw from the K most probable classes, 0 for no limit; or by field.")
    ] = "0",
    min_p: Annotated[
        str,
        typer.Option(
            "--min-p",
            help="Draw only classes with at least this share of the most probable class's probability, 0–1; or by field.",
        ),
    ] = "0",
    max_copy: Annotated[
        int,
        typer.Option(
            "--max-copy",
            help="Longest passage, in notes, that may be copied from the training pieces; 0 for no limit.",
        ),
    ] = 24,
    prime: Annotated[
        Path | None,
        typer.Option(
            "--prime",
            callback=absolute_path,
            help="MIDI file to continue; it does not count towards the length.",
        ),
    ] = None,
    without_prime: Annotated[
        bool, typer.Option("--without-prime", help="Write only the continuation, without the notes of the prime.")
    ] = False,
    form: Annotated[
        str | None,
        typer.Option("--form", help="A letter per section, such as AABA: a repeated letter repeats its first section."),
    ] = None,
    section_bars: Annotated[
        int | None, typer.Option("--section-bars", help="Bars of a section of --form (default 8).")
    ] = None,
    harmony: Annotated[
        Literal["other", "own"],
        typer.Option(
            "--harmony",
            help="A piece follows the form of one training piece and the chords of another one (other) or of the same one (own).",
        ),
    ] = "other",
    loop: Annotated[
        bool,
        typer.Option("--loop", help="Compose a loop of --bars (default 16), whose end leads on to its beginning."),
    ] = False,
    intro: Annotated[int, typer.Option("--intro", help="Bars before the loop.")] = 0,
    series: Annotated[
        str | None,
        typer.Option("--series", help="Compose in the style of this series.", autocompletion=completion.series),
    ] = None,
    game: Annotated[
        str | None,
        typer.Option("--game", help="Compose in the style of this game.", autocompletion=completion.games),
    ] = None,
    style: Annotated[
        str | None, typer.Option("--style", help="Mixture of games or series: ocarina-of-time=0.7,wind-waker=0.3.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Random seed; the same seed gives the same files.")
    ] = None,
    draft: Annotated[
        bool,
        typer.Option(
            "--draft",
            help="Compose each passage once, without choosing.",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", callback=absolute_path, help="Output folder (default: the run's samples/).")
    ] = None,
    render: Annotated[
        bool,
        typer.Option(
            "--render/--no-render", help="Also render sound, score and piano roll, and update the run's page."
        ),
    ] = True,
    root: Root = None,
    version: Version = False,
) -> None:
    """Compose new pieces with a trained run; write MIDI, sound, score and piano roll.

    Each passage is composed four times, and the piece goes on from the one most like human pieces (of a loop, the best of
    eight drafts is kept). A JSON file beside each piece says how it was composed. A loop is marked in its MIDI file; `render
    --loop` makes the files of it that game engines play.

    Lengths count new music only: after a --prime, from the end of the bar in which its last note begins. Pieces
    written to the run's own samples/ are shown on its page, index.html, which is updated.
    """
    from training.commands import field_options as settings
    from training.commands.console_observer import console_observer
    from training.generate import SAMPLE_SECONDS, compose_samples, read_prime
    from training.page.write import render_samples, write_run_page
    from training.run import Run
    from training.sampling.config import SECTION_BARS, SamplingConfig
    from training.sampling.sample_files import write_pieces

    console.set_stop_hint("all files listed above are complete; the same command composes others")
    if notes is None and seconds is None and bars is None and form is None and not loop:
        seconds = SAMPLE_SECONDS
    drawn = secrets.randbelow(2**32) if seed is None else seed
    config = SamplingConfig(
        count=count,
        notes=notes,
        seconds=seconds,
        bars=bars,
        temperature=settings.by_field("--temperature", temperature),
        top_p=settings.by_field("--top-p", top_p),
        top_k=settings.by_field("--top-k", top_k),
        min_p=settings.by_field("--min-p", min_p),
        form=form,
        section_bars=SECTION_BARS if section_bars is None else section_bars,
        harmony=harmony,
        loop=loop,
        intro=intro,
        seed=drawn,
        max_copy=max_copy,
        without_prime=without_prime,
        series=series,
        game=game,
        style=settings.weights("--style", style) if style is not None else None,
    )
    if section_bars is not None and form is None:
        raise UsageError("--section-bars needs --form")
    if without_prime and prime is None:
        raise UsageError("--without-prime needs --prime FILE")
    if (form is not None or loop) and prime is not None:
        raise UsageError(f"{'--loop' if loop else '--form'} excludes --prime; give one")
    if prime is not None and not prime.exists():
        raise UsageError(f"--prime {prime}: no such file")
    base = data_root(root)
    opened = Run.open(working_root(base), run)
    first = read_prime(prime) if prime is not None else None
    with console.Progress("composing") as progress:
        made = compose_samples(opened, config, first, progress, draft=draft)
    files = write_pieces(out or opened.samples, made.pieces, opened.name, made.records)
    for file in files:
        print(console.one_line(file), flush=True)
    console.print_message(f"seed {drawn}")
    if made.message is not None:
        console.print_message(made.message)
    if render:
        is_own = files[0].parent.resolve() == opened.samples.resolve()
        try:
            render_samples(opened.name, files, made.pieces, console_observer())
            if is_own:
                write_run_page(base, opened, console_observer())
        except KeyboardInterrupt:
            rest = shlex.join(["render", *([opened.name] if is_own else map(str, files))])
            console.set_stop_hint(f"{len(files)} pieces are written; render them with: {rest}")
            raise


def main() -> None:
    """Run `generate` as a console script."""
    console.run(app)
