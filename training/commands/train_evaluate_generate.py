"""The commands `train`, `evaluate` and `generate`."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

import json
import os
import secrets
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import Root, Version, given_name, given_path
from catalog.storage.files import data_root, working_root
from dataset.completion import corpora
from training.commands import completion

if TYPE_CHECKING:
    from catalog.storage.remote import AnyPath
    from training.classic.quality import TokenQuality
    from training.network.quality import Quality
    from training.session import Order

PLAIN = {"add_completion": True, "pretty_exceptions_enable": False, "rich_markup_mode": None}
train_app = typer.Typer(**PLAIN)  # type: ignore[arg-type]
evaluate_app = typer.Typer(**PLAIN)  # type: ignore[arg-type]
generate_app = typer.Typer(**PLAIN)  # type: ignore[arg-type]

RunName = Annotated[
    str, typer.Argument(help="Name or path of a run.", callback=given_name, autocompletion=completion.runs)
]


@train_app.command()
def train(
    query: Annotated[
        str | None, typer.Option("--query", help="Pieces to train on, such as \"series == 'zelda'\".")
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            "--corpus", help="A corpus that `dataset build` made.", callback=given_name, autocompletion=corpora
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            help="note-lstm (else), classic, or a JSON file.",
            callback=given_name,
            autocompletion=completion.recipes,
        ),
    ] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Budget; the learning rate ends with it.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Budget in epochs.")] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the run; else that of the corpus.", autocompletion=completion.runs),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed of weights, batches and samples (else 0).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped or killed.")] = False,
    init: Annotated[
        str | None,
        typer.Option(
            "--init", help="Begin from the weights of this run.", callback=given_name, autocompletion=completion.runs
        ),
    ] = None,
    keep: Annotated[
        Literal["validation", "training"] | None,
        typer.Option(
            "--keep",
            help="Which epoch to keep: the best on held-out pieces (else), or on those it learns from (classic's own).",
        ),
    ] = None,
    max_copy: Annotated[
        int | None,
        typer.Option("--max-copy", help="As of `generate`, for its three samples (else 24); 0 allows any copy."),
    ] = None,
    each_game: Annotated[
        bool,
        typer.Option(
            "--each-game",
            help="A run of each game by itself, then one of all; --minutes are for all together. The same command goes on.",
        ),
    ] = False,
    render: Annotated[
        bool,
        typer.Option("--render/--no-render", help="Sound, score and piano roll of the samples, and the run's page."),
    ] = True,
    root: Root = None,
    version: Version = False,
) -> None:
    """Train a network on the pieces of a query or a corpus, write three samples, and the run's page, index.html.

    Builds the corpus if there is none for the query. After each epoch, training and held-out bits a note are shown; the
    best epoch is kept. Ctrl-C or a crash loses at most the epoch under way: the same command with --resume goes on.
    With --each-game, every game of the query that has enough pieces gets a run of its own, and one page compares them.
    """
    from training import run_training as course
    from training.session import Order

    base = data_root(root)
    order = Order(
        query=query,
        corpus=corpus,
        recipe=recipe,
        minutes=minutes,
        epochs=epochs,
        name=name,
        seed=seed,
        resume=resume,
        init=init,
        keep=keep,
        max_copy=max_copy,
    )
    if each_game:
        _each_game(base, order, render=render)
    else:
        course.take(base, order, _say, render=render)


def _each_game(base: "AnyPath", order: "Order", *, render: bool) -> None:
    """Take every run of an experiment that is not done, and write the page that compares them."""
    from training import experiment
    from training.loop import hosts

    if os.environ.get(hosts.COUNT, "1") != "1":
        raise UsageError(
            f"--each-game is for one process, and {hosts.COUNT} is set; take its runs one by one with --name"
        )
    with console.Progress("corpora") as progress:
        asked = experiment.plan(base, order, progress)
    experiment.take(base, asked, _say, render=render)
    with console.Progress("page") as progress:
        _say(f"\ncompared {experiment.write(base, asked, progress)}")


def _say(line: str) -> None:
    print(line, flush=True)


@evaluate_app.command()
def evaluate(
    run: RunName,
    split: Annotated[
        Literal["train", "validation", "test"] | None, typer.Option("--split", help="The corpus's part; else test.")
    ] = None,
    midi: Annotated[
        Path | None, typer.Option("--midi", callback=given_path, help="A folder of MIDI files instead of a split.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
    root: Root = None,
    version: Version = False,
) -> None:
    """Show how well a run's best epoch foresees music that it was not trained on.

    In bits per note, in total and by field; for a run of recipe classic, in nats per token, as the original experiment counted.
    """
    from training.evaluate import evaluate_folder, evaluate_run
    from training.run import Run

    if split is not None and midi is not None:
        raise UsageError("--split and --midi both say what to evaluate on; give one")
    base = data_root(root)
    opened = Run.open(working_root(base), run)
    quality: Quality | TokenQuality
    if midi is not None:
        quality = evaluate_folder(opened, midi, lambda path, reason: console.complain(f"left out {path}: {reason}"))
    else:
        with console.Progress("windows") as progress:
            quality = evaluate_run(base, opened, split or "test", progress)
    found = asdict(quality)
    if as_json:
        print(json.dumps(found))
        return
    if "nats_per_token" in found:
        unknown = f"; {found['unknown']:,} that training does not know are left out" if found["unknown"] else ""
        print(
            f"{found['nats_per_token']:.3f} nats per token over {found['tokens']:,} tokens of {found['split']}{unknown}"
        )
        return
    print(f"{found['bits_per_note']:.3f} bits a note over {found['notes']:,} notes of {found['pieces']} pieces")
    for field, value in found["fields"].items():
        print(f"  {field:9}{value:.3f}")


@generate_app.command()
def generate(
    run: RunName,
    count: Annotated[int, typer.Option("--count", help="How many pieces.")] = 1,
    notes: Annotated[int | None, typer.Option("--notes", help="Length of each in notes.")] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="Length of each in seconds (else 60), to the next bar line.")
    ] = None,
    bars: Annotated[int | None, typer.Option("--bars", help="Length of each in bars.")] = None,
    temperature: Annotated[
        str, typer.Option("--temperature", help="Below 1 is safer, above 1 bolder; or by field: pitch=0.9,time=1.")
    ] = "1.0",
    top_p: Annotated[
        str, typer.Option("--top-p", help="Share of the probability that is drawn from, 0–1; or by field.")
    ] = "0.97",
    top_k: Annotated[
        str, typer.Option("--top-k", help="Draw from the K likeliest only, 0 for any number; or by field.")
    ] = "0",
    max_copy: Annotated[
        int,
        typer.Option(
            "--max-copy",
            help="Complete no passage of more notes than this that stands in the training pieces; 0 allows any.",
        ),
    ] = 24,
    prime: Annotated[
        Path | None,
        typer.Option(
            "--prime",
            callback=given_path,
            help="A MIDI file to go on from; its length is not counted in that of the piece.",
        ),
    ] = None,
    without_prime: Annotated[
        bool, typer.Option("--without-prime", help="Write only what follows the prime, from its first bar on.")
    ] = False,
    series: Annotated[
        str | None,
        typer.Option("--series", help="Compose in the style of this series.", autocompletion=completion.series),
    ] = None,
    game: Annotated[
        str | None,
        typer.Option("--game", help="Compose in the style of this game.", autocompletion=completion.games),
    ] = None,
    style: Annotated[
        str | None, typer.Option("--style", help="Games or series to mix: ocarina-of-time=0.7,wind-waker=0.3.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", callback=given_path, help="Folder for the files; else the run's samples/.")
    ] = None,
    render: Annotated[
        bool,
        typer.Option(
            "--render/--no-render", help="Sound, score and piano roll beside each MIDI file, and the run's page."
        ),
    ] = True,
    root: Root = None,
    version: Version = False,
) -> None:
    """Compose new pieces with a trained run and write them as MIDI, then as sound, score and piano roll (as `render` does).

    A length is that of new music: after a --prime it counts from the end of the bar in which the prime's last note begins.
    Pieces that go to the run's own samples are shown on its page, index.html, which is made again.
    """
    from training.commands import field_options as settings
    from training.page.write import paged, rendered
    from training.run import Run
    from training.sampling import generate as playing
    from training.sampling.config import Wish

    console.when_stopped("every file that was named is kept whole; the same command makes others")
    if notes is None and seconds is None and bars is None:
        seconds = playing.SAMPLE_SECONDS
    drawn = secrets.randbelow(2**32) if seed is None else seed
    wish = Wish(
        count=count,
        notes=notes,
        seconds=seconds,
        bars=bars,
        temperature=settings.by_field("--temperature", temperature),
        top_p=settings.by_field("--top-p", top_p),
        top_k=settings.by_field("--top-k", top_k),
        seed=drawn,
        max_copy=max_copy,
        without_prime=without_prime,
        series=series,
        game=game,
        style=settings.weights("--style", style) if style is not None else None,
    )
    if without_prime and prime is None:
        raise UsageError("--without-prime leaves out the notes of a prime; name its file with --prime")
    if prime is not None and not prime.exists():
        raise UsageError(f"--prime {prime}: no such file")
    base = data_root(root)
    opened = Run.open(working_root(base), run)
    first = playing.read_prime(prime) if prime is not None else None
    with console.Progress("composing") as progress:
        pieces = playing.music(opened, wish, first, progress)
    files = playing.write_pieces(out or opened.samples, pieces, opened.name)
    for file in files:
        print(console.one_line(file), flush=True)
    console.complain(f"seed {drawn}")
    if render:
        is_own = files[0].parent.resolve() == opened.samples.resolve()
        try:
            rendered(opened.name, files, pieces, lambda path: _say(console.one_line(path)))
            if is_own:
                paged(base, opened, lambda path: _say(console.one_line(path)))
        except KeyboardInterrupt:
            rest = shlex.join(["render", *([opened.name] if is_own else map(str, files))])
            console.complain(f"stopped; {len(files)} pieces are written, what is not rendered yet comes with: {rest}")
            raise SystemExit(130) from None


def train_main() -> None:
    """Run `train` as a console script."""
    console.run(train_app)


def evaluate_main() -> None:
    """Run `evaluate` as a console script."""
    console.run(evaluate_app)


def generate_main() -> None:
    """Run `generate` as a console script."""
    console.run(generate_app)
