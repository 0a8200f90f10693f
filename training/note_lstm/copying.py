"""Measures, while a network is trained, how much it copies from its training pieces.

In: the network after an epoch. Out: the share of the notes of short drafts that lie in copied passages. Composing takes
time, so epochs are left out where it would take more than a fiftieth of it.
"""

import time

from catalog.base.errors import TrainingError
from training.events.vocabulary import Vocabulary
from training.network.inference import NoteNetwork
from training.novelty.figures import DRAFT_NOTES, DRAFTS, copied_share, find_copies
from training.novelty.training_index import TrainingIndex
from training.run import Run
from training.sampling.config import SamplingConfig
from training.sampling.sampler import compose

SEED = 0  # the same in each epoch, so that drafts begin alike
MOST_TIME = 0.02  # share of the time of training
FIRST_CPU_S = 60.0  # of training before the first measurement
USUAL_S = 2.0  # of a measurement, before the first


def drafts_copied(network: NoteNetwork, vocabulary: Vocabulary, learned: TrainingIndex) -> float:
    """Return the share of the notes of short drafts, 0–1, that lie in copied passages; copies are not limited."""
    drafts = compose(network, vocabulary, SamplingConfig(count=DRAFTS, notes=DRAFT_NOTES, seed=SEED))
    return copied_share([find_copies(learned, draft) for draft in drafts])


class CopyMeter:
    """Measures copying after an epoch, if there is time."""

    def __init__(self, run: Run, vocabulary: Vocabulary) -> None:
        """Begin with no time spent."""
        self.run, self.vocabulary = run, vocabulary
        self.began, self.began_cpu = time.monotonic(), time.process_time()
        self.spent, self.last = 0.0, USUAL_S

    @property
    def is_due(self) -> bool:
        """Whether another measurement takes no more than its share of the time."""
        has_begun = time.process_time() - self.began_cpu >= FIRST_CPU_S
        return has_begun and self.spent + self.last <= MOST_TIME * (time.monotonic() - self.began)

    def measure(self, network: NoteNetwork) -> float | None:
        """Return the share of `drafts_copied`, None if it is not due or cannot be measured."""
        if not self.is_due:
            return None
        since = time.monotonic()
        try:
            return drafts_copied(network, self.vocabulary, self.run.learned_from())
        except TrainingError:  # a network that gives no pitch, or a run without its index
            return None
        finally:
            self.last = time.monotonic() - since
            self.spent += self.last
