"""Generation with a trained run, and the three samples that `train` writes.

In: a run, and settings for sampling. Out: notes, or MIDI files in the run's samples/. `music` returns what the run
composes; `compose_samples` tries each passage TRIES times and goes on with the one likest to people's.

The samples of `train` are composed by the kept epoch's network and composed again when that network changes. Samples
of an earlier network are moved to samples/epoch-N/, with their renderings. Files of the command `generate` are not
touched. The run's state names the files before they are written, so an interrupted command is completed by the next
one, with the same bytes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import TrainingError
from catalog.storage.files import sync_folder, write_bytes, write_text
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from training.critic.critic import LEAST_NOTES, Critic
from training.learner import learner
from training.midi import read_notes
from training.progress import Progress
from training.run import Run
from training.run_critic import read_critic
from training.sampling.config import MAX_COUNT, SamplingConfig
from training.sampling.prompts import reason_unusable
from training.sampling.sample_files import reserve_names, samples
from training.sampling.sample_record import ENDING, Draft, SampleRecord

SAMPLES, SAMPLE_SECONDS = 3, 60.0
TRIES = 4  # of each passage
LOOP_DRAFTS = 8  # composed for each loop that is kept
TOO_SHORT = f"composed without choosing: fewer than {LEAST_NOTES} notes are too few to compare"


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Pieces of one command, with their records."""

    pieces: list[Notes]
    records: list[SampleRecord]
    message: str | None  # how they were chosen, or why they were not; None if that was not asked


def music(
    run: Run, config: SamplingConfig, prime: Notes | None = None, report: Report = lambda done, total: None
) -> list[Notes]:
    """Return new pieces composed by the kept epoch of the run.

    `report` receives the progress in notes, bars or tokens. Raises UsageError if the run's recipe does not support
    `prime`.
    """
    return [draft.notes for draft in _drafts(run, config, prime, report)]


def compose_samples(
    run: Run,
    config: SamplingConfig,
    prime: Notes | None = None,
    report: Report = lambda done, total: None,
    *,
    draft: bool = False,
) -> Samples:
    """Return `config.count` pieces, of which each passage is the likest to people's of TRIES by the run's critic.

    The likest piece is the first. Of loops, LOOP_DRAFTS times as many are composed, and those are kept whose end leads on
    best to their beginning. With `draft`, or if the run has no critic, nothing is chosen. Raises as `music` does.
    """
    if config.loop:
        return _compose_loops(run, config, report, draft=draft)
    critic, reason = (None, None) if draft else read_critic(run)
    if critic is not None and prime is None and config.notes is not None and config.notes < LEAST_NOTES:
        critic, reason = None, TOO_SHORT
    per_plan = 1 if critic is None else min(TRIES, MAX_COUNT // config.count)
    if critic is not None and per_plan == 1:
        critic, reason = None, f"composed without choosing: that takes {MAX_COUNT // 2} pieces at most"
    most = per_plan * config.count
    made = _drafts(run, replace(config, count=most, per_plan=per_plan), prime, report, critic)
    kept: Sequence[tuple[int, tuple[float, float] | None]] = [(at, None) for at in range(len(made))]
    if critic is not None:
        kept = _likest(critic, [each.notes for each in made], per_plan)
        reason = (
            f"composed each passage {per_plan} times and chose the likest to human pieces; --draft composes it once"
        )
        if all(judged is None for _, judged in kept):
            reason = TOO_SHORT
    records = [
        SampleRecord.of(
            made[at],
            config,
            run=run.name,
            number=at + 1,
            drafts=most,
            has_prime=prime is not None,
            distance=None if judged is None else judged[0],
            advantage=None if judged is None else judged[1],
        )
        for at, judged in kept
    ]
    return Samples([made[at].notes for at, _ in kept], records, reason)


def _likest(critic: Critic, made: Sequence[Notes], per_plan: int) -> list[tuple[int, tuple[float, float] | None]]:
    """Return the numbers of the pieces whose ends are the likest to people's of each `per_plan`, and how they are judged.

    The likest piece is first; pieces too short to be judged come last.
    """
    odds = [-math.inf if (known := critic.log_odds(notes)) is None else known for notes in made]
    best = [
        max(range(first, first + per_plan), key=lambda at: (odds[at], -at)) for first in range(0, len(made), per_plan)
    ]
    judged = [(at, critic.judge(made[at])) for at in best]
    return sorted(judged, key=lambda each: -math.inf if each[1] is None else each[1][1], reverse=True)


def _compose_loops(run: Run, config: SamplingConfig, report: Report, *, draft: bool) -> Samples:
    """Return the loops of LOOP_DRAFTS times as many that the network finds least surprising at their seam.

    Loops that do not begin with an accent come first.
    """
    found = learner(run.recipe)
    found.require("--loop", run.name)
    most = config.count if draft else min(LOOP_DRAFTS * config.count, MAX_COUNT)
    made = found.compose_drafts(run, replace(config, count=most), None, report)
    seams = found.seams(run, made, config)
    order = (
        range(len(made))
        if draft
        else sorted(range(len(made)), key=lambda at: (seams[at].is_accented, seams[at].excess))
    )
    kept = list(order)[: config.count]
    if not all(math.isfinite(seams[at].bits) for at in kept):
        raise TrainingError(
            "the drafts have no note in the first bar of their loop; use another --seed, or more --bars"
        )
    records = [
        SampleRecord.of(made[at], config, run=run.name, number=at + 1, drafts=most, has_prime=False, seam=seams[at])
        for at in kept
    ]
    reason = (
        None
        if draft
        else f"chose {config.count:,} of {most:,} drafts, those whose end leads on best to their beginning"
    )
    return Samples([made[at].notes for at in kept], records, reason)


def _drafts(
    run: Run, config: SamplingConfig, prime: Notes | None, report: Report, critic: Critic | None = None
) -> list[Draft]:
    found = learner(run.recipe)
    if prime is not None or config.without_prime:
        found.require("--prime", run.name)
    return found.compose_drafts(run, config, prime, report, critic)


def read_prime(path: Path) -> Notes:
    """Read a MIDI file that generated pieces continue.

    Raises TrainingError, naming the file, if it cannot be continued.
    """
    prime = read_notes(path)
    if (reason := reason_unusable(prime)) is not None:
        raise TrainingError(f"{path}: {reason}; give another MIDI file")
    return prime


def are_written(run: Run) -> bool:
    """Return whether the run has all its samples, composed by its current network."""
    progress = run.progress()
    return _are_current(progress) and not _missing(run, progress)


def write_samples(run: Run) -> list[Path]:
    """Write missing samples, or all if the network has changed; return the files.

    Holds the run's lock.
    """
    with run.writing():
        progress = run.progress()
        if not _are_current(progress):
            _archive_samples(run, progress)
            with reserve_names(run.samples):  # from here on `generate` skips these names
                progress.samples, progress.samples_epoch = _next_names(run.samples), progress.best_epoch
                run.save_progress(progress)
        missing = _missing(run, progress)
        if not missing:
            return []
        request = run.request
        config = SamplingConfig(count=SAMPLES, seconds=SAMPLE_SECONDS, seed=request.seed, max_copy=request.max_copy)
        made = compose_samples(run, config)
        for name, notes, record in zip(progress.samples, made.pieces, made.records, strict=True):
            if (file := run.samples / name) in missing:
                write_text(file.with_suffix(ENDING), record.to_json())
                write_bytes(file, write_midi(notes, name=f"{run.name} {file.stem}"))
        return missing


def _are_current(progress: Progress) -> bool:
    return len(progress.samples) == SAMPLES and progress.samples_epoch == progress.best_epoch


def _missing(run: Run, progress: Progress) -> list[Path]:
    return [file for name in progress.samples if not (file := run.samples / name).is_file()]


def _next_names(folder: Path) -> list[str]:
    """Return the names of the next samples in the folder."""
    taken = [int(number) for path in samples(folder) if (number := path.stem.removeprefix("sample-")).isdecimal()]
    first = max(taken, default=0) + 1
    return [f"sample-{number}.mid" for number in range(first, first + SAMPLES)]


def _archive_samples(run: Run, progress: Progress) -> None:
    """Move samples and renderings of an earlier network to a folder of its epoch."""
    for name in progress.samples:
        stem = Path(name).stem
        for file in (*run.samples.glob(f"{stem}.*"), *run.samples.glob(f"{stem}-*")):
            if file.is_file():
                aside = run.samples / f"epoch-{progress.samples_epoch:04d}"
                aside.mkdir(exist_ok=True)
                file.rename(aside / file.name)
                sync_folder(aside)
    if run.samples.is_dir():
        sync_folder(run.samples)
