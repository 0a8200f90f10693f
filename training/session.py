"""Prepares and trains a run: find or build the corpus, create or reopen the run.

In: a data root and a `TrainConfig`. Out: a trained run; `generate` writes its samples.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from catalog.storage.files import working_root
from catalog.storage.remote import AnyPath
from dataset import build
from dataset.corpus.corpus import Corpus
from training import recipe as recipes
from training.learner import learner
from training.loop.hosts import ALONE, Hosts
from training.novelty.training_index import TrainingIndex
from training.progress import Budget, Progress, Step
from training.recipe import Recipe
from training.recipes import DEFAULT
from training.resume import corpus_of, find_run
from training.run import CORPUS_FILE, CREDITS_FILE, INIT_FILE, SOURCES_FOLDER, Run
from training.run_record import TrainingRequest
from training.train_config import TrainConfig


def prepare(root: AnyPath, config: TrainConfig, report: Report, hosts: Hosts = ALONE) -> tuple[Run, Corpus, Budget]:
    """Return the run to train, its corpus and its budget; create what is missing.

    Corpora are below `root`; if that is a URL, the run is below ./data. Of several processes, the first creates the
    run and the others wait and open it.
    """
    if hosts.count > 1 and not config.name:
        raise UsageError("training with several processes needs --name")
    if hosts.first:
        prepared = _prepare_run(root, config, report)
        hosts.broadcast(1)
        return prepared
    hosts.broadcast(1)
    return _prepare_run(root, replace(config, resume=True), report)


def _prepare_run(root: AnyPath, config: TrainConfig, report: Report) -> tuple[Run, Corpus, Budget]:
    runs = working_root(root)
    if config.resume:
        run = find_run(root, runs, config)
        corpus = Corpus.open(root, run.request.corpus)
        minutes, epochs = config.minutes, config.epochs
        if minutes is None and epochs is None:
            progress = run.progress()
            minutes, epochs = progress.minutes, progress.epochs
        return run, corpus, Budget(minutes, epochs)
    recipe = recipes.load(config.recipe or DEFAULT)
    corpus = (
        Corpus.open(root, config.corpus)
        if config.corpus
        else build.ensure_corpus(root, str(config.query), report=report)
    )
    _check_size(corpus, recipe)
    minutes, epochs = config.minutes, config.epochs
    if minutes is None and epochs is None:
        minutes, epochs = recipe.budget.minutes, recipe.budget.epochs
    request = TrainingRequest(
        corpus=corpus_of(root, config.corpus, corpus) if config.corpus else corpus.name,
        corpus_hash=corpus.hash,
        query=corpus.manifest.query,
        seed=config.seed or 0,
        minutes=minutes,
        epochs=epochs,
        init=config.init,
        keep=config.keep,
        **({} if config.max_copy is None else {"max_copy": config.max_copy}),
    )
    vocabulary_text, init = _initial_state(root, config, recipe, corpus, report)
    name = config.name or _default_name(corpus, recipe)
    learned = TrainingIndex.of(corpus.pieces("train"))
    if config.init is not None:
        learned = learned.joined_with(Run.open(runs, config.init).learned_from())
    files = {
        **{f"{SOURCES_FOLDER}/{file}": data for file, data in learned.files().items()},
        CORPUS_FILE: corpus.manifest.to_json().encode(),
        CREDITS_FILE: corpus.credits().encode(),
        **({} if init is None else {INIT_FILE: init}),
    }
    run = Run.create(runs, name, recipe, vocabulary_text, request, files, numbered=not config.name)
    return run, corpus, Budget(minutes, epochs)


def fit(
    run: Run,
    corpus: Corpus,
    budget: Budget,
    report: Callable[[Any], None],
    watch: Callable[[Step], None],
    hosts: Hosts = ALONE,
) -> Progress:
    """Train the run by its recipe until the budget is used or nothing is gained."""
    found = learner(run.recipe)
    if hosts.count > 1:
        found.require("several processes")
    return found.train(run, corpus, budget, report, watch, hosts)


def warning(corpus: Corpus, run: Run) -> str | None:
    """Return a warning about the run's training pieces, or None."""
    return learner(run.recipe).warning(run, corpus)


def _check_size(corpus: Corpus, recipe: Recipe) -> None:
    """Raise TrainingError if the corpus has too few pieces for the recipe."""
    if not learner(recipe).is_enough(corpus.manifest.funnel):
        raise TrainingError(
            f"corpus {corpus.name} has {corpus.manifest.funnel.unique} pieces, too few for training and validation; "
            "choose a query with more"
        )


def _default_name(corpus: Corpus, recipe: Recipe) -> str:
    return corpus.name if recipe.kind == DEFAULT else f"{corpus.name}-{recipe.kind}"


def _initial_state(
    root: AnyPath, config: TrainConfig, recipe: Recipe, corpus: Corpus, report: Report
) -> tuple[str, bytes | None]:
    """Return the vocabulary of a new run, and the initial weights with `--init`."""
    found = learner(recipe)
    if config.init is None:
        return found.vocabulary_text(root, corpus, report), None
    found.require("--init")
    return found.begin_from(working_root(root), config.init, recipe, corpus)
