"""Novelty figures of a run's samples or a MIDI file, and of held-out pieces.

In: a data root and the name of a run, corpus or file. Out: `Novelty` records by file. The index of a corpus is built
once and kept below the data root.
"""

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from filelock import FileLock

from catalog.base.errors import CorpusError, TrainingError
from catalog.storage.files import sync_folder, working_root, write_bytes
from catalog.storage.remote import AnyPath
from dataset.corpus.corpus import Corpus
from training.midi import read_notes
from training.novelty.figures import Novelty, find_copies, medians
from training.novelty.training_index import FORMAT, TrainingIndex
from training.run import Run, list_runs

INDEXES = "indexes"  # below the data root: one folder per compared corpus, named by its hash


def open_sources(root: AnyPath, name: str) -> TrainingIndex:
    """Return the training pieces of a run or corpus, by name or path.

    The index of a corpus is built once and kept below the data root. Raises CorpusError if there is no such run or
    corpus.
    """
    here = working_root(root)
    if (Path(name) / "run.json").is_file() or name in list_runs(here):
        return Run.open(here, name).learned_from()
    corpus = Corpus.open(root, name)
    folder = here / INDEXES / f"{corpus.hash[:32]}-{FORMAT}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / ".lock"):
            _index(corpus, folder)
    return TrainingIndex.open(folder)


def _index(corpus: Corpus, folder: Path) -> None:
    """Write the index of a corpus to a new folder, atomically.

    The caller holds the lock. Folders left by killed processes are removed.
    """
    for leftover in folder.parent.glob(".tmp-*"):
        rmtree(leftover)
    if folder.is_dir():  # another process wrote it
        return
    making = Path(mkdtemp(prefix=".tmp-", dir=folder.parent))
    for file, data in TrainingIndex.of(corpus.pieces("train")).files().items():
        write_bytes(making / file, data)
    making.chmod(0o755)
    making.rename(folder)
    sync_folder(folder.parent)


def of_file(path: Path, learned: TrainingIndex) -> Novelty:
    """Return the novelty figures of a MIDI file.

    Raises TrainingError if the file cannot be read as MIDI.
    """
    return find_copies(learned, read_notes(path))


def find_copies_in_run(
    root: AnyPath, name: str, against: str | None = None, left_out: Callable[[str], None] = lambda reason: None
) -> tuple[dict[str, Novelty], dict[str, float] | None]:
    """Return the novelty of each sample of a run by file name, and held-out medians.

    Samples are compared with the run's training pieces, or those of `against`. The medians are those of the run's
    held-out pieces; None if its corpus no longer exists, has changed or holds nothing out. `left_out` receives the
    reason for each sample that cannot be read. Raises TrainingError for a run without readable samples.
    """
    run = Run.open(working_root(root), name)
    learned = run.learned_from() if against is None else open_sources(root, against)
    files = sorted(run.samples.glob("[!.]*.mid"), key=lambda path: (len(path.stem), path.stem))
    if not files:
        raise TrainingError(f"{run.samples}: no samples; make some with `generate {run.name}`")
    results = {}
    for file in files:
        try:
            results[file.name] = of_file(file, learned)
        except TrainingError as error:
            left_out(str(error))
    if not results:
        raise TrainingError(
            f"{run.samples}: none of its {len(files)} samples can be read; make some with `generate {run.name}`"
        )
    return results, held_out_medians(root, run, learned)


def held_out_medians(root: AnyPath, run: Run, learned: TrainingIndex) -> dict[str, float] | None:
    """Return the `medians` of the run's validation and test pieces, or None."""
    try:
        corpus = Corpus.open(root, run.request.corpus)
    except CorpusError:
        return None
    pieces = [*corpus.pieces("validation"), *corpus.pieces("test")]
    if corpus.hash != run.request.corpus_hash or not pieces:
        return None
    return medians([find_copies(learned, piece.notes) for piece in pieces])
