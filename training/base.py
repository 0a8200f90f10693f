"""The base of a run: a run trained on all pieces of the catalog, from whose weights the run starts.

A few pieces are too few to learn music from. `train --query` therefore first trains a base, within its budget, or
takes one that is there: a trained run of the same recipe on the whole catalog as it is, or as it was when it had at
least ten elevenths of its present pieces. Splits are the same for base and run, so nothing held out is learned.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.base.errors import TrainingError
from catalog.storage.files import working_root
from catalog.storage.remote import AnyPath
from dataset import build
from dataset.corpus.corpus import Corpus, list_corpora
from dataset.corpus.manifest import Manifest
from training import recipe as recipes
from training.learner import learner
from training.observer import Observer
from training.recipe import Recipe
from training.recipes import DEFAULT
from training.run import CORPUS_FILE, Run, list_runs
from training.train_config import TrainConfig

WHOLE = "state == 'fetched'"
"""The query of a base: all pieces that the catalog holds."""
CORPUS = "whole-catalog"
"""The name of its corpus, which is built again whenever the catalog changes."""
SHARE = 0.95
"""Share of the budget in minutes that goes to a base that is not there yet.

Epochs on the whole catalog improve what is composed; in runs of ten minutes, those on the query alone did not.
"""
GROWTH = 1.1
"""A base is used until the catalog has more than this many times its pieces."""


@dataclass(frozen=True, slots=True)
class BasePlan:
    """What a run needs: a trained base, or the training of one, and the run's own settings."""

    name: str  # of the base
    training: TrainConfig | None  # None if the base is trained already
    config: TrainConfig  # of the run, with --init
    message: str


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
    minutes = config.minutes
    if minutes is None and config.epochs is None:
        minutes = recipe.budget.minutes
    candidates = _candidates(working_root(root), recipe)
    if minutes is None and not candidates:  # so its corpus, of the whole catalog, need not be built
        return None
    _refuse_other_corpus(root)
    with observer.progress("corpus") as report:
        whole = build.ensure_corpus(root, WHOLE, CORPUS, report=report)
        own = build.ensure_corpus(root, config.query, report=report)
    if own.hash == whole.hash or not all(learner(recipe).is_enough(held.manifest.funnel) for held in (whole, own)):
        return None
    found = _best(candidates, whole)
    if found is not None and found.progress().ended is not None:
        pieces = _pieces(found)
        message = f"base     {found.name}: trained before on {pieces} pieces of the catalog"
        if found.request.corpus_hash != whole.hash:
            message += f", which now has {whole.manifest.funnel.unique}"
        return BasePlan(found.name, None, replace(config, init=found.name), message)
    if minutes is None:
        return None
    name = f"base-{whole.hash[:8]}" if found is None else found.name
    training = TrainConfig(corpus=CORPUS, recipe=config.recipe, minutes=minutes * SHARE, name=name)
    if found is not None:  # it was interrupted
        training = TrainConfig(name=name, resume=True, minutes=minutes * SHARE)
    pieces = whole.manifest.funnel.unique
    message = f"base     {name}: all {pieces} pieces of the catalog first, then those of the query (--from-scratch: these alone)"
    return BasePlan(name, training, replace(config, init=name, minutes=minutes * (1 - SHARE)), message)


def _refuse_other_corpus(root: AnyPath) -> None:
    """Raise TrainingError if CORPUS names a corpus of another query."""
    for manifest in list_corpora(root):
        if manifest.name == CORPUS and manifest.query != WHOLE:
            raise TrainingError(
                f"corpus {CORPUS} is of the query {manifest.query}, and a base would replace it: build it again under "
                "another name and remove it, or train with --from-scratch"
            )


def _candidates(runs: Path, recipe: Recipe) -> list[Run]:
    """Return the runs of this recipe that started from random weights."""
    found: list[Run] = []
    for name in list_runs(runs):
        with suppress(TrainingError):  # damaged, or of an older format
            run = Run.open(runs, name)
            if run.recipe == recipe and run.request.init is None:
                found.append(run)
    return found


def _best(candidates: list[Run], whole: Corpus) -> Run | None:
    """Return the best base that is there: a trained one, on the whole catalog or most of it; or None.

    One on the whole catalog may be unfinished; of others the corpus is no longer there, so that they cannot go on.
    """
    found: list[tuple[bool, bool, int, str, Run]] = []
    for run in candidates:
        with suppress(TrainingError):  # damaged
            pieces, is_trained = _pieces(run), run.progress().ended is not None
            is_whole = run.request.corpus_hash == whole.hash
            is_recent = run.request.query == WHOLE and pieces * GROWTH >= whole.manifest.funnel.unique
            if is_whole or (is_trained and is_recent):
                found.append((is_trained, is_whole, pieces, run.name, run))
    return max(found, key=lambda each: each[:4])[4] if found else None


def _pieces(run: Run) -> int:
    """Return the number of pieces of a run's corpus."""
    run.check(CORPUS_FILE)
    remedy = "not the manifest of a corpus: train the run again"
    return Manifest.read(run.path / CORPUS_FILE, fail=TrainingError, remedy=remedy).funnel.unique
