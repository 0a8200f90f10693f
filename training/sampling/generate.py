"""What a trained run is for: its network and vocabulary opened, pieces composed, and written where nothing is overwritten.

Neither the catalog's store nor Keras is loaded, so that `generate` starts at once.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from catalog.storage.reading import read_json
from dataset.notes.model import Notes, write_midi
from training.events.vocabulary import Vocabulary
from training.midi import read_notes
from training.network import inference
from training.network.shapes import check, of_network
from training.network.weights import load_weights
from training.progress import Progress
from training.recipe import ClassicRecipe, NoteLSTMRecipe
from training.run import CHECKPOINTS_FOLDER, SAMPLES_FOLDER, STATE_FILE, Run
from training.run_folder import RUN_FILE
from training.sampling.config import Wish
from training.sampling.numbered_files import write_numbered
from training.sampling.prompts import unfit
from training.sampling.sampler import compose

SAMPLES, SAMPLE_SECONDS = 3, 60.0


def music(run: Run, wish: Wish, prime: Notes | None = None, report: Report = lambda done, total: None) -> list[Notes]:
    """Return new pieces by the best epoch of the run. `report` is told how much of them is composed, in notes, bars or tokens."""
    if isinstance(run.recipe, ClassicRecipe):
        if prime is not None or wish.without_prime:
            raise UsageError(
                f"run {run.name} is of recipe classic, which starts from its own tokens; leave out --prime"
            )
        from training.classic import sampler as classic_sampler

        return classic_sampler.compose(run, wish.count, wish.seed, wish.notes, report=report)
    learned = run.learned_from().index if wish.max_copy else None
    return compose(network(run), vocabulary(run), wish, prime, learned, report)


def read_prime(path: Path) -> Notes:
    """Return the notes of a file that pieces are to go on from. Raises TrainingError, which names it, where they cannot."""
    prime = read_notes(path)
    if (reason := unfit(prime)) is not None:
        raise TrainingError(f"{path}: {reason}; give another MIDI file")
    return prime


def network(run: Run) -> inference.Network:
    """Return the best epoch's network. Raises TrainingError where the weights are not this run's, or damaged."""
    recipe: NoteLSTMRecipe = run.require(NoteLSTMRecipe, "has no bits per note; `generate` plays it")
    named, meta = load_weights(run.weights)
    run.check_weights(meta.recipe_sha256, meta.vocabulary_sha256, run.weights)
    known = vocabulary(run)
    check(named, of_network(recipe, len(known.series), len(known.games)), run.weights)
    return inference.Network(named)


def vocabulary(run: Run) -> Vocabulary:
    """Return the run's vocabulary."""
    return Vocabulary.from_json(run.vocabulary_text, str(run.path / "vocabulary.json"))


def write_pieces(folder: Path, pieces: Sequence[Notes], title: str) -> list[Path]:
    """Write each piece as the next free `sample-N.mid` of the folder, whoever else writes there; return the files.

    In the samples/ of a run, the names that `train` has reserved for its own are passed over.
    """

    def maker(notes: Notes) -> Callable[[str], bytes]:
        return lambda name: write_midi(notes, name=f"{title} {name}")

    makers = [maker(notes) for notes in pieces]
    with naming(folder) as reserved:
        return write_numbered(folder, "sample", ".mid", makers, reserved)


@contextmanager
def naming(folder: Path) -> Iterator[list[str]]:
    """Keep others from naming samples in a folder if it is a run's samples/; yield the names that its training has reserved."""
    run = folder.parent
    if folder.name != SAMPLES_FOLDER or not (run / RUN_FILE).is_file():
        yield []
        return
    with FileLock(run / ".samples.lock"):
        state = run / CHECKPOINTS_FOLDER / STATE_FILE
        remedy = "train the run again"
        yield read_json(state, Progress, fail=TrainingError, remedy=remedy).samples if state.is_file() else []


def samples(folder: Path) -> list[Path]:
    """Return the MIDI files of a folder of samples: sample-1, sample-2 … sample-10, then by name."""
    found = {path: re.fullmatch(r"sample-(\d+)", path.stem) for path in folder.glob("[!.]*.mid")}
    return sorted(found, key=lambda path: (int(m[1]) if (m := found[path]) else 0, path.name))
