"""`Learner` implementation of the recipe `classic`.

It trains in one process and supports neither `--init` nor `--prime` nor `--midi`.
"""

from __future__ import annotations  # modules that are slow to import are imported for type checkers only

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from training.classic.recipe import ClassicRecipe
from training.learner import Evaluation, Learner, Option

if TYPE_CHECKING:
    from catalog.base.console import Report
    from catalog.storage.remote import AnyPath
    from dataset.corpus.corpus import Corpus
    from dataset.corpus.schema import Split
    from dataset.notes.model import Notes
    from training.loop.hosts import Hosts
    from training.progress import Budget, Progress, Step
    from training.run import Run
    from training.sampling.config import SamplingConfig


class ClassicLearner(Learner):
    """The experiment of 2018, reproduced."""

    recipe = ClassicRecipe
    refusals: ClassVar[Mapping[Option, str]] = {
        "--init": "--init goes with recipe note-lstm: a classic network has its own tokens",
        "--prime": "run {run} has recipe classic, which starts from its own tokens; leave out --prime",
        "several processes": "recipe classic trains in one process, as in 2018",
    }

    def vocabulary_text(self, root: AnyPath, corpus: Corpus, report: Report) -> str:
        """Return the text of vocabulary.json: the corpus as tokens."""
        from catalog.store import Catalog
        from training.classic.tokens import vocabulary_text

        return vocabulary_text(corpus, Catalog(root), report)

    def train(
        self,
        run: Run,
        corpus: Corpus,
        budget: Budget,
        report: Callable[[Any], None],
        watch: Callable[[Step], None],
        hosts: Hosts,
    ) -> Progress:
        """Train until the budget or the recipe's number of epochs is used."""
        from training.classic.train import train

        return train(run, corpus, budget, report)

    def compose(self, run: Run, config: SamplingConfig, prime: Notes | None, report: Report) -> list[Notes]:
        """Return pieces of `config.notes` tokens, each token the most probable one."""
        from training.classic.sampler import compose

        return compose(run, config.count, config.seed, config.notes, report=report)

    def evaluate(self, root: AnyPath, run: Run, split: Split, report: Report) -> Evaluation:
        """Return nats per token on one split."""
        from training.classic.quality import token_quality

        return token_quality(root, run, split, report)

    def warning(self, run: Run, corpus: Corpus) -> str | None:
        """Return why there will be no validation loss, or None."""
        from training.classic.train import missing_validation_warning

        return missing_validation_warning(run)
