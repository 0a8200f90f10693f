"""The whole course of one run, told as it goes: corpus, training epoch by epoch, samples, their renderings, and the run's page.

In: what `train` was asked for. Out: a run that is done; lines for a reader go to `tell`, progress and warnings to standard error.
Whatever a kill left undone is done when the same run is taken again.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catalog.base import console
from catalog.base.errors import TrainingError
from catalog.storage.remote import AnyPath
from training import session
from training.generate import SAMPLES, are_written, write_samples
from training.loop import hosts as meeting
from training.page.run_page import PAGE_FILE
from training.page.write import paged, readable, rendered
from training.progress import NO_GAIN, Budget, Step, parted
from training.rendering.render import Output, outputs
from training.run import Run
from training.run_folder import discard
from training.sampling.sample_files import samples
from training.train_config import TrainConfig

Tell = Callable[[str], None]

SOUND = Output("audio", "mp3")  # what a sample has once it is rendered
MORE = 10  # epochs, as an example of how a run is extended


def train_run(
    root: AnyPath,
    order: TrainConfig,
    tell: Tell = lambda line: None,
    *,
    render: bool = True,
    again: str | None = None,
) -> Run | None:
    """Train the run of an order, write its samples and, if asked, renderings and its page; return it.

    None in any but the first of several processes. `again` is the command that goes on after a stop, else that for this run.
    Raises SystemExit with code 130 on Ctrl-C; what was learnt is kept.
    """
    hosts = meeting.join()
    with console.Progress("corpus") as progress:
        run, held, budget = session.prepare(root, order, progress, hosts)
    if not hosts.first:
        session.fit(run, held, budget, lambda row: None, lambda step: None, hosts)
        return None
    funnel = held.manifest.funnel
    tell(f"run      {run.path}")
    parts = f"{funnel.train} pieces to train on, {funnel.validation} to validate, {funnel.test} to test"
    tell(f"corpus   {held.name}: {parts}")
    tell(f"recipe   {run.recipe.kind}, for {_until(budget)} at most")
    if (warning := session.caution(held, run)) is not None:
        console.complain(f"warning: {warning}")
    before = run.progress().epoch
    onward = again or f"train --name {run.name} --resume"
    try:
        with console.Progress("training", plain=False) as bar:
            ended = session.fit(run, held, budget, _show(run, budget, tell), _watch(bar), hosts)
    except KeyboardInterrupt:
        console.complain(f"stopped; go on with: {onward}")
        raise SystemExit(130) from None
    except Exception:
        if not order.resume:
            _give_up(run)
        raise
    tell(f"ended    {ended.ended}; best epoch {ended.best_epoch}")
    if ended.epoch == before and are_written(run):
        tell(f"nothing was left to train; its samples are in {run.samples}")
    if ended.epoch == before and ended.ended == NO_GAIN:
        tell(f"to train it further all the same, give more epochs: {onward} --epochs {ended.epoch + MORE}")
    complete(root, run, tell, render=render, again=onward)
    return run


def complete(root: AnyPath, run: Run, tell: Tell, *, render: bool = True, again: str | None = None) -> None:
    """Write the samples of a trained run that are not there yet, all where its network has changed, and, if asked, renderings and page.

    `again` is the command that writes what a stop leaves out. Raises SystemExit with code 130 on Ctrl-C.
    """
    onward = again or f"train --name {run.name} --resume"
    try:
        for file in write_samples(run):
            tell(f"sample   {file}")
        if render:
            _present(root, run, tell)
    except KeyboardInterrupt:
        console.complain(f"stopped; run {run.name} is trained, and {_there(run)}; the rest comes with: {onward}")
        raise SystemExit(130) from None
    except OSError as error:
        why = f"{error.filename or run.path}: {error.strerror or error}"
        raise TrainingError(
            f"{why}; run {run.name} is trained, and {_there(run)}; mend that, then the rest comes with: {onward}"
        ) from None


def _give_up(run: Run) -> None:
    """Remove a run that was just made and has learnt nothing, so that its name is free for the command that is right."""
    with suppress(TrainingError), run.writing():  # where another process trains it, it stays
        if not run.has_epoch:
            discard(run.path)


def _there(run: Run) -> str:
    """Return in words how much of what follows training is there."""
    files = [run.samples / name for name in run.progress().samples]
    written = [file for file in files if file.is_file()]
    whole = [file for file in written if _has(file, outputs())]
    return f"{len(written)} of its {SAMPLES} samples are written, {len(whole)} of them rendered"


def _has(file: Path, wanted: Sequence[Output]) -> bool:
    return all(output.path(file.parent, file.stem).is_file() for output in wanted)


def is_done(run: Run, *, render: bool = True) -> bool:
    """Return whether nothing of the run's course is left to do."""
    if not is_trained(run) or not are_written(run):
        return False
    return not render or (run.path / PAGE_FILE).is_file()


def is_trained(run: Run) -> bool:
    """Return whether the run's training has ended."""
    return run.progress().ended is not None


def _present(root: AnyPath, run: Run, tell: Tell) -> None:
    """Render the samples that have no rendering yet, and write the run's page unless it is newer than every sample."""
    files = samples(run.samples)
    page = run.path / PAGE_FILE
    is_old = not page.is_file() or page.stat().st_mtime_ns <= max(file.stat().st_mtime_ns for file in files)
    wanted = outputs() if is_old else [SOUND]  # the page comes last: without it, whatever is missing was not tried yet
    bare = [file for file in files if not _has(file, wanted)]
    rendered(run.name, *readable(bare), lambda path: None)
    if is_old:
        paged(root, run, lambda path: tell(f"page     {path}"))


def _until(budget: Budget) -> str:
    parts = ((budget.minutes, "minutes"), (budget.epochs, "epochs"))
    return " or ".join(f"{value:.4g} {unit}" for value, unit in parts if value)


def _show(run: Run, budget: Budget, tell: Tell) -> Callable[[Any], None]:
    """Return what tells of an epoch, and warns once where training and validation part."""
    said: list[str] = []
    terms = run.recipe.terms

    def show(row: Any) -> None:
        left = "" if budget.minutes is None else f"  left {_clock(budget.minutes * 60 - row.seconds)}"
        tell(_line(row) + left)
        warning = parted(run.progress().history, terms.train, terms.held)
        if warning and not said:
            said.append(warning)
            console.complain(f"warning: {warning}")

    return show


def _watch(bar: console.Progress) -> Callable[[Step], None]:
    """Return what shows how far training is within its epoch."""

    def watch(step: Step) -> None:
        bar.label = step.label
        bar(round(1000 * step.gone), 1000)

    return watch


def _line(row: Any) -> str:
    """Return one line about an epoch."""
    values = {
        name: value for name, value in asdict(row).items() if value is not None
    }  # why one is missing was said before
    return "  ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )


def _clock(seconds: float) -> str:
    """Return minutes and seconds, none where the time is over."""
    return f"{int(max(0, seconds)) // 60}:{int(max(0, seconds)) % 60:02d}"
