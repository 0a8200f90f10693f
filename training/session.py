"""The whole of one `train`: find or build the corpus, make or reopen the run, train it by its recipe. `playing` writes its samples."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from catalog.base.names import checked_name
from catalog.storage.files import working_root
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from dataset import build
from dataset.corpus.corpus import Corpus
from dataset.corpus.schema import Split
from training import recipe as recipes
from training.classic import train as classic
from training.events.vocabulary import Vocabulary
from training.loop import train as note_training
from training.loop.hosts import Hosts
from training.loop.train import ALONE, Budget, Step
from training.novelty.training_index import Sources
from training.progress import Progress
from training.recipe import ClassicRecipe, NoteLSTMRecipe, Recipe
from training.resume import corpus_of, resumed
from training.run import (
    CORPUS_FILE,
    CREDITS_FILE,
    INIT_FILE,
    SOURCES_FOLDER,
    Asked,
    Keep,
    Run,
)
from training.sampling import generate as playing
from training.sampling.sampler import Wish

DEFAULT_RECIPE = "note-lstm"
FEW_NOTES = 30_000  # about thirty pieces
SHARED_BY_INIT = ("width", "layers", "head")  # what two recipes must have in common for weights to pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What `train` was asked for."""

    query: str | None = None
    corpus: str | None = None
    recipe: str | None = None  # note-lstm, or the one of the run that is resumed
    minutes: float | None = None
    epochs: int | None = None
    name: str | None = None
    seed: int | None = None  # 0, or that of the run that is resumed
    resume: bool = False
    init: str | None = None
    keep: Keep | None = None
    max_copy: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.query is None and self.corpus is None and not (self.resume and self.name):
            raise UsageError("say what to train on: --query \"series == 'zelda'\", or --corpus NAME")
        if self.query is not None and self.corpus is not None:
            raise UsageError("--query and --corpus both say what to train on; give one")
        if self.minutes is not None and not 0 < self.minutes <= 100_000:
            raise UsageError("--minutes must be above 0")
        if self.epochs is not None and not 0 < self.epochs <= 1_000_000:
            raise UsageError("--epochs must be at least 1")
        if self.max_copy is not None:
            Wish(notes=2, max_copy=self.max_copy)  # refuses what no sampler takes
        if self.name is not None and not self.resume:
            checked_name(self.name, "run")


def prepare(root: AnyPath, order: Order, report: Report, hosts: Hosts = ALONE) -> tuple[Run, Corpus, Budget]:
    """Return the run to train, its corpus and its budget, making what is not there yet.

    Corpora are those of `root`; where that is a URL, the run lies below ./data. Of several processes the first makes the run, and
    the others wait and open it.
    """
    if hosts.count > 1 and not order.name:
        raise UsageError("several processes that train together need --name, so that all mean the same run")
    if hosts.first:
        prepared = _prepared(root, order, report)
        hosts.agree(1)
        return prepared
    hosts.agree(1)
    return _prepared(root, replace(order, resume=True), report)


def _prepared(root: AnyPath, order: Order, report: Report) -> tuple[Run, Corpus, Budget]:
    runs = working_root(root)
    if order.resume:
        run = resumed(root, runs, order)
        corpus = Corpus.open(root, run.asked.corpus)
        minutes, epochs = order.minutes, order.epochs
        if minutes is None and epochs is None:
            progress = run.progress()
            minutes, epochs = progress.minutes, progress.epochs
        return run, corpus, Budget(minutes, epochs)
    recipe = recipes.load(order.recipe or DEFAULT_RECIPE)
    corpus = (
        Corpus.open(root, order.corpus) if order.corpus else build.ensure_corpus(root, str(order.query), report=report)
    )
    _check_size(corpus, recipe)
    minutes, epochs = order.minutes, order.epochs
    if minutes is None and epochs is None:
        minutes, epochs = (recipe.minutes, None) if isinstance(recipe, NoteLSTMRecipe) else (None, recipe.epochs)
    asked = Asked(
        corpus=corpus_of(root, order.corpus, corpus) if order.corpus else corpus.name,
        corpus_hash=corpus.hash,
        query=corpus.manifest.query,
        seed=order.seed or 0,
        minutes=minutes,
        epochs=epochs,
        init=order.init,
        keep=order.keep,
        **({} if order.max_copy is None else {"max_copy": order.max_copy}),
    )
    vocabulary_text, init = _beginning(root, order, recipe, corpus, report)
    name = order.name or _default_name(corpus, recipe)
    files = {
        **{f"{SOURCES_FOLDER}/{file}": data for file, data in Sources.of(corpus.pieces("train")).files().items()},
        CORPUS_FILE: corpus.manifest.to_json().encode(),
        CREDITS_FILE: corpus.credits().encode(),
        **({} if init is None else {INIT_FILE: init}),
    }
    run = Run.create(runs, name, recipe, vocabulary_text, asked, files, numbered=not order.name)
    return run, corpus, Budget(minutes, epochs)


def fit(
    run: Run,
    corpus: Corpus,
    budget: Budget,
    report: Callable[[Any], None],
    watch: Callable[[Step], None],
    hosts: Hosts = ALONE,
) -> Progress:
    """Train the run by its recipe until the budget is used or nothing is gained."""
    if isinstance(run.recipe, ClassicRecipe):
        if hosts.count > 1:
            raise UsageError("recipe classic is trained by one process, as it was in 2018")
        return classic.train(run, corpus, budget, report)
    return note_training.train(run, corpus, budget, report, watch, hosts)


def caution(corpus: Corpus, run: Run) -> str | None:
    """Return a warning where the corpus is too small for a network of its own, or to validate a classic one on, else None."""
    if isinstance(run.recipe, ClassicRecipe):
        return classic.unvalidated(run)
    if run.asked.init is not None:
        return None
    pieces = corpus.pieces("train")
    notes = sum(len(piece.notes) for piece in pieces)
    if notes >= FEW_NOTES:
        return None
    return (
        f"{notes:,} notes of {len(pieces)} pieces are little to learn from; train on more music first and then on this with "
        "--init RUN"
    )


def held_pieces(root: AnyPath, run: Run, split: Split) -> list[Any]:
    """Return the pieces of one split of the run's corpus, encoded. Raises TrainingError where the corpus has changed."""
    from training.events.batches import encode_pieces

    return encode_pieces(held_corpus(root, run).pieces(split), playing.vocabulary(run))


def held_corpus(root: AnyPath, run: Run) -> Corpus:
    """Return the corpus that a run was trained on. Raises TrainingError where it has changed."""
    corpus = Corpus.open(root, run.asked.corpus)
    if corpus.hash != run.asked.corpus_hash:
        raise TrainingError(
            f"corpus {corpus.name} has changed since run {run.name} was trained on it; build it as it was"
        )
    return corpus


def _check_size(corpus: Corpus, recipe: Recipe) -> None:
    """Raise TrainingError, before any run is made, where the corpus has too few pieces for the recipe."""
    funnel = corpus.manifest.funnel
    if not funnel.train or (isinstance(recipe, NoteLSTMRecipe) and not funnel.validation and funnel.train < 2):
        raise TrainingError(
            f"corpus {corpus.name} has {funnel.unique} pieces, too few to train on some and validate on others; "
            "choose a query with more"
        )


def _default_name(corpus: Corpus, recipe: Recipe) -> str:
    return corpus.name if isinstance(recipe, NoteLSTMRecipe) else f"{corpus.name}-{recipe.kind}"


def _beginning(root: AnyPath, order: Order, recipe: Recipe, corpus: Corpus, report: Report) -> tuple[str, bytes | None]:
    """Return the vocabulary of a new run, and the weights it begins from if it is to go on from another run."""
    if isinstance(recipe, ClassicRecipe):
        if order.init is not None:
            raise UsageError("--init goes with recipe note-lstm: a classic network's tokens are its own")
        return classic.vocabulary_text(corpus, Catalog(root), report), None
    if order.init is None:
        return Vocabulary.of(corpus.pieces("train")).to_json(), None
    before = Run.open(working_root(root), order.init)
    theirs, ours = asdict(before.require(NoteLSTMRecipe, "cannot be gone on from")), asdict(recipe)
    for setting in SHARED_BY_INIT:
        if theirs[setting] != ours[setting]:
            raise TrainingError(
                f"--init {order.init}: its {setting} is {theirs[setting]}, this recipe's is {ours[setting]}; "
                f"use --recipe {before.path / 'recipe.json'}"
            )
    playing.network(before)  # refuses weights that are not that run's
    return Vocabulary.of(corpus.pieces("train"), playing.vocabulary(before)).to_json(), before.weights.read_bytes()
