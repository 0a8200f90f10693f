"""Which run `--resume` goes on with, and that what else was asked is what it was made with.

In: an order with `resume`. Out: the run, or an error that names both values. What is given must be the run's own, so the same command with
--resume goes on; what is left out is the run's. Only the budget may be another.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from catalog.base.errors import CorpusError, TrainingError, UsageError
from catalog.storage.remote import AnyPath, RemotePath, located
from dataset.corpus.corpus import Corpus
from training import recipe as recipes
from training.run import RUNS, Run, list_runs
from training.run_folder import RUN_FILE
from training.train_config import TrainConfig


def find_run(root: AnyPath, runs: Path, config: TrainConfig) -> Run:
    """Return the run that an order goes on with: the one named, else the latest that was made with what is asked.

    Raises TrainingError where there is none, UsageError where the named one was made with something else.
    """
    if config.name:
        run = Run.open(runs, config.name)
        check(root, run, config)
        return run
    others: list[str] = []
    for name in sorted(list_runs(runs), key=lambda n: -(runs / RUNS / n / RUN_FILE).stat().st_mtime_ns):
        try:
            run = Run.open(runs, name)
        except TrainingError:  # of an older form, or damaged: another may be meant
            continue
        differing = dict(differences(root, run, config))
        if not differing:
            return run
        if not differing.keys() & {"--query", "--corpus"}:
            others.append(f"{name} has another {' and '.join(differing)}")
    there = f" ({'; '.join(others[:3])})" if others else ""
    raise TrainingError(f"no run to resume was made with what this asks for{there}; leave out --resume to start one")


def check(root: AnyPath, run: Run, config: TrainConfig) -> None:
    """Raise UsageError where an order asks for anything that the run was not made with."""
    for option, (run_value, config_value) in differences(root, run, config):
        raise UsageError(
            f"{option} {config_value}: run {run.name} was made with {run_value} and goes on as it began; leave out {option}, or start a new run "
            "under another --name"
        )


def differences(root: AnyPath, run: Run, config: TrainConfig) -> Iterator[tuple[str, tuple[object, object]]]:
    """Yield each option that the order gives otherwise than the run was made with: (option, (the run's, the order's))."""
    asked = run.asked
    if config.corpus is not None:
        wanted = corpus_of(root, config.corpus)
        if wanted != asked.corpus:
            yield "--corpus", (asked.corpus, wanted)
    given = (
        ("--query", asked.query, config.query),
        ("--seed", asked.seed, config.seed),
        ("--init", asked.init or "none", config.init),
        ("--keep", run.keep, config.keep),
        ("--max-copy", asked.max_copy, config.max_copy),
    )
    for option, run_value, config_value in given:
        if config_value is not None and config_value != run_value:
            yield option, (run_value, config_value)
    if config.recipe is not None:
        made, wanted_ = asdict(run.recipe), asdict(recipes.load(config.recipe))
        differing = [name for name in wanted_ if made.get(name) != wanted_[name]]
        if made["kind"] != wanted_["kind"]:
            differing = ["kind"]
        if differing:
            yield "--recipe", (_settings(made, differing), f"{config.recipe} ({_settings(wanted_, differing)})")


def corpus_of(root: AnyPath, name: str, corpus: Corpus | None = None) -> str:
    """Return how a run keeps the corpus that was asked for by this name or place."""
    try:
        corpus = corpus or Corpus.open(root, name)
    except CorpusError:
        return name
    place = located(name)  # where it was named by where it lies, that is kept, wherever the data root is
    return str(corpus.path) if isinstance(place, RemotePath) or place.is_absolute() else corpus.name


def _settings(recipe: dict[str, object], which: list[str]) -> str:
    return ", ".join(f"{name} {recipe[name]}" for name in which)
