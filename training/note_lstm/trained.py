"""Opens a trained run of recipe `note-lstm`: network, vocabulary, encoded pieces.

NumPy only: Keras is not loaded, so that `generate` starts fast.
"""

from __future__ import annotations  # what opening a corpus needs is slow to import, and composing does not need it

from typing import TYPE_CHECKING

from training.events.batches import EncodedPiece, encode_pieces
from training.events.vocabulary import Vocabulary
from training.loop.checkpoints import best_weights
from training.network import inference
from training.network.shapes import check, network_shapes
from training.note_lstm.recipe import NoteLSTMRecipe

if TYPE_CHECKING:
    from catalog.storage.remote import AnyPath
    from dataset.corpus.schema import Split
    from training.run import Run


def network(run: Run) -> inference.NoteNetwork:
    """Return the network of `open_network`."""
    return open_network(run)[0]


def open_network(run: Run) -> tuple[inference.NoteNetwork, Vocabulary]:
    """Return the kept epoch's network and the run's vocabulary.

    Raises TrainingError if the weights are damaged or not this run's.
    """
    recipe: NoteLSTMRecipe = run.require(NoteLSTMRecipe, "has no bits per note; use `generate`")
    named = best_weights(run)
    known = vocabulary(run)
    check(named, network_shapes(recipe, len(known.series), len(known.games)), run.weights)
    return inference.NoteNetwork(named), known


def vocabulary(run: Run) -> Vocabulary:
    """Return the run's vocabulary."""
    return Vocabulary.from_json(run.vocabulary_text, str(run.path / "vocabulary.json"))


def encoded_split(root: AnyPath, run: Run, split: Split) -> list[EncodedPiece]:
    """Return the pieces of one split of the run's corpus, encoded.

    Raises TrainingError if the corpus has changed.
    """
    return encode_pieces(run.corpus(root).pieces(split), vocabulary(run))
