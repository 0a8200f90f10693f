"""What a trained run is for: its network and vocabulary opened, pieces composed, and written where nothing is overwritten.

Neither the catalog's store nor Keras is loaded, so that `generate` starts at once.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from catalog.errors import UsageError
from catalog.files import write_bytes
from dataset.notes import Notes, write_midi
from training import inference
from training.recipe import ClassicRecipe, NoteLSTMRecipe
from training.run import Run
from training.sampler import Wish, compose
from training.vocabulary import Vocabulary
from training.weights import load_weights

SAMPLES, SAMPLE_SECONDS = 3, 60.0


def music(run: Run, wish: Wish, prime: Notes | None = None) -> list[Notes]:
    """Return new pieces by the best epoch of the run."""
    if isinstance(run.recipe, ClassicRecipe):
        if prime is not None:
            raise UsageError(
                f"run {run.name} is of recipe classic, which starts from its own tokens; leave out --prime"
            )
        from training import classic_sampler

        return classic_sampler.compose(run, wish.count, wish.seed, wish.notes)
    learned = run.learned_from().index if wish.max_copy else None
    return compose(network(run), vocabulary(run), wish, prime, learned)


def network(run: Run) -> inference.Network:
    """Return the best epoch's network. Raises TrainingError where the weights are not this run's."""
    run.require(NoteLSTMRecipe, "has no bits per note; `generate` plays it")
    named, meta = load_weights(run.weights)
    run.check_weights(meta.recipe_sha256, meta.vocabulary_sha256, run.weights)
    return inference.Network(named)


def vocabulary(run: Run) -> Vocabulary:
    """Return the run's vocabulary."""
    return Vocabulary.from_json(run.vocabulary_text, str(run.path / "vocabulary.json"))


def write_pieces(folder: Path, pieces: Sequence[Notes], title: str) -> list[Path]:
    """Write each piece as the next free `sample-N.mid` of the folder; return the files."""
    taken = [int(m[1]) for path in folder.glob("sample-*.mid") if (m := re.fullmatch(r"sample-(\d+)", path.stem))]
    first = max(taken, default=0) + 1
    files = [folder / f"sample-{number}.mid" for number in range(first, first + len(pieces))]
    for file, notes in zip(files, pieces, strict=True):
        write_bytes(file, write_midi(notes, name=f"{title} {file.stem}"))
    return files


def samples(folder: Path) -> list[Path]:
    """Return the MIDI files of a folder of samples: sample-1, sample-2 … sample-10, then by name."""
    found = {path: re.fullmatch(r"sample-(\d+)", path.stem) for path in folder.glob("[!.]*.mid")}
    return sorted(found, key=lambda path: (int(m[1]) if (m := found[path]) else 0, path.name))
