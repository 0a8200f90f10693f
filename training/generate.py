"""Generation with a trained run, and the three samples that `train` writes.

In: a run, and settings for sampling. Out: notes, or MIDI files in the run's samples/.

The samples of `train` are composed by the best epoch's network and composed again when that network changes. Samples
of an earlier network are moved to samples/epoch-N/, with their renderings. Files of the command `generate` are not
touched. The run's state names the files before they are written, so an interrupted command is completed by the next
one, with the same bytes.
"""

from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import TrainingError
from catalog.storage.files import sync_folder, write_bytes
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from training.learner import learner
from training.midi import read_notes
from training.progress import Progress
from training.run import Run
from training.sampling.config import SamplingConfig
from training.sampling.prompts import reason_unusable
from training.sampling.sample_files import reserve_names, samples

SAMPLES, SAMPLE_SECONDS = 3, 60.0


def music(
    run: Run, config: SamplingConfig, prime: Notes | None = None, report: Report = lambda done, total: None
) -> list[Notes]:
    """Return new pieces composed by the best epoch of the run.

    `report` receives the progress in notes, bars or tokens. Raises UsageError if the run's recipe does not support
    `prime`.
    """
    found = learner(run.recipe)
    if prime is not None or config.without_prime:
        found.require("--prime", run.name)
    return found.compose(run, config, prime, report)


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
        for file, notes in zip((run.samples / name for name in progress.samples), music(run, config), strict=True):
            if file in missing:
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
