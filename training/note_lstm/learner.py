"""`Learner` implementation of the recipe `note-lstm`. It supports all options."""

from __future__ import annotations  # modules that are slow to import are imported for type checkers only

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from catalog.base.errors import TrainingError
from training.learner import Evaluation, Learner, Option
from training.note_lstm.recipe import NoteLSTMRecipe

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
    from training.recipe import Recipe
    from training.run import Run
    from training.sampling.config import SamplingConfig
    from training.sampling.sample_record import Draft, Seam


FEW_NOTES = 30_000  # about thirty pieces
SHARED_BY_INIT = ("width", "layers", "head")  # settings that must be equal for --init


class NoteLSTMLearner(Learner):
    """The note-level network."""

    recipe = NoteLSTMRecipe
    takes: ClassVar[frozenset[Option]] = frozenset({"--init", "--prime", "--loop", "--midi", "several processes"})
    chooses = True

    def vocabulary_text(self, root: AnyPath, corpus: Corpus, report: Report) -> str:
        """Return the text of vocabulary.json: styles and openings of the training pieces."""
        from training.events.vocabulary import Vocabulary
        from training.sampling.prompts import with_harmony_scales

        return with_harmony_scales(Vocabulary.of(corpus.pieces("train"))).to_json()

    def begin_from(self, root: Path, name: str, recipe: Recipe, corpus: Corpus) -> tuple[str, bytes]:
        """Return vocabulary and weights of a run that starts from run `name`.

        The vocabulary is extended by the styles of the corpus. Raises TrainingError if the networks differ in size.
        """
        from training.events.vocabulary import Vocabulary
        from training.note_lstm.trained import open_network
        from training.run import Run
        from training.sampling.prompts import with_harmony_scales

        before = Run.open(root, name)
        theirs, ours = asdict(before.require(NoteLSTMRecipe, "cannot be continued")), asdict(recipe)
        for setting in SHARED_BY_INIT:
            if theirs[setting] != ours[setting]:
                raise TrainingError(
                    f"--init {name}: its {setting} is {theirs[setting]}, this recipe's is {ours[setting]}; "
                    f"use --recipe {before.path / 'recipe.json'}"
                )
        _, known = open_network(before)  # raises if the weights are not that run's
        vocabulary = with_harmony_scales(Vocabulary.of(corpus.pieces("train"), known))
        return vocabulary.to_json(), before.weights.read_bytes()

    def train(
        self,
        run: Run,
        corpus: Corpus,
        budget: Budget,
        report: Callable[[Any], None],
        watch: Callable[[Step], None],
        hosts: Hosts,
    ) -> Progress:
        """Train until the budget is used or validation no longer improves."""
        from training.note_lstm.train import train

        return train(run, corpus, budget, report, watch, hosts)

    def compose(self, run: Run, config: SamplingConfig, prime: Notes | None, report: Report) -> list[Notes]:
        """Return pieces drawn note by note, with copies of training pieces limited."""
        return [draft.notes for draft in self.compose_drafts(run, config, prime, report)]

    def compose_drafts(
        self, run: Run, config: SamplingConfig, prime: Notes | None, report: Report, critic: Critic | None = None
    ) -> list[Draft]:
        """Return the pieces of `compose` with their styles and guesses."""
        from training.note_lstm.streams import compose_in_parts
        from training.note_lstm.trained import open_network

        learned = run.learned_from().index if config.max_copy else None
        return compose_in_parts(*open_network(run), config, prime, learned, report, critic)

    def seams(self, run: Run, drafts: Sequence[Draft], config: SamplingConfig) -> list[Seam]:
        """Return the bits of each draft's first bar after its last one."""
        from training.note_lstm.seams import seams
        from training.note_lstm.trained import open_network

        pieces = [(draft.notes, draft.style) for draft in drafts]
        return seams(*open_network(run), pieces, config.intro, config.bars or 0)

    def evaluate(self, root: AnyPath, run: Run, split: Split, report: Report) -> Evaluation:
        """Return bits per note, total and by field."""
        from training.network.quality import quality
        from training.note_lstm.trained import encoded_split, network

        return quality(network(run), encoded_split(root, run, split))

    def evaluate_folder(self, run: Run, folder: Path, left_out: Callable[[str, str], None]) -> Evaluation:
        """Return bits per note of MIDI files without style."""
        from training.network.quality import quality, read_folder
        from training.note_lstm.trained import network

        opened = network(run)
        pieces, reasons = read_folder(folder)
        for path, reason in reasons.items():
            left_out(path, reason)
        return quality(opened, pieces)

    def is_enough(self, funnel: Funnel) -> bool:
        """Return whether there are training pieces and something to validate on."""
        return bool(funnel.train and (funnel.validation or funnel.train > 1))

    def warning(self, run: Run, corpus: Corpus) -> str | None:
        """Return a warning if the corpus is small and the run starts from random weights."""
        if run.request.init is not None:
            return None
        pieces = corpus.pieces("train")
        notes = sum(len(piece.notes) for piece in pieces)
        if notes >= FEW_NOTES:
            return None
        return (
            f"{notes:,} notes of {len(pieces)} pieces are little to learn from; train on more music first and continue on this with "
            "--init RUN"
        )
