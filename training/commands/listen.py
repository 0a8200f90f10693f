"""The command `listen`."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

import json
import secrets
from dataclasses import asdict
from itertools import count as numbers
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import Root, Version, absolute_path, expand_name, single_command
from catalog.storage.files import data_root, working_root, write_text
from training.commands import completion

if TYPE_CHECKING:
    from training.listening.votes import Counted, Tally
    from training.run import Run

app = single_command()
KEY_ENDING = ".key.json"


@app.command()
def listen(
    what: Annotated[
        list[str],
        typer.Argument(
            help="Name or path of a run; with --tally, files of votes.",
            callback=expand_name,
            autocompletion=completion.runs,
        ),
    ],
    count: Annotated[int, typer.Option("--count", help="Excerpts of each source.")] = 8,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of each excerpt in seconds.")] = 20.0,
    also: Annotated[
        list[Path] | None,
        typer.Option(
            "--also",
            callback=absolute_path,
            help="Folder of MIDI files that another program composed, as a further source; repeatable.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Random seed of the excerpts and their order.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", callback=absolute_path, help="Page to write (default: the next listen-N.html of the run's folder)."
        ),
    ] = None,
    soundfont: Annotated[
        Path | None,
        typer.Option("--soundfont", callback=absolute_path, help="SF2 or SF3 file with the piano, as in `render`."),
    ] = None,
    tally: Annotated[
        Path | None,
        typer.Option("--tally", callback=absolute_path, help="Key file of a test: count the votes with it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --tally, print one line of JSON.")] = False,
    root: Root = None,
    version: Version = False,
) -> None:
    """Write a blind test as one page to send: person or computer? With --tally, count its votes.

    The page has excerpts of human pieces from the test split, which the run has not learnt from, and of the run's samples,
    in random order and with the same sound. If there are too few samples, more are composed. The key file beside the page
    says who composed what: keep it to yourself. The page saves the answers as a file, which listeners send back.
    """
    if tally is not None:
        _count(tally, [Path(word) for word in what], as_json=as_json)
        return
    if len(what) != 1 or as_json:
        raise UsageError("give one run; to count votes, give the key: listen --tally KEY VOTES...")
    from training.blind_test import make_blind_test
    from training.run import Run

    console.set_stop_hint("no page was written; run the same command to start again")
    base = data_root(root)
    run = Run.open(working_root(base), what[0])
    page = out or _next_page(run)
    key = page.with_name(page.stem + KEY_ENDING)
    for path in (page, key):
        if path.exists():
            raise UsageError(f"{path} exists, and its votes may still be out; choose another --out")
    drawn = secrets.randbelow(2**32) if seed is None else seed
    with console.Progress("excerpts") as progress:
        made = make_blind_test(
            base,
            run,
            count=count,
            seconds=seconds,
            also=also or (),
            seed=drawn,
            soundfont=soundfont,
            report=progress,
            note=console.print_message,
        )
    write_text(key, made.key.to_json())
    write_text(page, made.page)
    print(f"{console.one_line(page)}\n{console.one_line(key)}")
    console.print_message("send the page alone; the key says who made what")


def _next_page(run: "Run") -> Path:
    """Return the first listen-N.html of a run's folder that is not there, nor its key."""
    pages = (run.path / f"listen-{number}.html" for number in numbers(1))
    return next(page for page in pages if not (page.exists() or page.with_name(page.stem + KEY_ENDING).exists()))


def _count(key: Path, votes: list[Path], *, as_json: bool) -> None:
    """Print how many answers were right, and how many listeners it takes."""
    from training.listening.votes import tally_votes

    found = tally_votes(key, votes)
    print(json.dumps(asdict(found)) if as_json else "\n".join(_lines(found)))


def _lines(found: "Tally") -> list[str]:
    width = max(12, *(len(console.one_line(each.source)) for each in found.sources))
    return [
        f"{found.listeners} {'listener' if found.listeners == 1 else 'listeners'}, {found.together.votes} votes"
        + (f"; {found.known} more on pieces that the listener knew are not counted" if found.known else ""),
        f"{'source':<{width}}  {'made by':<10}{'excerpts':>9}{'votes':>7}{'right':>7}  share right (95 % interval)",
        *(_row(each, width) for each in found.sources),
        _row(found.together, width),
        f"To tell 60 % from 50 % takes {found.votes_needed} votes (two-sided 5 %, power 80 %): "
        f"{found.together.listeners_needed} listeners for all sources together"
        + "".join(f", {each.listeners_needed} for {console.one_line(each.source)}" for each in found.sources),
    ]


def _row(each: "Counted", width: int) -> str:
    share = "-" if each.share is None else f"{each.share:.1%} ({each.low:.1%} to {each.high:.1%})"
    name, maker = console.one_line(each.source or "together"), each.maker and f"a {each.maker}"
    return f"{name:<{width}}  {maker:<10}{each.excerpts:>9}{each.votes:>7}{each.right:>7}  {share}"


def main() -> None:
    """Run `listen` as a console script."""
    console.run(app)
