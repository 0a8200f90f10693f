"""Measures, while a network is trained, how much it copies from its training pieces.

In: the network after an epoch. Out: the share of the notes of short drafts that lie in copied passages. Composing takes
about a second, so it is done at fixed numbers of notes trained on, each larger than the one before by a fixed ratio. A
run that is killed and continued measures after the same epochs.
"""

import math

from catalog.base.errors import TrainingError
from training.events.vocabulary import Vocabulary
from training.network.inference import NoteNetwork
from training.note_lstm.recipe import NoteLSTMRecipe
from training.novelty.figures import DRAFT_NOTES, DRAFTS, copied_share, find_copies
from training.novelty.training_index import TrainingIndex
from training.run import Run
from training.sampling.config import SamplingConfig
from training.sampling.sampler import compose

FIRST_NOTES = 1 << 17  # trained on before the first measurement; smaller trainings have none
A_DOUBLING = 2  # measurements while the notes trained on double


def drafts_copied(network: NoteNetwork, vocabulary: Vocabulary, learned: TrainingIndex, seed: int) -> float:
    """Return the share of the notes of short drafts, 0–1, that lie in copied passages; copies are not limited."""
    drafts = compose(network, vocabulary, SamplingConfig(count=DRAFTS, notes=DRAFT_NOTES, seed=seed))
    return copied_share([find_copies(learned, draft) for draft in drafts])


def is_due(before: int, after: int) -> bool:
    """Return whether to measure after an epoch; given are the notes that the run was trained on before and after it."""
    return _measurements(after) > _measurements(before)


def _measurements(notes: int) -> int:
    """Return how many measurements are due until that many notes are trained on."""
    return 0 if notes < FIRST_NOTES else 1 + math.floor(A_DOUBLING * math.log2(notes / FIRST_NOTES))


class CopyMeter:
    """Measures copying after the epochs in which it is due."""

    def __init__(self, run: Run, recipe: NoteLSTMRecipe, vocabulary: Vocabulary) -> None:
        """Open nothing yet."""
        self.run, self.vocabulary = run, vocabulary
        self.step_notes = recipe.batch * recipe.window
        self.learned: TrainingIndex | None = None

    def measure(self, network: NoteNetwork, steps: range) -> float | None:
        """Return the share of `drafts_copied` if it is due after these steps of a run; None if not, or if unknown.

        All epochs compose with the run's seed, so that their drafts differ by the weights only.
        """
        if not is_due(steps.start * self.step_notes, steps.stop * self.step_notes):
            return None
        try:
            self.learned = self.learned or self.run.learned_from()
            return drafts_copied(network, self.vocabulary, self.learned, self.run.request.seed)
        except TrainingError:  # a network that gives no pitch, or a run without its index
            return None
