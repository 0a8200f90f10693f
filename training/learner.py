"""What a recipe does: the seam behind which every network stands. A recipe's folder has one `Learner`, and RECIPES says where.

`session`, `generate`, `evaluate` and the pages ask the learner of a run, and know no recipe by its name. Which settings a recipe has, by
what an epoch is measured and in which words, is data: `training.recipe.Recipe`.
"""

from __future__ import annotations  # types that are slow to import are for type checkers alone

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, cast

from catalog.base.errors import UsageError
from training.recipe import Recipe, implementation

if TYPE_CHECKING:
    from catalog.base.console import Report
    from catalog.storage.remote import AnyPath
    from dataset.corpus.corpus import Corpus
    from dataset.corpus.manifest import Funnel
    from dataset.corpus.schema import Split
    from dataset.notes.model import Notes
    from training.loop.hosts import Hosts
    from training.progress import Budget, Progress, Step
    from training.run import Run
    from training.sampling.config import SamplingConfig


Option = Literal["--init", "--prime", "--midi", "several processes"]
"""What not every recipe can do."""
REFUSALS: Mapping[Option, str] = {
    "--init": "recipe {kind} cannot begin from the weights of another run; leave out --init",
    "--prime": "run {run} is of recipe {kind}, which cannot go on from a file; leave out --prime",
    "--midi": "run {run} is of recipe {kind}, which is evaluated on its corpus: give --split, not --midi",
    "several processes": "recipe {kind} is trained by one process",
}
"""What is said where a recipe does not take an option, unless it has a better reason."""


class Evaluation(Protocol):
    """A dataclass of figures, which `evaluate --json` prints by name."""

    def lines(self) -> list[str]:
        """Return the figures as `evaluate` shows them."""


class Learner(ABC):
    """A recipe at work; it keeps nothing between calls. Libraries that are slow to import are imported within its methods."""

    recipe: ClassVar[type[Recipe]]  # the record of its settings
    takes: ClassVar[frozenset[Option]] = frozenset()  # options that it can do
    refusals: ClassVar[Mapping[Option, str]] = {}  # its own words on those that it cannot

    @abstractmethod
    def vocabulary_text(self, root: AnyPath, corpus: Corpus, report: Report) -> str:
        """Return the text of vocabulary.json for a new run: what must be known of the corpus to read its music and to write new."""

    @abstractmethod
    def train(
        self,
        run: Run,
        corpus: Corpus,
        budget: Budget,
        report: Callable[[Any], None],
        watch: Callable[[Step], None],
        hosts: Hosts,
    ) -> Progress:
        """Train the run from where it stands until the budget is used; `report` is told each epoch's row, `watch` each step.

        Saves weights.npz of the best epoch, then the progress, after each epoch. Raises TrainingError where it cannot go on.
        """

    @abstractmethod
    def compose(self, run: Run, config: SamplingConfig, prime: Notes | None, report: Report) -> list[Notes]:
        """Return `wish.count` new pieces by the run's best epoch, the same for the same seed."""

    @abstractmethod
    def evaluate(self, root: AnyPath, run: Run, split: Split, report: Report) -> Evaluation:
        """Return the quality of the run's best epoch on one split of its corpus, `run.corpus(root)`."""

    def is_enough(self, funnel: Funnel) -> bool:
        """Return whether a corpus has enough pieces to train on."""
        return funnel.train > 0

    def warning(self, run: Run, corpus: Corpus) -> str | None:
        """Return a warning about what the run is to learn from, None where there is none."""
        return None

    def begin_from(self, root: Path, name: str, recipe: Recipe, corpus: Corpus) -> tuple[str, bytes]:
        """Return the vocabulary of a run that begins from the weights of run `name`, and these weights; for `--init`."""
        raise NotImplementedError

    def evaluate_folder(self, run: Run, folder: Path, left_out: Callable[[str, str], None]) -> Evaluation:
        """Return the quality on the MIDI files below a folder; for `--midi`. `left_out` is told of each that cannot be read."""
        raise NotImplementedError

    def require(self, option: Option, run: str = "") -> None:
        """Raise UsageError where the recipe does not take an option."""
        if option not in self.takes:
            kind = self.recipe().kind  # type: ignore[call-arg]  # each has a default for its kind
            raise UsageError(self.refusals.get(option, REFUSALS[option]).format(kind=kind, run=run))


def learner(recipe: Recipe) -> Learner:
    """Return the learner of a recipe."""
    return cast(Learner, implementation(recipe.kind)())
