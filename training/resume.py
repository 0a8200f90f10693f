"""Finds the run that `--resume` continues, and checks that the options fit it.

In: a `TrainConfig` with `resume`. Out: the run, or an error that names both values. Options that are given must equal
the run's, so the same command with --resume continues it; options that are left out are the run's. Only the budget
may differ.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from catalog.base.errors import CorpusError, TrainingError, UsageError
from catalog.storage.remote import AnyPath, RemotePath, parse_location
from dataset.corpus.corpus import Corpus
from training import recipe as recipes
from training.run import RUNS, Run, list_runs
from training.run_folder import RUN_FILE
from training.train_config import TrainConfig


def find_run(root: AnyPath, runs: Path, config: TrainConfig) -> Run:
    """Return the run to resume: the named one, or the latest that fits the options.

    Raises TrainingError if there is none, UsageError if the named one does not fit.
    """
    if config.name:
        run = Run.open(runs, config.name)
        check(root, run, config)
        return run
    others: list[str] = []
    for name in sorted(list_runs(runs), key=lambda n: -(runs / RUNS / n / RUN_FILE).stat().st_mtime_ns):
        try:
            run = Run.open(runs, name)
        except TrainingError:  # older format, or damaged: skip it
            continue
        differing = dict(differences(root, run, config))
        if not differing:
            return run
        if not differing.keys() & {"--query", "--corpus"}:
            others.append(f"{name} has another {' and '.join(differing)}")
    there = f" ({'; '.join(others[:3])})" if others else ""
    raise TrainingError(f"no run with these options to resume{there}; leave out --resume to start one")


def check(root: AnyPath, run: Run, config: TrainConfig) -> None:
    """Raise UsageError if an option differs from that of the run."""
    for option, (run_value, config_value) in differences(root, run, config):
        raise UsageError(
            f"{option} {config_value}: run {run.name} was made with {run_value} and cannot change; leave out {option}, or start a new run "
            "under another --name"
        )


def differences(root: AnyPath, run: Run, config: TrainConfig) -> Iterator[tuple[str, tuple[object, object]]]:
    """Yield each differing option: (option, (run's value, config's value))."""
    request = run.request
    if config.corpus is not None:
        wanted = corpus_of(root, config.corpus)
        if wanted != request.corpus:
            yield "--corpus", (request.corpus, wanted)
    given = (
        ("--query", request.query, config.query),
        ("--seed", request.seed, config.seed),
        ("--init", request.init or "none", config.init),
        ("--keep", run.keep, config.keep),
        ("--max-copy", request.max_copy, config.max_copy),
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
    """Return how a run stores the corpus of this name or path."""
    try:
        corpus = corpus or Corpus.open(root, name)
    except CorpusError:
        return name
    place = parse_location(name)  # a corpus that was given by path is stored as path
    return str(corpus.path) if isinstance(place, RemotePath) or place.is_absolute() else corpus.name


def _settings(recipe: dict[str, object], which: list[str]) -> str:
    return ", ".join(f"{name} {recipe[name]}" for name in which)
