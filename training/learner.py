"""The interface that every recipe implements: `Learner`.

`session`, `generate`, `evaluate` and the pages call the learner of a run and do not depend on particular recipes. A
recipe's folder defines one `Learner`, and RECIPES in `training.recipes` lists it. Settings, figures and units of a
recipe are data: `training.recipe.Recipe`.
"""

from __future__ import annotations  # modules that are slow to import are imported for type checkers only

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
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
    from training.critic.critic import Critic
    from training.loop.hosts import Hosts
    from training.progress import Budget, Progress, Step
    from training.run import Run
    from training.sampling.config import SamplingConfig
    from training.sampling.sample_record import Draft, Seam


Option = Literal["--init", "--prime", "--loop", "--midi", "several processes"]
"""Features that not every recipe supports."""
REFUSALS: Mapping[Option, str] = {
    "--init": "recipe {kind} cannot start from the weights of another run; leave out --init",
    "--prime": "run {run} has recipe {kind}, which cannot continue a file; leave out --prime",
    "--loop": "run {run} has recipe {kind}, which composes no loops; leave out --loop",
    "--midi": "run {run} has recipe {kind}, which is evaluated on its corpus: give --split, not --midi",
    "several processes": "recipe {kind} trains in one process",
}
"""Default messages for options that a recipe does not support."""


class Evaluation(Protocol):
    """A dataclass of figures; `evaluate --json` prints its fields."""

    def lines(self) -> list[str]:
        """Return the figures as lines for the console."""


class Learner(ABC):
    """Implementation of a recipe; stateless.

    Import slow libraries within methods.
    """

    recipe: ClassVar[type[Recipe]]  # type of the settings
    takes: ClassVar[frozenset[Option]] = frozenset()  # supported options
    refusals: ClassVar[Mapping[Option, str]] = {}  # messages for unsupported options
    chooses: ClassVar[bool] = False  # whether its runs have a critic, by which `generate` chooses how pieces go on

    @abstractmethod
    def vocabulary_text(self, root: AnyPath, corpus: Corpus, report: Report) -> str:
        """Return the text of vocabulary.json for a new run.

        It holds what is needed besides the recipe to encode the corpus and to compose.
        """

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
        """Train the run from its current state until the budget is used.

        `report` receives each epoch's row, `watch` each step. After each epoch, saves weights.npz if it is the best,
        then the progress. Raises TrainingError if training cannot continue.
        """

    @abstractmethod
    def compose(self, run: Run, config: SamplingConfig, prime: Notes | None, report: Report) -> list[Notes]:
        """Return `config.count` new pieces by the run's kept epoch.

        The same seed gives the same pieces.
        """

    def compose_drafts(
        self, run: Run, config: SamplingConfig, prime: Notes | None, report: Report, critic: Critic | None = None
    ) -> list[Draft]:
        """Return the pieces of `compose` with what is recorded of each; by default only the notes.

        With a critic, for recipes that have one (`chooses`), those of one plan are tries of one piece.
        """
        from training.sampling.sample_record import Draft

        return [Draft(notes) for notes in self.compose(run, config, prime, report)]

    def seams(self, run: Run, drafts: Sequence[Draft], config: SamplingConfig) -> list[Seam]:
        """Return how well the end of each draft leads on to the beginning of its loop (`--loop`)."""
        raise self._refusal("--loop", run.name)

    @abstractmethod
    def evaluate(self, root: AnyPath, run: Run, split: Split, report: Report) -> Evaluation:
        """Return the quality of the run's kept epoch on one split of `run.corpus(root)`."""

    def is_enough(self, funnel: Funnel) -> bool:
        """Return whether a corpus has enough pieces for training."""
        return funnel.train > 0

    def warning(self, run: Run, corpus: Corpus) -> str | None:
        """Return a warning about the run's training pieces, or None."""
        return None

    def begin_from(self, root: Path, name: str, recipe: Recipe, corpus: Corpus) -> tuple[str, bytes]:
        """Return vocabulary and weights of a run that starts from run `name` (`--init`)."""
        raise self._refusal("--init")

    def evaluate_folder(self, run: Run, folder: Path, left_out: Callable[[str, str], None]) -> Evaluation:
        """Return the quality on the MIDI files below a folder (`--midi`).

        `left_out` receives path and reason of each unreadable file.
        """
        raise self._refusal("--midi", run.name)

    def require(self, option: Option, run: str = "") -> None:
        """Raise UsageError if the recipe does not support an option."""
        if option not in self.takes:
            raise self._refusal(option, run)

    def _refusal(self, option: Option, run: str = "") -> UsageError:
        kind = self.recipe().kind  # type: ignore[call-arg]  # every recipe has a default for `kind`
        return UsageError(self.refusals.get(option, REFUSALS[option]).format(kind=kind, run=run))


def learner(recipe: Recipe) -> Learner:
    """Return the learner of a recipe."""
    return cast(Learner, implementation(recipe.kind)())
