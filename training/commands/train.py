"""The command `train`."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import Root, Version, given_name, single_command
from catalog.storage.files import data_root
from dataset.completion import corpora
from training.commands import completion

if TYPE_CHECKING:
    from catalog.storage.remote import AnyPath
    from training.train_config import TrainConfig

app = single_command()


@app.command()
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

    Builds the corpus if there is none for the query. After each epoch, training and held-out bits per note are shown; the
    best epoch is kept. Ctrl-C or a crash loses at most the epoch under way: the same command with --resume goes on.
    With --each-game, every game of the query that has enough pieces gets a run of its own, and one page compares them.
    """
    from training import run_training as course
    from training.train_config import TrainConfig

    base = data_root(root)
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
        keep=keep,
        max_copy=max_copy,
    )
    if each_game:
        _each_game(base, order, render=render)
    else:
        course.train_run(base, order, _say, render=render)


def _each_game(base: "AnyPath", order: "TrainConfig", *, render: bool) -> None:
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


def main() -> None:
    """Run `train` as a console script."""
    console.run(app)
