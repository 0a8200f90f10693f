"""The folder of one run, and the rule that its parts belong together.

A run carries its own recipe and vocabulary; `run.json` holds their hashes and what was asked, `checkpoints/state.json` how far it is.
The state names the checkpoint that it goes with and is written last, so a kill at any moment leaves a whole earlier epoch.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Any, Literal, cast

from filelock import FileLock, Timeout
from msgspec import Meta

from catalog.errors import TrainingError, UsageError
from catalog.files import sync_folder, write_bytes, write_text
from catalog.reading import Above0, Count, NotNegative, Positive, Sha256, convert, read_bytes, read_json
from training import recipe as recipes
from training.recipe import ClassicRecipe, Recipe, digest

Keep = Literal["validation", "training"]
"""Which epoch's weights are kept: that of the lowest validation figure, or of the lowest training figure, as the original did."""

RUNS = "runs"
FORMAT = 1
ANEW, AFRESH = "train it again", "remove it to train from the start"  # what to do where a file is damaged
INIT_FILE = "init.npz"  # the weights that a fine-tuned run began from
SOURCES_FOLDER = "sources"  # the notes that it learns from, and whose they are
CORPUS_FILE, CREDITS_FILE = "corpus.json", "CREDITS.md"  # the corpus's manifest and credits, as they were


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the run was asked to do."""

    corpus: str  # the corpus's folder
    corpus_hash: Sha256  # SHA-256 of its notes.parquet
    query: str  # the corpus's
    seed: Count  # of weights, batches and samples
    minutes: Above0 | None  # the budget of time, None where there is none
    epochs: Positive | None  # the budget of epochs, None where there is none
    init: str | None = None  # the run whose weights it began from
    keep: Keep | None = None  # which epoch's weights; None: as the recipe does
    max_copy: Count = 24  # of the samples that `train` writes


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """What one epoch came to: a line of metrics.csv. Losses are in bits a note."""

    epoch: int  # from 1
    seconds: float  # of training since the run began
    notes_per_second: float  # learnt in this epoch
    learning_rate: float  # at its end
    train_bits: float  # bits a note on what was learnt, as it was learnt, dropout on
    validation_bits: float  # bits a note on the validation pieces, all four fields together
    time: float  # of these, for the time since the last onset
    pitch: float  # of these, for the pitch given the time
    duration: float  # of these, for the duration given both
    velocity: float  # of these, for the velocity given all three


Figures = dict[str, float | int | None]
"""One line of metrics.csv, by column."""
Checkpoint = Annotated[str, Meta(pattern=r"^epoch-[0-9]{4,9}\.keras\Z")]
"""The name of a file in checkpoints/."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicRow:
    """What one epoch came to: a line of metrics.csv. Losses are categorical cross-entropies in nats a token."""

    epoch: int  # from 1
    seconds: float  # of training since the run began
    tokens_per_second: float  # tokens learnt, which is one a window
    train_loss: float  # the mean over the epoch's windows as they were learnt, dropout on: what the original watched
    validation_loss: float | None  # None where the split has no window of known tokens


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far training is; `checkpoint` is the file that goes with it."""

    epoch: Count = 0  # the last one that ended
    step: Count = 0  # steps taken in all
    seconds: NotNegative = 0.0  # of training since the run began
    best_epoch: Count = 0  # the one whose weights are kept
    checkpoint: Checkpoint | None = None  # the file that `--resume` goes on from
    ended: str | None = None  # why training ended; None while it is under way
    history: list[Figures] = field(default_factory=list)  # the lines of metrics.csv


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The content of run.json."""

    recipe_sha256: Sha256
    vocabulary_sha256: Sha256
    asked: Asked


class Run:
    """One run folder, opened."""

    def __init__(self, path: Path, recipe: Recipe, vocabulary_text: str, asked: Asked) -> None:
        """Use `create` or `open`."""
        self.path, self.recipe, self.vocabulary_text, self.asked = path, recipe, vocabulary_text, asked
        self.recipe_sha256 = digest(recipes.to_json(recipe))
        self.vocabulary_sha256 = digest(vocabulary_text)

    @property
    def name(self) -> str:
        """The run's name on the command line."""
        return self.path.name

    @property
    def keep(self) -> Keep:
        """Which epoch's weights it keeps."""
        return self.asked.keep or ("training" if isinstance(self.recipe, ClassicRecipe) else "validation")

    @property
    def weights(self) -> Path:
        """The best epoch's weights, for sampling and evaluation."""
        return self.path / "weights.npz"

    @property
    def model(self) -> Path:
        """The best epoch's network as Keras saves it."""
        return self.path / "model.keras"

    @property
    def sources(self) -> Path:
        """The folder of what the run is trained on, for `training.sources`."""
        return self.path / SOURCES_FOLDER

    @property
    def samples(self) -> Path:
        """The folder of generated pieces."""
        return self.path / "samples"

    @property
    def checkpoints(self) -> Path:
        """The folder of what `--resume` needs."""
        return self.path / "checkpoints"

    @classmethod
    def create(
        cls,
        root: Path,
        name: str,
        recipe: Recipe,
        vocabulary_text: str,
        asked: Asked,
        files: Mapping[str, bytes] | None = None,
    ) -> "Run":
        """Make the folder of a new run, whole or not at all, with these further `files` by name.

        Raises TrainingError where the name is taken.
        """
        folder = root / RUNS
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder / checked_name(name), recipe, vocabulary_text, asked)
        if run.path.exists():
            raise TrainingError(f"run {name!r} is there already: go on with `--name {name} --resume`, or name another")
        making = Path(mkdtemp(prefix=".tmp-", dir=folder))
        making.chmod(0o755)
        write_text(making / "recipe.json", recipes.to_json(recipe))
        write_text(making / "vocabulary.json", vocabulary_text)
        held = {
            "format": FORMAT,
            "recipe_sha256": run.recipe_sha256,
            "vocabulary_sha256": run.vocabulary_sha256,
            "asked": asdict(asked),
        }
        write_text(making / "run.json", json.dumps(held, indent=2, ensure_ascii=False) + "\n")
        for file, data in (files or {}).items():
            write_bytes(making / file, data)
        making.rename(run.path)
        sync_folder(folder)
        return run

    @classmethod
    def open(cls, root: Path, name: str) -> "Run":
        """Open the run of that name below the root, or at that path. Raises TrainingError where it is none, or was altered."""
        path = root / RUNS / name
        if not (path / "run.json").is_file():
            path = Path(name)
        if not (path / "run.json").is_file():
            there = ", ".join(names(root)) or "none yet"
            raise TrainingError(f"no run {name!r} below {root / RUNS} (there: {there}); make one with `train`")
        try:
            held = read_json(path / "run.json", _Held, fail=TrainingError, remedy=ANEW, version=FORMAT)
            recipe_text, vocabulary_text = (_text(path / file) for file in ("recipe.json", "vocabulary.json"))
        except FileNotFoundError as error:
            raise TrainingError(f"{path}: not a whole run ({error.filename} is missing); {ANEW}") from None
        run = cls(path, recipes.from_json(recipe_text, str(path / "recipe.json")), vocabulary_text, held.asked)
        found = digest(recipe_text), digest(vocabulary_text)
        hashes = held.recipe_sha256, held.vocabulary_sha256
        for file, is_there, was in zip(("recipe.json", "vocabulary.json"), found, hashes, strict=True):
            if is_there != was:
                raise TrainingError(
                    f"{path / file}: does not fit this run (it has {is_there}, the run was made with {was})"
                )
        return run

    def check_weights(self, recipe_sha256: str, vocabulary_sha256: str, where: Path) -> None:
        """Raise TrainingError unless weights with these hashes belong to this run."""
        if (recipe_sha256, vocabulary_sha256) != (self.recipe_sha256, self.vocabulary_sha256):
            raise TrainingError(f"{where}: made with another recipe or vocabulary than run {self.name}; train it again")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep every other trainer out. Raises TrainingError where one is at work."""
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise TrainingError(
                f"run {self.name} is being trained by another process; wait for it, or stop it"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def progress(self) -> Progress:
        """Return how far training is; the beginning where nothing is saved yet."""
        path = self.checkpoints / "state.json"
        if not path.is_file():
            return Progress()
        progress = read_json(path, Progress, fail=TrainingError, remedy=AFRESH)
        kind: Any = ClassicRow if isinstance(self.recipe, ClassicRecipe) else EpochRow
        for i, row in enumerate(progress.history):
            convert(row, kind, f"{path}: history[{i}]", fail=TrainingError, remedy=AFRESH)
        return progress

    def save_progress(self, progress: Progress) -> None:
        """Write the state, then metrics.csv, then remove checkpoints that no state names."""
        write_text(self.checkpoints / "state.json", json.dumps(asdict(progress), indent=1) + "\n")
        table = io.StringIO()
        if progress.history:
            writer = csv.DictWriter(table, list(progress.history[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(progress.history)
        write_text(self.path / "metrics.csv", table.getvalue())
        for old in self.checkpoints.glob("epoch-*"):
            if progress.checkpoint is None or old.stem != Path(progress.checkpoint).stem:
                old.unlink()

    def require(self, kind: type[recipes.Recipe], purpose: str) -> Any:
        """Return the recipe if it is of that kind. Raises UsageError where `purpose` is not for this run."""
        if not isinstance(self.recipe, kind):
            raise UsageError(f"run {self.name} is of recipe {self.recipe.kind}, and {purpose}")
        return cast(Any, self.recipe)


def _text(path: Path) -> str:
    """Return the text of one of a run's files. Raises TrainingError where it is not UTF-8, or no file."""
    data = read_bytes(path, fail=TrainingError, remedy=ANEW)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path}: not UTF-8 ({error}); {ANEW}") from None


def names(root: Path) -> list[str]:
    """Return the names of all runs below the root, in order."""
    return sorted(path.parent.name for path in (root / RUNS).glob("*/run.json") if not path.parent.name.startswith("."))


def checked_name(name: str) -> str:
    """Return a name fit for a folder. Raises UsageError otherwise."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    if not plain.isalnum() or not name.isascii() or name.startswith(".") or len(name) > 100:
        raise UsageError(f"{name!r} is no name for a run: use letters, digits, '-', '_' and '.', at most 100")
    return name


def free_name(root: Path, wanted: str) -> str:
    """Return `wanted`, or `wanted-2`, `wanted-3` … where that is taken."""
    taken = set(names(root))
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
