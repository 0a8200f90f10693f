"""The pieces of a training, encoded: those that are learned from, and those that are held out."""

from functools import cached_property

from catalog.base.errors import TrainingError
from dataset.corpus.corpus import Corpus, CorpusPiece
from training.events import batches
from training.events.batches import EncodedPiece
from training.events.vocabulary import Vocabulary
from training.note_lstm.recipe import NoteLSTMRecipe

VALIDATION_EVERY = 10  # without validation pieces, every tenth training piece is used


class TrainingPieces:
    """The pieces that are learned from, in `clean`; those with slips are encoded when they are first asked for."""

    def __init__(self, pieces: list[CorpusPiece], vocabulary: Vocabulary, recipe: NoteLSTMRecipe, seed: int) -> None:
        """Encode the pieces, with their plans if the recipe has a use for them; `seed` is that of slips."""
        self._pieces, self._seed = pieces, seed
        self._planned = min(recipe.plan_dropout, recipe.last_plan_dropout) < 1
        self.clean = batches.encode_pieces(pieces, vocabulary, planned=self._planned)

    @cached_property
    def _with_slips(self) -> list[EncodedPiece]:
        return batches.with_slips(self.clean, self._pieces, self._seed, planned=self._planned)

    def for_slips(self, share: float) -> list[EncodedPiece]:
        """Return the pieces for an epoch of which this share has slips."""
        return self._with_slips if share else self.clean


def encoded(
    corpus: Corpus, vocabulary: Vocabulary, recipe: NoteLSTMRecipe, seed: int
) -> tuple[TrainingPieces, list[EncodedPiece]]:
    """Return training and validation pieces, encoded.

    Raises TrainingError if either has no notes.
    """
    learned, held = parts(corpus)
    training = TrainingPieces(learned, vocabulary, recipe, seed)
    validation = batches.encode_pieces(sampled(held, recipe.validation_notes), vocabulary)
    for name, pieces in (("training", training.clean), ("validation", validation)):
        if sum(len(piece.events) - 1 for piece in pieces) < 1:
            raise TrainingError(f"corpus {corpus.name} has no {name} notes; choose a query with more pieces")
    return training, validation


def parts(corpus: Corpus) -> tuple[list[CorpusPiece], list[CorpusPiece]]:
    """Return training and validation pieces.

    If the corpus has no validation pieces, every tenth training piece is used. That happens if all its pieces were
    assigned to training in an earlier, larger corpus; split assignments are permanent.
    """
    training, validation = corpus.pieces("train"), corpus.pieces("validation")
    if validation or len(training) < 2:
        return training, validation
    every = min(VALIDATION_EVERY, len(training))
    return [piece for i, piece in enumerate(training) if i % every], training[::every]


def sampled(pieces: list[CorpusPiece], notes: int) -> list[CorpusPiece]:
    """Return every k-th piece, so that about `notes` notes remain."""
    every = -(-sum(len(piece.notes) for piece in pieces) // notes)
    return pieces[:: max(1, every)]
