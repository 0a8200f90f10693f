"""Trains one run from start to end: corpus, training, samples, renderings, page.

In: a `TrainConfig`. Out: a finished run. Lines, warnings and progress go to an `Observer`. What a kill left undone is done when the
run is resumed.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from catalog.base.errors import CorpusError, TrainingError
from catalog.storage.remote import AnyPath
from training import base, session
from training.generate import SAMPLES, are_written, write_samples
from training.loop import hosts as processes
from training.loop.interrupt import TrainingInterrupted
from training.observer import Observer, ProgressBar
from training.page.run_page import PAGE_FILE
from training.page.write import read_samples, render_samples, write_run_page
from training.progress import NO_GAIN, Budget, Step, overfitting_warning
from training.rendering.render import Output, outputs
from training.run import Run
from training.run_critic import needs_critic, write_critic
from training.run_folder import discard
from training.sampling.sample_files import samples
from training.train_config import TrainConfig

SOUND = Output("audio", "mp3")  # what a sample has once it is rendered
MORE = 10  # epochs, as an example of how a run is extended


def train_run(
    root: AnyPath,
    config: TrainConfig,
    observer: Observer | None = None,
    *,
    render: bool = True,
    resume_command: str | None = None,
) -> Run | None:
    """Train a run, write its samples and, with `render`, its renderings and page.

    Returns the run, or None in all but the first of several processes. `resume_command` is what messages name to continue; by
    default `train --name NAME --resume`. Raises TrainingInterrupted on Ctrl-C (the last finished epoch is kept), TrainingError
    for a run or corpus that does not fit.
    """
    observer = observer or Observer()
    hosts = processes.join()
    if hosts.count == 1 and (needed := base.plan(root, config, observer)) is not None:
        observer.message(needed.message)
        if needed.training is not None:
            _train_base(root, needed.name, needed.training, observer)
        config = needed.config
    run = _trained(root, config, observer, hosts, resume_command)
    if run is not None:
        complete(root, run, observer, render=render, resume_command=resume_command)
    return run


def _trained(
    root: AnyPath, config: TrainConfig, observer: Observer, hosts: processes.Hosts, resume_command: str | None = None
) -> Run | None:
    """Train a run, without samples; return it, or None in all but the first of several processes."""
    tell = observer.message
    with observer.progress("corpus") as progress:
        run, held, budget = session.prepare(root, config, progress, hosts)
    if not hosts.first:
        session.fit(run, held, budget, lambda row: None, lambda step: None, hosts)
        return None
    funnel = held.manifest.funnel
    tell(f"run      {run.path}")
    parts = f"{funnel.train} pieces to train on, {funnel.validation} to validate, {funnel.test} to test"
    tell(f"corpus   {held.name}: {parts}")
    tell(f"recipe   {run.recipe.kind}, for {_until(budget)} at most")
    if (warning := session.warning(held, run)) is not None:
        observer.warning(warning)
    before = run.progress().epoch
    onward = resume_command or f"train --name {run.name} --resume"
    try:
        with observer.progress("training", plain=False) as bar:
            ended = session.fit(run, held, budget, _show(run, budget, observer), _watch(bar), hosts)
    except KeyboardInterrupt:
        raise TrainingInterrupted(f"every finished epoch is kept; continue with: {onward}") from None
    except Exception:
        if not config.resume:
            _give_up(run)
        raise
    untouched = f": no epoch was better than the weights of {run.request.init}" if ended.keeps_start else ""
    tell(f"ended    {ended.ended}; kept epoch {ended.best_epoch}{untouched}")
    if ended.epoch == before and are_written(run):
        tell(f"nothing was left to train; its samples are in {run.samples}")
    if ended.epoch == before and ended.ended == NO_GAIN:
        tell(f"to train it further all the same, give more epochs: {onward} --epochs {ended.epoch + MORE}")
    return run


def _train_base(root: AnyPath, name: str, config: TrainConfig, observer: Observer) -> None:
    """Train the base of a run; Ctrl-C keeps its finished epochs for the next command.

    Critic and samples take a minute that few need: `train --name BASE --resume` makes them.
    """
    try:
        _trained(root, config, observer, processes.ALONE, "the same command")
    except TrainingInterrupted:
        raise TrainingInterrupted(
            f"every finished epoch of the base {name} is kept; continue with the same command"
        ) from None


def complete(
    root: AnyPath, run: Run, observer: Observer, *, render: bool = True, resume_command: str | None = None
) -> None:
    """Write the missing samples and, with `render`, renderings and page of a run.

    All samples are written anew where the network has changed. Raises TrainingInterrupted on Ctrl-C, TrainingError where a file
    cannot be written; both name `resume_command`.
    """
    onward = resume_command or f"train --name {run.name} --resume"
    try:
        _write_critic(root, run, observer)
        for file in write_samples(run):
            observer.message(f"sample   {file}")
        if render:
            _render(root, run, observer)
    except KeyboardInterrupt:
        raise TrainingInterrupted(
            f"run {run.name} is trained, and {_written(run)}; make the rest with: {onward}"
        ) from None
    except OSError as error:
        why = f"{error.filename or run.path}: {error.strerror or error}"
        raise TrainingError(
            f"{why}; run {run.name} is trained, and {_written(run)}; mend that, then make the rest with: {onward}"
        ) from None


def _write_critic(root: AnyPath, run: Run, observer: Observer) -> None:
    """Write the run's critic unless it is there; without its corpus it has none, and composes without choosing."""
    if not needs_critic(run):
        return
    try:
        pieces = [piece.notes for piece in run.corpus(root).pieces("train")]
    except (CorpusError, TrainingError) as error:
        observer.warning(f"{error}; run {run.name} composes without choosing")
        return
    with observer.progress("critic") as progress:
        write_critic(run, pieces, progress)


def _give_up(run: Run) -> None:
    """Remove a new run that has learnt nothing, which frees its name."""
    with suppress(TrainingError), run.writing():  # where another process trains it, it stays
        if not run.has_epoch:
            discard(run.path)


def _written(run: Run) -> str:
    """Return in words how many samples are written and rendered."""
    files = [run.samples / name for name in run.progress().samples]
    written = [file for file in files if file.is_file()]
    whole = [file for file in written if _has(file, outputs())]
    return f"{len(written)} of its {SAMPLES} samples are written, {len(whole)} of them rendered"


def _has(file: Path, wanted: Sequence[Output]) -> bool:
    return all(output.path(file.parent, file.stem).is_file() for output in wanted)


def is_done(run: Run, *, render: bool = True) -> bool:
    """Return whether the run has all that `train_run` makes."""
    if not is_trained(run) or not are_written(run):
        return False
    return not render or (run.path / PAGE_FILE).is_file()


def is_trained(run: Run) -> bool:
    """Return whether the run's training has ended."""
    return run.progress().ended is not None


def _render(root: AnyPath, run: Run, observer: Observer) -> None:
    """Render samples that lack a rendering; write the page unless it is newer."""
    files = samples(run.samples)
    page = run.path / PAGE_FILE
    is_old = not page.is_file() or page.stat().st_mtime_ns <= max(file.stat().st_mtime_ns for file in files)
    wanted = outputs() if is_old else [SOUND]  # the page comes last: without it, whatever is missing was not tried yet
    bare = [file for file in files if not _has(file, wanted)]
    quiet = replace(observer, written=lambda path: None)
    render_samples(run.name, *read_samples(bare, observer), quiet)
    if is_old:
        write_run_page(root, run, replace(observer, written=lambda path: observer.message(f"page     {path}")))


def _until(budget: Budget) -> str:
    parts = ((budget.minutes, "minutes"), (budget.epochs, "epochs"))
    return " or ".join(f"{value:.4g} {unit}" for value, unit in parts if value)


def _show(run: Run, budget: Budget, observer: Observer) -> Callable[[Any], None]:
    """Return what reports an epoch, and warns once of overfitting."""
    warned: list[str] = []
    terms = run.recipe.terms

    def show(row: Any) -> None:
        left = "" if budget.minutes is None else f"  left {_clock(budget.minutes * 60 - row.seconds)}"
        observer.message(_line(row) + left)
        warning = overfitting_warning(run.progress().history, terms.train, terms.held)
        if warning and not warned:
            warned.append(warning)
            observer.warning(warning)

    return show


def _watch(bar: ProgressBar) -> Callable[[Step], None]:
    """Return what shows progress within an epoch."""

    def watch(step: Step) -> None:
        bar.label = step.label
        bar(round(1000 * step.fraction_used), 1000)

    return watch


def _line(row: Any) -> str:
    """Return one line about an epoch; figures that are missing are left out."""
    values = {name: value for name, value in asdict(row).items() if value is not None}
    return "  ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )


def _clock(seconds: float) -> str:
    """Return seconds as minutes:seconds, 0:00 when the time is over."""
    return f"{int(max(0, seconds)) // 60}:{int(max(0, seconds)) % 60:02d}"
