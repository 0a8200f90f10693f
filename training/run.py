"""`Run`: the folder of one run, with checks that its files belong together.

`run.json` holds the training request and the SHA-256 of every file that the run was created with;
`checkpoints/state.json` holds the progress. The state names its checkpoint and is written last, so a kill at any
moment leaves a complete earlier epoch.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock, Timeout

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from catalog.base.names import validate_name
from catalog.storage import checksums as sums
from catalog.storage.files import write_text
from catalog.storage.reading import convert, parse_json, read_bytes, read_json
from catalog.storage.remote import AnyPath
from training import recipe as recipes
from training.progress import Progress
from training.recipe import Keep, Recipe, digest
from training.run_folder import FORMAT, RUN_FILE, check_format, create_folder, files_below, hash_mismatch, text_of
from training.run_record import RunRecord, TrainingRequest

if TYPE_CHECKING:
    from dataset.corpus.corpus import Corpus
    from dataset.corpus.schema import Split
    from dataset.notes.model import Notes
    from training.learner import Evaluation
    from training.novelty.training_index import TrainingIndex
    from training.sampling.config import SamplingConfig

_Recipe = TypeVar("_Recipe", bound=Recipe)
RUNS, STATE_FILE, METRICS_FILE = "runs", "state.json", "metrics.csv"
SAMPLES_FOLDER, CHECKPOINTS_FOLDER = "samples", "checkpoints"
LARGEST_BYTES = 1 << 32  # of a file that a run is created with
RETRAIN = "train it again"  # remedies for damaged files
RESTORE_OR_RETRAIN = "restore the file, or train a new run"
INIT_FILE = "init.npz"  # the initial weights of a fine-tuned run
SOURCES_FOLDER = "sources"  # the training index
CORPUS_FILE, CREDITS_FILE = "corpus.json", "CREDITS.md"  # manifest and credits of the corpus when the run was created
OTHER_FILES = (CORPUS_FILE, CREDITS_FILE)
CRITIC_FILE = "critic.json"  # how people's pieces measure, and how its drafts differ; made when training has ended


class Run:
    """An opened run folder."""

    def __init__(
        self, path: Path, recipe: Recipe, vocabulary_text: str, request: TrainingRequest, files: Mapping[str, str]
    ) -> None:
        """Use `create` or `open`."""
        self.path, self.recipe, self.vocabulary_text, self.request = path, recipe, vocabulary_text, request
        self.files = files  # SHA-256 by name of the files that the run was created with
        self.recipe_sha256 = digest(recipes.to_json(recipe))
        self.vocabulary_sha256 = digest(vocabulary_text)

    def __repr__(self) -> str:
        return f"<Run {self.name!r} of recipe {self.recipe.kind} in {str(self.path)!r}>"

    @property
    def name(self) -> str:
        """The run's name on the command line."""
        return self.path.name

    @property
    def keep(self) -> Keep:
        """Which epoch's weights are kept."""
        return self.request.keep or self.recipe.keep

    @property
    def weights(self) -> Path:
        """The kept epoch's weights, for sampling and evaluation."""
        return self.path / "weights.npz"

    @property
    def model(self) -> Path:
        """The kept epoch's network in Keras format."""
        return self.path / "model.keras"

    @property
    def sources(self) -> Path:
        """The folder of the training index."""
        return self.path / SOURCES_FOLDER

    @property
    def samples(self) -> Path:
        """The folder of generated pieces."""
        return self.path / SAMPLES_FOLDER

    @property
    def checkpoints(self) -> Path:
        """The folder of the files that `--resume` needs."""
        return self.path / CHECKPOINTS_FOLDER

    @classmethod
    def create(
        cls,
        root: Path,
        name: str,
        recipe: Recipe,
        vocabulary_text: str,
        request: TrainingRequest,
        files: Mapping[str, bytes] | None = None,
        *,
        numbered: bool = False,
    ) -> "Run":
        """Create the folder of a new run atomically, with further `files` by name.

        Raises TrainingError if the name is taken; with `numbered`, NAME-2, NAME-3 and so on are tried instead. Safe
        for several processes.
        """
        wanted = root / RUNS / validate_name(name, "run")
        held = {
            "recipe.json": recipes.to_json(recipe).encode(),
            "vocabulary.json": vocabulary_text.encode(),
            **(files or {}),
        }
        made = {file: digest(data) for file, data in held.items()}
        record_text = {"format": FORMAT, "files": made, "asked": asdict(request)}
        text = json.dumps(record_text, indent=2, ensure_ascii=False) + "\n"
        held[RUN_FILE] = text.encode()
        held[sums.SUMS_FILE] = sums.format_sums(held).encode()
        path = create_folder(wanted, held, numbered=numbered)
        if path is None:
            raise TrainingError(
                f"run {name!r} already exists: continue it with `--name {name} --resume`, or choose another name"
            )
        return cls(path, recipe, vocabulary_text, request, made)

    @classmethod
    def open(cls, root: Path, name: str) -> "Run":
        """Open the run of that name below the root, or at that path.

        Raises TrainingError if there is none, or if it has an older format or altered files. `learned_from` checks
        the training index.
        """
        path = root / RUNS / name
        if not (path / RUN_FILE).is_file():
            path = Path(name)
        if not (path / RUN_FILE).is_file():
            there = ", ".join(list_runs(root)) or "none yet"
            raise TrainingError(f"no run {name!r} below {root / RUNS} (existing: {there}); make one with `train`")
        check_format(path)
        try:
            record_text, recipe_text, vocabulary_text = (
                text_of(path / file, RETRAIN) for file in (RUN_FILE, "recipe.json", "vocabulary.json")
            )
        except FileNotFoundError as error:
            raise TrainingError(f"{path}: not a complete run ({error.filename} is missing); {RETRAIN}") from None
        listed = sums.read_sums(path, fail=TrainingError, remedy=RETRAIN)
        if listed is None:
            raise TrainingError(f"{path}: not a complete run ({sums.SUMS_FILE} is missing); {RETRAIN}")
        held = parse_json(record_text, RunRecord, path / RUN_FILE, fail=TrainingError, remedy=RETRAIN)
        for file in ("recipe.json", "vocabulary.json", *OTHER_FILES, *files_below(path, SOURCES_FOLDER)):
            if file not in held.files and (path / file).is_file():
                raise TrainingError(f"{path / RUN_FILE}: files.{file}: missing; {RETRAIN}")
        made = {file: frozenset({value}) for file, value in held.files.items()} | {RUN_FILE: listed.get(RUN_FILE)}
        for file, text in ((RUN_FILE, record_text), ("recipe.json", recipe_text), ("vocabulary.json", vocabulary_text)):
            if (found := digest(text)) not in (expected := made.get(file) or frozenset()):
                raise TrainingError(f"{path / file}: {hash_mismatch(found, ', '.join(expected))}")
        recipe = recipes.from_json(recipe_text, str(path / "recipe.json"))
        return cls(path, recipe, vocabulary_text, held.asked, held.files)

    def check(self, file: str) -> bytes:
        """Return the content of a file of the run; raises TrainingError if it changed."""
        path = self.path / file
        try:
            data = read_bytes(path, fail=TrainingError, remedy=RETRAIN, max_bytes=LARGEST_BYTES)
        except FileNotFoundError:
            raise TrainingError(f"{path}: missing; {RETRAIN}") from None
        if (found := digest(data)) != self.files.get(file):
            raise TrainingError(f"{path}: {hash_mismatch(found, self.files.get(file))}")
        return data

    def learned_from(self) -> "TrainingIndex":
        """Return the training index; raises TrainingError if it is missing or damaged."""
        from training.novelty.training_index import TrainingIndex  # imports NumPy, which listing runs does not need

        learned = {
            name.removeprefix(f"{SOURCES_FOLDER}/"): frozenset({expected}) for name, expected in self.files.items()
        }
        return TrainingIndex.open(self.sources, learned)

    def corpus(self, root: AnyPath) -> "Corpus":
        """Return the training corpus below `root`; raises TrainingError if it changed."""
        from dataset.corpus.corpus import Corpus

        corpus = Corpus.open(root, self.request.corpus)
        if corpus.hash == self.request.corpus_hash:
            return corpus
        raise TrainingError(
            f"corpus {corpus.name} has changed since run {self.name} was trained on it; build it again with the same pieces"
        )

    def check_weights(self, recipe_sha256: str, vocabulary_sha256: str, where: Path) -> None:
        """Raise TrainingError unless these hashes and the weights file are this run's."""
        sums.check_file(self.path, self.weights.name, fail=TrainingError, remedy=RETRAIN)
        if (recipe_sha256, vocabulary_sha256) != (self.recipe_sha256, self.vocabulary_sha256):
            raise TrainingError(f"{where}: has another recipe or vocabulary than run {self.name}; train it again")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Lock the run for training; raises TrainingError if it is locked."""
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

    def generate(
        self, config: "SamplingConfig", prime: "Notes | None" = None, report: Report = lambda done, total: None
    ) -> list["Notes"]:
        """Return new pieces by the kept epoch, as the command `generate --draft` does."""
        from training.generate import music

        return music(self, config, prime, report)

    def evaluate(
        self, root: AnyPath, split: "Split" = "test", report: Report = lambda done, total: None
    ) -> "Evaluation":
        """Return how well the kept epoch predicts one split of its corpus below `root`."""
        from training.evaluate import evaluate_run

        return evaluate_run(root, self, split, report)

    def progress(self) -> Progress:
        """Return the progress of training; the initial one if nothing is saved yet."""
        path = self.checkpoints / STATE_FILE
        if not path.is_file():
            return Progress(minutes=self.request.minutes, epochs=self.request.epochs)
        progress = read_json(path, Progress, fail=TrainingError, remedy=RESTORE_OR_RETRAIN)
        for i, row in enumerate(progress.history):
            convert(row, self.recipe.row, f"{path}: history[{i}]", fail=TrainingError, remedy=RESTORE_OR_RETRAIN)
        return progress

    def budget(self) -> tuple[float | None, int | None]:
        """Return the latest budget in minutes and epochs; None for no limit."""
        reached = self.progress()
        if reached.minutes is None and reached.epochs is None:
            return self.request.minutes, self.request.epochs
        return reached.minutes, reached.epochs

    @property
    def has_epoch(self) -> bool:
        """Whether an epoch of training has been finished; epoch 0 is not training."""
        return self.progress().epoch > 0

    def refuse_lost(self, progress: Progress) -> None:
        """Raise TrainingError if epochs were finished but their checkpoint is lost.

        Epoch 0 has none: it is read from the initial weights.
        """
        metrics = self.path / METRICS_FILE
        is_started = metrics.is_file() and metrics.stat().st_size > 0 and not progress.history
        if progress.checkpoint is None and (progress.epoch or is_started):
            lost = self.checkpoints / STATE_FILE
            raise TrainingError(
                f"{lost}: {'names no checkpoint' if lost.is_file() else 'missing'}, although run {self.name} has finished epochs, so "
                f"training cannot continue; restore {self.checkpoints}, or start a new run from its weights with --init {self.name}"
            )

    def save_progress(self, progress: Progress) -> None:
        """Write the state and metrics.csv, and remove old checkpoints."""
        write_text(self.checkpoints / STATE_FILE, json.dumps(asdict(progress), indent=1) + "\n")
        table = io.StringIO()
        if progress.history:
            columns = dict.fromkeys(name for row in progress.history for name in row)  # old versions wrote fewer
            writer = csv.DictWriter(table, [*columns], lineterminator="\n")
            writer.writeheader()
            writer.writerows(progress.history)
        write_text(self.path / METRICS_FILE, table.getvalue())
        for old in self.checkpoints.glob("epoch-*"):
            if progress.checkpoint is None or old.stem != Path(progress.checkpoint).stem:
                old.unlink()

    def require(self, kind: type[_Recipe], purpose: str) -> _Recipe:
        """Return the recipe if it is of that kind, else raise UsageError with `purpose`."""
        if not isinstance(self.recipe, kind):
            raise UsageError(f"run {self.name} has recipe {self.recipe.kind}, which {purpose}")
        return self.recipe


def list_runs(root: Path) -> list[str]:
    """Return the names of all runs below the root, sorted."""
    return sorted(path.parent.name for path in (root / RUNS).glob("*/run.json") if not path.parent.name.startswith("."))
