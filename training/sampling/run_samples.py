"""The samples that `train` itself writes: three, by the best epoch's network, and again where that network is another.

In: a trained run. Out: files in its samples/; those that an earlier network played step aside to samples/epoch-N/, with all that was
rendered of them, and are kept. What `generate` wrote there is left alone. The run's state names the files before they are written, so
whatever a kill leaves out is written by the next command, to the same bytes.
"""

from pathlib import Path

from catalog.storage.files import sync_folder, write_bytes
from dataset.notes.model import write_midi
from training.progress import Progress
from training.run import Run
from training.sampling.config import Wish
from training.sampling.generate import SAMPLE_SECONDS, SAMPLES, music, naming, samples


def are_written(run: Run) -> bool:
    """Return whether the run has all its samples, of the network that it has now."""
    progress = run.progress()
    return _are_new(progress) and not _missing(run, progress)


def write(run: Run) -> list[Path]:
    """Write the samples that are missing, all where the network has changed; return their files. Others keep off meanwhile."""
    with run.writing():
        progress = run.progress()
        if not _are_new(progress):
            _step_aside(run, progress)
            with naming(run.samples):  # `generate` passes over the names from here on
                progress.samples, progress.samples_epoch = _free(run.samples), progress.best_epoch
                run.save_progress(progress)
        missing = _missing(run, progress)
        if not missing:
            return []
        asked = run.asked
        wish = Wish(count=SAMPLES, seconds=SAMPLE_SECONDS, seed=asked.seed, max_copy=asked.max_copy)
        for file, notes in zip((run.samples / name for name in progress.samples), music(run, wish), strict=True):
            if file in missing:
                write_bytes(file, write_midi(notes, name=f"{run.name} {file.stem}"))
        return missing


def _are_new(progress: Progress) -> bool:
    return len(progress.samples) == SAMPLES and progress.samples_epoch == progress.best_epoch


def _missing(run: Run, progress: Progress) -> list[Path]:
    return [file for name in progress.samples if not (file := run.samples / name).is_file()]


def _free(folder: Path) -> list[str]:
    """Return the names of the next samples of the folder."""
    taken = [int(number) for path in samples(folder) if (number := path.stem.removeprefix("sample-")).isdecimal()]
    first = max(taken, default=0) + 1
    return [f"sample-{number}.mid" for number in range(first, first + SAMPLES)]


def _step_aside(run: Run, progress: Progress) -> None:
    """Move the samples of an earlier network, and what was rendered of them, into a folder of that epoch."""
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
