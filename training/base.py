"""The base of a run: a run trained on all pieces of the catalog, from whose weights the run starts.

A few pieces are too few to learn music from. `train --query` therefore first trains a base, within its budget, or
takes one that is there: a trained run of the same recipe on the whole catalog as it is, or as it was when it had at
least ten elevenths of its present pieces. Splits are the same for base and run, so nothing held out is learned.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from catalog.storage.files import working_root
from catalog.storage.remote import AnyPath
from dataset import build
from dataset.corpus.corpus import Corpus, list_corpora
from dataset.corpus.manifest import Manifest
from training import recipe as recipes
from training.learner import learner
from training.observer import Observer
from training.progress import Budget
from training.recipe import Recipe
from training.recipes import DEFAULT
from training.run import CORPUS_FILE, Run, list_runs
from training.train_config import TrainConfig

WHOLE = "state == 'fetched'"
"""The query of a base: all pieces that the catalog holds."""
CORPUS = "whole-catalog"
"""The name of its corpus, which is built again whenever the catalog changes."""
SHARE = 0.75
"""Share of the budget in minutes that goes to a base that is not there yet."""
GROWTH = 1.1
"""A base is used until the catalog has more than this many times its pieces."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base that is there, or the training of one."""

    name: str
    training: TrainConfig | None  # None if it is trained already
    message: str


@dataclass(frozen=True, slots=True)
class BasePlan:
    """What a run needs: a base, and the run's own settings."""

    base: Base
    config: TrainConfig  # of the run, with --init


def plan(root: AnyPath, config: TrainConfig, observer: Observer) -> BasePlan | None:
    """Return the base of a new run; None if it trains from scratch.

    That is so with --from-scratch, --init, --corpus or --resume, for recipes without --init, if the query selects the
    whole catalog, and for a budget in epochs alone if there is no trained base; also if the run will be refused, as its
    name is taken or it has too few pieces. A base that was interrupted goes on, within the new budget. Raises
    TrainingError if CORPUS is the name of a corpus of another query, which building the base's would replace.
    """
    if config.query is None or config.from_scratch or config.init is not None or config.resume:
        return None
    if config.name in list_runs(working_root(root)):
        return None
    recipe = recipes.load(config.recipe or DEFAULT)
    if "--init" not in learner(recipe).takes:
        return None
    with observer.progress("corpus") as report:
        whole = _whole(root, report)
        own = build.ensure_corpus(root, config.query, report=report)
    if own.hash == whole.hash or not all(learner(recipe).is_enough(held.manifest.funnel) for held in (whole, own)):
        return None
    minutes = config.minutes
    if minutes is None and config.epochs is None:
        minutes = recipe.budget.minutes
    budget = None if minutes is None else Budget(minutes * SHARE, None)
    base = _base(working_root(root), whole, config.recipe, recipe, budget)
    if base is None:
        return None
    started = replace(config, init=base.name)
    if base.training is None or minutes is None:
        return BasePlan(base, started)
    return BasePlan(base, replace(started, minutes=minutes * (1 - SHARE)))


def beside(root: AnyPath, config: TrainConfig, budget: Budget | None, report: Report) -> Base | None:
    """Return a base to compare runs of `config`'s recipe with; None if there is none.

    With a `budget`, one that is not there is to be trained. Raises UsageError for recipes without --init then.
    """
    recipe = recipes.load(config.recipe or DEFAULT)
    if "--init" not in learner(recipe).takes:
        if budget is not None:
            raise UsageError(f"--with-base: recipe {recipe.kind} cannot start from a base; leave it out")
        return None
    runs = working_root(root)
    if budget is None and not any(done and run.request.query == WHOLE for run, done, _ in _candidates(runs, recipe)):
        return None
    return _base(runs, _whole(root, report), config.recipe, recipe, budget)


def _base(runs: Path, whole: Corpus, recipe_name: str | None, recipe: Recipe, budget: Budget | None) -> Base | None:
    """Return the trained base, or the training of one within `budget`; None without either."""
    found = _find(runs, recipe, whole)
    pieces = whole.manifest.funnel.unique
    if found is not None and found.progress().ended is not None:
        message = f"base     {found.name}: trained before on {_pieces(found)} pieces of the catalog"
        if found.request.corpus_hash != whole.hash:
            message += f", which now has {pieces}"
        return Base(found.name, None, message)
    if budget is None:
        return None
    name = _free_name(runs, f"base-{whole.hash[:8]}") if found is None else found.name
    training = TrainConfig(corpus=CORPUS, recipe=recipe_name, minutes=budget.minutes, epochs=budget.epochs, name=name)
    if found is not None:  # it was interrupted
        training = TrainConfig(name=name, resume=True, minutes=budget.minutes, epochs=budget.epochs)
    message = f"base     {name}: all {pieces} pieces of the catalog first, then those of the query (--from-scratch: these alone)"
    return Base(name, training, message)


def _free_name(runs: Path, wanted: str) -> str:
    """Return the name of no run: `wanted`, or with a number where another recipe's base has it."""
    taken = {*list_runs(runs)}
    return next(name for number in count(1) if (name := wanted if number == 1 else f"{wanted}-{number}") not in taken)


def _whole(root: AnyPath, report: Report) -> Corpus:
    """Return the corpus of the whole catalog."""
    _refuse_other_corpus(root)
    return build.ensure_corpus(root, WHOLE, CORPUS, report=report)


def _refuse_other_corpus(root: AnyPath) -> None:
    """Raise TrainingError if CORPUS names a corpus of another query."""
    for manifest in list_corpora(root):
        if manifest.name == CORPUS and manifest.query != WHOLE:
            raise TrainingError(
                f"corpus {CORPUS} is of the query {manifest.query}, and a base would replace it: build it again under "
                "another name and remove it, or train with --from-scratch"
            )


def _find(runs: Path, recipe: Recipe, whole: Corpus) -> Run | None:
    """Return the best base that is there: a trained one, on the whole catalog or most of it; or None.

    One on the whole catalog may be unfinished; of others the corpus is no longer there, so that they cannot go on.
    """
    found: list[tuple[bool, bool, int, str, Run]] = []
    for run, is_trained, pieces in _candidates(runs, recipe):
        is_whole = run.request.corpus_hash == whole.hash
        is_recent = run.request.query == WHOLE and pieces * GROWTH >= whole.manifest.funnel.unique
        if is_whole or (is_trained and is_recent):
            found.append((is_trained, is_whole, pieces, run.name, run))
    return max(found, key=lambda each: each[:4])[4] if found else None


def _candidates(runs: Path, recipe: Recipe) -> Iterator[tuple[Run, bool, int]]:
    """Yield the runs of a recipe from scratch, whether they are trained, and their number of pieces."""
    for name in list_runs(runs):
        try:
            run = Run.open(runs, name)
            pieces = _pieces(run)
            if run.recipe == recipe and run.request.init is None:
                yield run, run.progress().ended is not None, pieces
        except TrainingError:  # damaged, or of an older format
            continue


def _pieces(run: Run) -> int:
    """Return the number of pieces of a run's corpus."""
    run.check(CORPUS_FILE)
    remedy = "not the manifest of a corpus: train the run again"
    return Manifest.read(run.path / CORPUS_FILE, fail=TrainingError, remedy=remedy).funnel.unique
