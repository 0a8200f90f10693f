"""The command `novelty`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog import console
from catalog.errors import UsageError
from catalog.files import data_root, working_root

if TYPE_CHECKING:
    from training.novelty import Novelty

novelty_app = typer.Typer(add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None)
MOST_COPIES = 8  # passages of a piece that are told of, the longest


@novelty_app.command()
def novelty(
    what: Annotated[str, typer.Argument(help="A run, for all of its samples, or a MIDI file.")],
    against: Annotated[
        str | None,
        typer.Option(
            "--against", help="A corpus or a run whose training pieces may have been copied; else the run's own."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON, with every passage.")] = False,
    root: Annotated[
        str | None, typer.Option("--root", help="Data root, a folder or a URL; else $VGPIANO_ROOT, else ./data.")
    ] = None,
) -> None:
    """Say what was copied, from whom, and how much: passages that stand in the training pieces, in any key and at another speed.

    For a run, the same figures of held-out human pieces are shown beside, as a yardstick: where its corpus is still there.
    """
    from training import copied

    base = data_root(root)
    if Path(what).is_file():
        if against is None:
            raise UsageError(f"{what} is a file: say with --against CORPUS or RUN what it may have copied from")
        sources = copied.sources(base, against)
        told = {what: copied.of_file(Path(what), sources)}
        human: dict[str, float] | None = None
    else:
        told, human = copied.of_run(base, working_root(base), what, against)
    if as_json:
        print(json.dumps({"pieces": {name: asdict(found) for name, found in told.items()}, "held_out": human}))
        return
    for name, found in told.items():
        _tell(name, found)
    if human is not None:
        print("held-out human pieces against the same: " + _figures(human))


def _tell(name: str, found: "Novelty") -> None:
    shares = "  ".join(f"{share:.0%} in passages of {least}" for least, share in found.shares.items())
    print(f"{console.clean(name)}: {found.notes} notes, the longest passage {found.longest}  {shares}")
    for copy in sorted(found.copies, key=lambda copy: -copy.notes)[:MOST_COPIES]:
        moved = f", {copy.transposition:+d} semitones" if copy.transposition else ""
        speed = f", {copy.ratio:g} ticks for one" if copy.ratio != 1 else ""
        whose = f", sequenced by {copy.sequencer}" if copy.sequencer else ""
        line = (
            f"  {copy.notes} notes, bars {copy.bars[0]}-{copy.bars[1]} ({copy.seconds[0]:.1f}-{copy.seconds[1]:.1f} s): "
            f"{copy.title} ({copy.game}), bars {copy.there_bars[0]}-{copy.there_bars[1]}{moved}{speed}{whose}"
        )
        print(console.clean(line))


def _figures(values: dict[str, Any]) -> str:
    return "  ".join(f"{name} {value:.3g}" for name, value in values.items())


def main() -> None:
    """Run `novelty` as a console script."""
    console.run(novelty_app)
