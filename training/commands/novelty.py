"""The command `novelty`."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import Root, Version, expand_name, single_command
from catalog.storage.files import data_root
from training.commands import completion

if TYPE_CHECKING:
    from training.novelty.figures import Copy, Novelty

app = single_command()
MAX_COPIES = 8  # passages listed per piece, the longest first


@app.command()
def novelty(
    what: Annotated[
        str,
        typer.Argument(
            help="A run (all of its samples) or a MIDI file.", callback=expand_name, autocompletion=completion.runs
        ),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="Corpus or run whose training pieces to compare with (default: the run's own).",
            callback=expand_name,
            autocompletion=completion.sources,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON, with every passage.")] = False,
    root: Root = None,
    version: Version = False,
) -> None:
    """List passages of samples or a MIDI file that also occur in training pieces.

    Passages are found in any key and at several speeds. For a run, the same figures of held-out human pieces are
    shown for comparison if its corpus still exists.
    """
    from training import copies

    base = data_root(root)
    left_out: list[str] = []
    is_file = Path(what).is_file()
    if Path(what).suffix.lower() in (".mid", ".midi") and not is_file:
        raise UsageError(f"{what}: no such file")
    if is_file:
        if against is None:
            raise UsageError(f"{what} is a file: give the training pieces with --against CORPUS or RUN")
        sources = copies.open_sources(base, against)
        results = {what: copies.of_file(Path(what), sources)}
        human: dict[str, float] | None = None
    else:
        results, human = copies.find_copies_in_run(base, what, against, left_out.append)
    for reason in left_out:
        console.print_message(f"error: {reason}")
    if as_json:
        print(json.dumps({"pieces": {name: asdict(found) for name, found in results.items()}, "held_out": human}))
    else:
        _print_all(results, human, is_run=not is_file)
    if left_out:
        raise SystemExit(1)


def _print_all(results: "Mapping[str, Novelty]", human: dict[str, float] | None, *, is_run: bool) -> None:
    """Print the copied passages of each piece; for a run also the medians.

    `human` holds the medians of held-out human pieces.
    """
    from training.novelty.figures import medians

    for name, found in results.items():
        _print_piece(name, found)
    if is_run:
        print(f"{'':<24}longest  share of all notes inside passages of 8, 16, 24 notes and more")
        print(_row(f"samples ({len(results)})", medians(list(results.values()))))
        print(
            _row("held-out human pieces", human) if human else "held-out human pieces: none, or the corpus has changed"
        )


def _print_piece(name: str, found: "Novelty") -> None:
    """Print a piece's figures, its longest copied passages and its nearest pieces."""
    shares = ", ".join(f"{least} notes {share:.0%}" for least, share in found.shares.items())
    print(f"{console.clean(name)}: {found.notes} notes; inside passages of {shares}; the longest has {found.longest}")
    copies = sorted(found.copies, key=lambda copy: -copy.notes)
    for copy in copies[:MAX_COPIES]:
        print("  " + console.clean(_line(copy)))
    if len(copies) > MAX_COPIES:
        print(f"  and {len(copies) - MAX_COPIES} shorter ones (--json lists all)")
    if found.nearest:
        pieces = (f"{_source(near.title, near.game, near.sequencer)}: {near.notes} notes" for near in found.nearest)
        print("  nearest  " + console.clean("; ".join(pieces)))
    print()


def _line(copy: "Copy") -> str:
    here, there = _place(copy.bars, copy.seconds), _place(copy.there_bars, copy.there_seconds)
    moved = f", {copy.transposition:+d} semitones" if copy.transposition else ""
    speed = "" if copy.ratio == 1 else f", {copy.ratio:.3g} times its ticks"
    return f"{copy.notes} notes, {here}: {_source(copy.title, copy.game, copy.sequencer)}, {there}{moved}{speed}"


def _place(bars: tuple[int, int], seconds: tuple[float, float]) -> str:
    return f"bars {bars[0]}-{bars[1]} ({seconds[0]:.1f}-{seconds[1]:.1f} s)"


def _source(title: str, game: str, sequencer: str) -> str:
    return f"{title} ({game}" + (f", sequenced by {sequencer})" if sequencer else ")")


def _row(name: str, figures: dict[str, float]) -> str:
    shares = "".join(f"{value:>8.1%}" for figure, value in figures.items() if figure.startswith("share of all"))
    return f"{name:<24}{figures['longest']:>7.0f}{shares}"


def main() -> None:
    """Run `novelty` as a console script."""
    console.run(app)
