"""The command `train`."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import Root, Version, expand_name, games, single_command
from catalog.storage.files import data_root
from dataset.completion import corpora
from training.commands import completion
from training.commands.console_observer import console_observer
from training.recipes import DEFAULT, RECIPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.storage.remote import AnyPath
    from training.train_config import TrainConfig

app = single_command()


@app.command()
def train(
    query: Annotated[
        str | None, typer.Option("--query", help="Pieces to train on, such as \"series == 'zelda'\".")
    ] = None,
    game: Annotated[
        str | None,
        typer.Option(
            "--game",
            help="The game to train on: its title, or part of its slug, such as ocarina.",
            autocompletion=games,
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            "--corpus", help="A corpus that `dataset build` made.", callback=expand_name, autocompletion=corpora
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            help=f"{', '.join(name + ' (default)' * (name == DEFAULT) for name in RECIPES)}, or a JSON file.",
            callback=expand_name,
            autocompletion=completion.recipes,
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            help="Training time in minutes, base included (default 10; with --each-game 12; for classic none).",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Maximum number of epochs (default for classic 250).")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the run (default: that of the corpus).", autocompletion=completion.runs),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed of weights, batches and samples (default 0).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that was stopped or killed.")] = False,
    init: Annotated[
        str | None,
        typer.Option(
            "--init",
            help="Begin from the weights of this run, instead of a base.",
            callback=expand_name,
            autocompletion=completion.runs,
        ),
    ] = None,
    from_scratch: Annotated[
        bool,
        typer.Option(
            "--from-scratch",
            help="Learn from these pieces alone, without a base.",
        ),
    ] = False,
    keep: Annotated[
        Literal["validation", "training"] | None,
        typer.Option(
            "--keep",
            help="Which epoch to keep: the last that is nearly the best on held-out pieces (default), or the best on the "
            "training pieces (default of classic).",
        ),
    ] = None,
    max_copy: Annotated[
        int | None,
        typer.Option("--max-copy", help="As in `generate`, for the three samples (default 24); 0 allows any copy."),
    ] = None,
    each_game: Annotated[
        bool,
        typer.Option(
            "--each-game",
            help="One run per game, then one of all games; --minutes is the budget of all runs together. The same command resumes.",
        ),
    ] = False,
    render: Annotated[
        bool,
        typer.Option(
            "--render/--no-render", help="Render sound, score and piano roll of the samples, and write the run's page."
        ),
    ] = True,
    root: Root = None,
    version: Version = False,
) -> None:
    """Train a network on a query or a corpus; write three samples and a page.

    A trained network with its files is called a run. If there is no corpus for the query, it is built. With --query or --game,
    a base is trained first: a run on all pieces of the catalog, which takes 95 % of the minutes. Later runs use it again.
    Each epoch prints bits per note on training and held-out pieces (lower is better); the last that is nearly the best is
    kept. Ctrl-C or a crash loses at most the current epoch; the same command with --resume continues.

    With --each-game, every game of the query with enough pieces gets its own run, and one page compares them.
    """
    from catalog.named import query_of
    from catalog.summary import open_catalog
    from training import run_training as course
    from training.train_config import TrainConfig

    base = data_root(root)
    if game is not None and corpus is not None:
        raise UsageError("--game and --corpus exclude each other; give one")
    query = query_of(game, query, lambda columns: open_catalog(base).pieces(columns=columns))
    order = TrainConfig(
        query=query,
        corpus=corpus,
        recipe=recipe,
        minutes=minutes,
        epochs=epochs,
        name=name,
        seed=seed,
        resume=resume,
        init=init,
        from_scratch=from_scratch,
        keep=keep,
        max_copy=max_copy,
    )
    if each_game:
        _each_game(base, order, render=render)
    else:
        with _saying_how_to_resume():
            course.train_run(base, order, console_observer(), render=render)


def _each_game(base: "AnyPath", order: "TrainConfig", *, render: bool) -> None:
    """Train the unfinished runs of an experiment; write the page that compares them."""
    from training import experiment
    from training.loop import hosts

    if os.environ.get(hosts.COUNT, "1") != "1":
        raise UsageError(
            f"--each-game is for one process, and {hosts.COUNT} is set; train its runs one by one with --name"
        )
    with console.Progress("corpora") as progress:
        planned = experiment.plan(base, order, progress)
    with _saying_how_to_resume():
        experiment.take(base, planned, console_observer(), render=render)
    with console.Progress("page") as progress:
        print(f"\ncompared {experiment.write(base, planned, progress)}", flush=True)


@contextmanager
def _saying_how_to_resume() -> "Iterator[None]":
    """On Ctrl-C in the block, print what is kept, and how to continue."""
    from training.loop.interrupt import TrainingInterrupted

    try:
        yield
    except TrainingInterrupted as stop:
        console.set_stop_hint(str(stop))
        raise


def main() -> None:
    """Run `train` as a console script."""
    console.run(app)
