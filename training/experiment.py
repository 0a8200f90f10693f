"""The original's experiment: a run per game, a run of all games, and one page.

In: a query and a total budget. Out: the runs to train (`plan`), their training (`take`), and the page that compares
them (`write`). Runs are identified by name: an interrupted experiment resumes, and finished runs are not repeated.
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

EXPERIMENTS = "experiments"  # below the data root: one folder per experiment, with its page
MIN_PIECES = 8  # minimum number of different pieces per game
MAX_GAMES = 20
MINUTES = 12.0  # total of all runs; rendering, pages and start-up need additional time
SHARE_FOR_ALL = 0.5  # share of the budget for the run of all games
SERIES = "zelda"  # of the original experiment


@dataclass(frozen=True, slots=True)
class Part:
    """One run of an experiment; `slug` is a game or `all`."""

    slug: str
    label: str
    samples: int  # samples shown on the page
    config: TrainConfig
    pieces: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment: its runs in page order, games first."""

    name: str
    parts: tuple[Part, ...]
    is_original: bool


def plan(root: AnyPath, config: TrainConfig, report: Report = lambda done, total: None) -> Experiment:
    """Return the experiment for `config`.

    The query selects the games; the minutes are the total of all runs, which have no base. Each game with at least MIN_PIECES pieces
    (kept, without duplicates) gets a run, up to MAX_GAMES; missing corpora are built. Raises UsageError for settings
    that cannot be combined, TrainingError if fewer than two games remain.
    """
    if config.query is None or config.corpus is not None or config.resume:
        raise UsageError("--each-game needs --query and resumes by itself; leave out --corpus and --resume")
    whole = build.ensure_corpus(root, config.query, report=report)
    name = config.name or whole.name
    games = _games(root, config.query, report)
    if len(games) < 2:
        raise TrainingError(
            f"{config.query}: {len(games)} games with {MIN_PIECES} pieces or more; choose a query with at least two"
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
            replace(config, query=game.query, minutes=alone, name=f"{name}-{game.slug}", from_scratch=True),
            game.pieces,
        )
        for game in games
    ]
    label = ZELDA_LABELS[SERIES] if is_original else "All of them"
    every = replace(config, minutes=together, name=f"{name}-all", from_scratch=True)
    parts.append(Part("all", label, ALL_SAMPLES, every, whole.manifest.funnel.unique))
    return Experiment(name, tuple(parts), is_original)


def take(root: AnyPath, experiment: Experiment, observer: Observer, *, render: bool = True) -> None:
    """Train the run of every part, or finish it.

    Raises TrainingError if a run of that name was trained on another corpus, TrainingInterrupted on Ctrl-C.
    """
    for number, part in enumerate(experiment.parts, 1):
        observer.message(f"\n{number} of {len(experiment.parts)}: {part.label}, {part.pieces} pieces")
        run = _existing_run(root, part)
        if run is None or not course.is_trained(run):
            config = replace(part.config, resume=run is not None)
            course.train_run(root, config, observer, render=render, resume_command="the same command")
        elif course.is_done(run, render=render):
            observer.message(f"already done: {run.path}")
        else:
            course.complete(root, run, observer, render=render, resume_command="the same command")


def _existing_run(root: AnyPath, part: Part) -> Run | None:
    """Return the existing run of a part, or None."""
    runs = working_root(root)
    if part.config.name not in list_runs(runs):
        return None
    run = Run.open(runs, part.config.name)
    corpus = build.ensure_corpus(root, str(part.config.query))
    if (run.request.query, run.request.corpus_hash) != (corpus.manifest.query, corpus.hash):
        raise TrainingError(
            f"run {run.name} was trained on other music ({run.request.query}, {run.request.corpus_hash[:12]}); "
            "give the experiment another --name, or remove that run"
        )
    resume.check(root, run, part.config)
    return run


def write(root: AnyPath, experiment: Experiment, report: Report = lambda done, total: None) -> Path:
    """Write the page that compares the runs of an experiment; return its path.

    All runs must exist.
    """
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
    lead = "One network per game, and one for all games together."
    return write_comparison(root, entries, out, title=title, lead=lead, report=report)


@dataclass(frozen=True, slots=True)
class _Game:
    slug: str
    title: str
    query: str
    pieces: int


def _games(root: AnyPath, query: str, report: Report) -> list[_Game]:
    """Return the games with enough pieces for a run of their own, most pieces first."""
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
