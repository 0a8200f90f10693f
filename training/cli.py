"""The commands `train`, `evaluate` and `generate`."""

import json
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from catalog import console
from catalog.errors import UsageError, VgpianoError
from catalog.files import data_root, working_root

PLAIN = {"add_completion": True, "pretty_exceptions_enable": False, "rich_markup_mode": None}
train_app = typer.Typer(**PLAIN)  # type: ignore[arg-type]
evaluate_app = typer.Typer(**PLAIN)  # type: ignore[arg-type]
generate_app = typer.Typer(**PLAIN)  # type: ignore[arg-type]

Root = Annotated[
    str | None, typer.Option("--root", help="Data root, a folder or a URL; else $VGPIANO_ROOT, else ./data.")
]


@train_app.command()
def train(
    query: Annotated[
        str | None, typer.Option("--query", help="Pieces to train on, such as \"series == 'zelda'\".")
    ] = None,
    corpus: Annotated[str | None, typer.Option("--corpus", help="A corpus that `dataset build` made.")] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="note-lstm, classic, or a JSON file.")] = "note-lstm",
    minutes: Annotated[float | None, typer.Option("--minutes", help="Budget; the learning rate ends with it.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Budget in epochs.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the run; else that of the corpus.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of weights, batches and samples.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped or killed.")] = False,
    init: Annotated[str | None, typer.Option("--init", help="Begin from the weights of this run.")] = None,
    render: Annotated[
        bool,
        typer.Option("--render/--no-render", help="Sound, score and piano roll of the samples, and the run's page."),
    ] = True,
    root: Root = None,
) -> None:
    """Train a network on the pieces of a query or a corpus, write three samples, and the run's page, index.html.

    Builds the corpus if there is none for the query. After each epoch, training and held-out bits a note are shown; the
    best epoch is kept. Ctrl-C or a crash loses at most the epoch under way: the same command with --resume goes on.
    """
    from training import hosts as meeting
    from training import playing, session
    from training.sampler import Wish
    from training.train import parted

    base = data_root(root)
    hosts = meeting.join()
    order = session.Order(
        query=query,
        corpus=corpus,
        recipe=recipe,
        minutes=minutes,
        epochs=epochs,
        name=name,
        seed=seed,
        resume=resume,
        init=init,
    )
    with console.Progress("corpus") as progress:
        run, held, budget = session.prepare(base, order, progress, hosts)
    if not hosts.first:
        session.fit(run, held, budget, lambda row: None, lambda step: None, hosts)
        return
    funnel = held.manifest.funnel
    print(f"run      {run.path}")
    print(
        f"corpus   {held.name}: {funnel.train} pieces to train on, {funnel.validation} to validate, {funnel.test} to test"
    )
    until = " or ".join(
        f"{value:g} {unit}" for value, unit in ((budget.minutes, "minutes"), (budget.epochs, "epochs")) if value
    )
    print(f"recipe   {run.recipe.kind}, for {until} at most", flush=True)
    if (warning := session.caution(held, run.recipe, run.asked.init)) is not None:
        console.complain(f"warning: {warning}")
    said: list[str] = []
    before = run.progress().epoch

    def show(row: Any) -> None:
        left = "" if budget.minutes is None else f"  left {_clock(budget.minutes * 60 - row.seconds)}"
        print(_line(row) + left, flush=True)
        figures = (
            ("train_loss", "validation_loss") if run.recipe.kind == "classic" else ("train_bits", "validation_bits")
        )
        warning = parted(run.progress().history, *figures)
        if warning and not said:
            said.append(warning)
            console.complain(f"warning: {warning}")

    def watch(step: Any) -> None:
        bar.label = f"epoch {step.epoch}  {step.notes_per_second:,.0f} notes/s  {step.train_bits:.2f} bits"
        bar(round(1000 * step.gone), 1000)

    try:
        with console.Progress("training", plain=False) as bar:
            ended = session.fit(run, held, budget, show, watch, hosts)
    except KeyboardInterrupt:
        console.complain(f"stopped; go on with: train --name {run.name} --resume")
        raise SystemExit(130) from None
    print(f"ended    {ended.ended}; best epoch {ended.best_epoch}")
    if ended.epoch == before and run.samples.is_dir():
        print(f"nothing was left to train; its samples are in {run.samples}")
        return
    wish = Wish(count=playing.SAMPLES, seconds=playing.SAMPLE_SECONDS, seed=run.asked.seed)
    pieces = playing.music(run, wish)
    files = playing.write_pieces(run.samples, pieces, run.name)
    for file in files:
        print(f"sample   {file}", flush=True)
    if render:
        _render(run.name, files, pieces, say=False)
        _page(base, run, "page     ")


def _line(row: Any) -> str:
    """Return one line about an epoch."""
    values = asdict(row)
    return "  ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )


def _clock(seconds: float) -> str:
    """Return minutes and seconds, none where the time is over."""
    return f"{int(max(0, seconds)) // 60}:{int(max(0, seconds)) % 60:02d}"


@evaluate_app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="Name or path of a run.")],
    split: Annotated[
        Literal["train", "validation", "test"] | None, typer.Option("--split", help="The corpus's part; else test.")
    ] = None,
    midi: Annotated[Path | None, typer.Option("--midi", help="A folder of MIDI files instead of a split.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
    root: Root = None,
) -> None:
    """Show the bits a note that a run's best epoch needs for music it was not trained on, in total and by field."""
    from training import playing, session
    from training.evaluate import quality, read_folder
    from training.run import Run

    if split is not None and midi is not None:
        raise UsageError("--split and --midi both say what to evaluate on; give one")
    base = data_root(root)
    opened = Run.open(working_root(base), run)
    network = playing.network(opened)
    if midi is not None:
        if not midi.is_dir():
            raise UsageError(f"--midi {midi}: no such folder")
        pieces, reasons = read_folder(midi)
        for path, reason in reasons.items():
            console.complain(f"left out {path}: {reason}")
    else:
        pieces = session.held_pieces(base, opened, split or "test")
    found = asdict(quality(network, pieces))
    if as_json:
        print(json.dumps(found))
        return
    print(f"{found['bits_per_note']:.3f} bits a note over {found['notes']:,} notes of {found['pieces']} pieces")
    for field, value in found["fields"].items():
        print(f"  {field:9}{value:.3f}")


@generate_app.command()
def generate(
    run: Annotated[str, typer.Argument(help="Name or path of a run.")],
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
    prime: Annotated[Path | None, typer.Option("--prime", help="A MIDI file to go on from.")] = None,
    series: Annotated[str | None, typer.Option("--series", help="Compose in the style of this series.")] = None,
    game: Annotated[str | None, typer.Option("--game", help="Compose in the style of this game.")] = None,
    style: Annotated[
        str | None, typer.Option("--style", help="Games or series to mix: ocarina-of-time=0.7,wind-waker=0.3.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the files; else the run's samples/.")] = None,
    render: Annotated[
        bool,
        typer.Option(
            "--render/--no-render", help="Sound, score and piano roll beside each MIDI file, and the run's page."
        ),
    ] = True,
    root: Root = None,
) -> None:
    """Compose new pieces with a trained run and write them as MIDI, then as sound, score and piano roll (as `render` does).

    Pieces that go to the run's own samples are shown on its page, index.html, which is made again.
    """
    from dataset.notes import read_midi
    from training import playing, settings
    from training.run import Run
    from training.sampler import Wish

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
        series=series,
        game=game,
        style=settings.weights("--style", style) if style is not None else None,
    )
    if prime is not None and not prime.is_file():
        raise UsageError(f"--prime {prime}: no such file")
    base = data_root(root)
    opened = Run.open(working_root(base), run)
    first = read_midi(prime.read_bytes()) if prime is not None else None
    pieces = playing.music(opened, wish, first)
    files = playing.write_pieces(out or opened.samples, pieces, opened.name)
    for file in files:
        print(file, flush=True)
    console.complain(f"seed {drawn}")
    if render:
        _render(opened.name, files, pieces)
        if files[0].parent.resolve() == opened.samples.resolve():
            _page(base, opened)


def _render(run: str, files: list[Path], pieces: list[Any], *, say: bool = True) -> None:
    """Render new pieces beside their MIDI files; what cannot be made is said and harms nothing else."""
    from training import render

    named = [render.Piece(file.stem, notes, f"{run} {file.stem}") for file, notes in zip(files, pieces, strict=True)]
    for done in render.render_pieces(named, files[0].parent):
        if done.reason is not None:
            console.complain(f"warning: {done.path} could not be made: {done.reason}")
        elif say:
            print(done.path, flush=True)


def _page(root: Any, run: Any, label: str = "") -> None:
    """Write the page of a run; what keeps it from being made is said and harms nothing else."""
    from training.page import write_page

    try:
        with console.Progress("page") as progress:
            path = write_page(root, run, progress)
    except VgpianoError as error:
        console.complain(f"warning: the page of {run.name} could not be made: {error}")
        return
    print(f"{label}{path}", flush=True)


def train_main() -> None:
    """Run `train` as a console script."""
    console.run(train_app)


def evaluate_main() -> None:
    """Run `evaluate` as a console script."""
    console.run(evaluate_app)


def generate_main() -> None:
    """Run `generate` as a console script."""
    console.run(generate_app)
