"""The original's experiment on what the catalog holds: a run of each game by itself, one of all of them, and a page that compares them.

In: a query and how long all may take. Out: what runs there are to be, of which a caller takes the course of each that is not done; then
the page. A run is known by its name, so whatever a kill left is gone on with, and what is done is done once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from catalog.schema import FETCHED
from catalog.storage.files import working_root
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from dataset import build
from dataset.corpus.corpus import Corpus
from training import resume
from training import run_training as course
from training.observer import Observer
from training.page.comparison_page import ALL_SAMPLES, GAME_SAMPLES, ZELDA, ZELDA_LABELS, Entry, write_comparison
from training.page.run_page import PAGE_FILE
from training.run import Run, list_runs
from training.train_config import TrainConfig

EXPERIMENTS = "experiments"  # below the data root: a folder with the page of each
MIN_PIECES = 8  # different pieces that a game must have
MAX_GAMES = 20
MINUTES = 12.0  # for all runs together; rendering, pages and starting take some more
SHARE_FOR_ALL = 0.5  # of the minutes, for the run of all games
SERIES = "zelda"  # the original's


@dataclass(frozen=True, slots=True)
class Part:
    """One run of an experiment: what it is called on the page, of which slug (a game, or `all`), and what `train` is asked for."""

    slug: str
    label: str
    samples: int  # that the page shows
    config: TrainConfig
    pieces: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """Its name and its parts, the games first, in the order of the page; whether it is the original's own."""

    name: str
    parts: tuple[Part, ...]
    is_original: bool


def plan(root: AnyPath, config: TrainConfig, report: Report = lambda done, total: None) -> Experiment:
    """Return the experiment for `order`: its query says which games, its minutes are those of all runs together.

    Each game of LEAST_PIECES pieces or more (that are kept, no two alike) has a run, MOST_GAMES of them at most; their corpora are built
    if there are none. Raises UsageError for an order that cannot be parted, TrainingError where fewer than two games are left.
    """
    if config.query is None or config.corpus is not None or config.resume:
        raise UsageError("--each-game goes with --query, and goes on by itself; leave out --corpus and --resume")
    whole = build.ensure_corpus(root, config.query, report=report)
    name = config.name or whole.name
    games = _games(root, config.query, report)
    if len(games) < 2:
        raise TrainingError(
            f"{config.query}: {len(games)} games with {MIN_PIECES} pieces or more; choose a query with two at least"
        )
    rows = Catalog(root).pieces(config.query, columns=["series"])["series"].unique().to_pylist()
    is_original = rows == [SERIES]
    minutes = config.minutes or (None if config.epochs else MINUTES)
    alone = together = None
    if minutes is not None:
        alone, together = minutes * (1 - SHARE_FOR_ALL) / len(games), minutes * SHARE_FOR_ALL
    ranks = list(ZELDA) if is_original else []
    games.sort(key=lambda game: (ranks.index(game.slug) if game.slug in ranks else len(ranks), -game.pieces, game.slug))
    parts = [
        Part(
            game.slug,
            ZELDA_LABELS.get(game.slug, game.title) if is_original else game.title,
            GAME_SAMPLES,
            replace(config, query=game.query, minutes=alone, name=f"{name}-{game.slug}"),
            game.pieces,
        )
        for game in games
    ]
    label = ZELDA_LABELS[SERIES] if is_original else "All of them"
    every = replace(config, minutes=together, name=f"{name}-all")
    parts.append(Part("all", label, ALL_SAMPLES, every, whole.manifest.funnel.unique))
    return Experiment(name, tuple(parts), is_original)


def take(root: AnyPath, experiment: Experiment, observer: Observer, *, render: bool = True) -> None:
    """Train every part's run, or finish it.

    Raises TrainingError where a run of that name was trained on another corpus, TrainingInterrupted on Ctrl-C.
    """
    for number, part in enumerate(experiment.parts, 1):
        observer.message(f"\n{number} of {len(experiment.parts)}: {part.label}, {part.pieces} pieces")
        run = _existing_run(root, part)
        if run is None or not course.is_trained(run):
            config = replace(part.config, resume=run is not None)
            course.train_run(root, config, observer, render=render, resume_command="the same command")
        elif course.is_done(run, render=render):
            observer.message(f"done before, in {run.path}")
        else:
            course.complete(root, run, observer, render=render, resume_command="the same command")


def _existing_run(root: AnyPath, part: Part) -> Run | None:
    """Return the run of a part if there is one."""
    runs = working_root(root)
    if part.config.name not in list_runs(runs):
        return None
    run = Run.open(runs, part.config.name)
    corpus = build.ensure_corpus(root, str(part.config.query))
    if (run.asked.query, run.asked.corpus_hash) != (corpus.manifest.query, corpus.hash):
        raise TrainingError(
            f"run {run.name} was made on other music ({run.asked.query}, {run.asked.corpus_hash[:12]}); "
            "give the experiment another --name, or remove that run"
        )
    resume.check(root, run, part.config)
    return run


def write(root: AnyPath, experiment: Experiment, report: Report = lambda done, total: None) -> Path:
    """Write the page that compares the runs of an experiment, all of which are there, and return where it is."""
    runs = working_root(root)
    entries = [
        Entry(
            part.label,
            Run.open(runs, str(part.config.name)),
            part.samples,
            ZELDA.get(SERIES if part.slug == "all" else part.slug) if experiment.is_original else None,
        )
        for part in experiment.parts
    ]
    out = runs / EXPERIMENTS / experiment.name / PAGE_FILE
    title = "Zelda, game by game" if experiment.is_original else f"{experiment.name}, game by game"
    lead = "A network for each game by itself, and one for all of them together."
    return write_comparison(root, entries, out, title=title, lead=lead, report=report)


@dataclass(frozen=True, slots=True)
class _Game:
    slug: str
    title: str
    query: str
    pieces: int


def _games(root: AnyPath, query: str, report: Report) -> list[_Game]:
    """Return the games that are enough for a run by themselves, those with most pieces first."""
    catalog, columns = Catalog(root), ["game", "game_title", "state"]
    rows: Sequence[dict[str, Any]] = catalog.pieces(query, columns=columns).to_pylist()
    inside = Counter(row["game"] for row in rows if row["state"] == FETCHED)
    everywhere = Counter(catalog.pieces(columns=["game"])["game"].to_pylist())
    listed = Counter(row["game"] for row in rows)
    titles = {row["game"]: row["game_title"] for row in rows}
    found: list[_Game] = []
    for slug, count in sorted(inside.items(), key=lambda item: (-item[1], item[0])):
        if count < MIN_PIECES or len(found) == MAX_GAMES:
            break
        alone = f"game == '{slug}'"
        own = alone if listed[slug] == everywhere[slug] else f"({query}) and {alone}"
        corpus: Corpus = build.ensure_corpus(root, own, report=report)
        funnel = corpus.manifest.funnel
        if funnel.unique >= MIN_PIECES and funnel.train >= 2:
            found.append(_Game(slug, titles[slug] or slug, own, funnel.unique))
    return found
