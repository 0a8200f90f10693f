"""A run for tests of its page, made without training.

Its corpus has random tunes with hostile texts, and it has three samples. The first contains a passage of a training
piece, three semitones higher; the second contains none, and marks a loop; the third is not a MIDI file.
"""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from catalog.schema import FETCHED, Piece
from catalog.storage.checksums import digest_of, write_listed
from catalog.store import Catalog
from dataset.build import build_corpus
from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import LEFT, RIGHT, Notes
from dataset.plan import Plan
from tests.dataset.reported import HOSTILE
from tests.once import Once
from training.classic.recipe import ClassicRecipe
from training.critic.critic import Critic, passages_of
from training.page.comparison_page import ZELDA, Entry, write_comparison
from training.page.run_page import write_page
from training.progress import Progress
from training.run import CRITIC_FILE, Run
from training.run_critic import PASSAGES
from training.run_record import TrainingRequest
from training.session import prepare
from training.train_config import TrainConfig

PIECES = 16
PLANTED = 40  # notes of the passage, which begins after BEFORE notes of the sample
BEFORE = 15
MOVED = 3
EPOCHS = 9
LOOP = 96, 288  # ticks, of the second sample: seconds 2 to 6


def tune(seed: int, notes: int = 120) -> Notes:
    """A random two-handed tune; no six of its notes occur in another one."""
    rng = np.random.default_rng([5, seed])
    onset = np.cumsum(rng.choice([6, 12, 12, 18, 24], notes)) - 6
    pitch = np.where(np.arange(notes) % 4 == 0, rng.integers(40, 56, notes), rng.integers(60, 84, notes))
    return Notes.of(
        onset - onset[0], rng.choice([6, 12, 20], notes), pitch, rng.integers(60, 110, notes), [(0, 120.0)], [(0, 4, 4)]
    )


def with_passage(source: Notes, first: int) -> Notes:
    """A tune with PLANTED notes of `source` from note `first`, MOVED semitones up.

    Both hands strike one of them at once.
    """
    mine, part = tune(900, 60), slice(first, first + PLANTED)
    start = int(mine.onset[BEFORE])
    moved = source.onset[part] - source.onset[first] + start
    after = int(moved[-1]) + 12 - start
    onset = np.concatenate([mine.onset[:BEFORE], moved, [moved[4]], mine.onset[BEFORE:] + after])
    moved_pitch = source.pitch[part].astype(int) + MOVED
    pitch = np.concatenate([mine.pitch[:BEFORE], moved_pitch, [moved_pitch[4]], mine.pitch[BEFORE:]])
    hand = np.where(pitch < 60, LEFT, RIGHT)
    hand[BEFORE + PLANTED] = LEFT + RIGHT - hand[BEFORE + 4]
    return Notes.of(
        onset,
        np.full(len(onset), 11),
        pitch,
        np.concatenate([np.full(BEFORE + PLANTED, 90), [50], np.full(60 - BEFORE, 90)]),
        [(0, 120.0)],
        [(0, 4, 4)],
        hand=hand,
    )


def corpus(root: Path) -> Corpus:
    """A corpus of PIECES tunes with hostile titles, sequencers and game."""
    with Catalog(root).writer() as writer:
        rows = []
        for number in range(PIECES):
            data = write_midi(tune(number))
            rows.append(
                Piece(
                    source="vgmusic",
                    section="piano",
                    url=f"https://example.org/{number}.mid",
                    game_title=f"Hostile: {HOSTILE[1]}",
                    game="hostile",
                    series="hostile",
                    title=f"{HOSTILE[number % len(HOSTILE)]} {number}",
                    state=FETCHED,
                    sequencer=HOSTILE[4],
                    md5=hashlib.md5(data).hexdigest(),
                    sha256=writer.put_blob(data),
                    bytes=len(data),
                )
            )
        writer.add(rows)
    return build_corpus(root, Plan(query="series == 'hostile'"), "hostile", workers=1)


def history() -> list[dict[str, float | None]]:
    """Rows of metrics.csv; the lowest validation is that of epoch 7, and copies are measured from epoch 3."""
    rows: list[dict[str, float | None]] = []
    for epoch in range(1, EPOCHS + 1):
        held = 8.0 + (epoch - 7) ** 2 / 10
        fields = dict(
            zip(("time", "pitch", "duration", "velocity"), (held * f for f in (0.2, 0.5, 0.2, 0.1)), strict=True)
        )
        figures = {"notes_per_second": 9000.0, "learning_rate": 0.004, "train_bits": 12.0 - epoch / 2}
        copied = {"copied": epoch / 50 if epoch > 2 else None}
        rows.append({"epoch": epoch, "seconds": 60.0 * epoch, **figures, "validation_bits": held, **fields, **copied})
    return rows


def run(root: Path) -> Run:
    """The run `shown` of that corpus, with samples, as if it had been trained."""
    corpus(root)
    made, _, _ = prepare(root, TrainConfig(corpus="hostile", name="shown", minutes=9.0), lambda done, total: None)
    made.save_progress(Progress(epoch=EPOCHS, seconds=540.0, best_epoch=7, ended="budget", history=history()))
    made.samples.mkdir()
    learned = Corpus.open(root, "hostile").pieces("train")
    made.weights.write_bytes(b"not read for pages")
    passages = [passages_of(piece.notes, PASSAGES) for piece in learned]
    critic = Critic.fit(passages, [passages_of(tune(number)) for number in range(901, 905)], digest_of(made.weights))
    write_listed(made.path, CRITIC_FILE, critic.to_json().encode(), fail=TrainingError)
    (made.samples / "sample-1.mid").write_bytes(write_midi(with_passage(learned[0].notes, 20)))
    (made.samples / "sample-2.mid").write_bytes(write_midi(tune(901, 40), loop=LOOP))
    (made.samples / "sample-10.mid").write_bytes(b"<script>no music</script>")
    return made


def fill(root: Path) -> None:
    """Make the run below an empty data root."""
    run(root)


def write_pages(root: Path) -> None:
    """Write the page of the run, and a page that compares it with itself, runs/both.html."""
    made = Run.open(root, "shown")
    write_page(root, made)
    entries = [Entry("One <b>", made, 2, ZELDA["wind-waker"]), Entry("Two", made, 1, ZELDA["zelda"])]
    write_comparison(root, entries, root / "runs" / "both.html", title="Two runs", lead="Side by side.")


@pytest.fixture(name="root", scope="module")
def shown_root(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the run `shown`; one copy per test file."""
    return Path(shutil.copytree(once("exhibited", fill), tmp_path_factory.mktemp("exhibited") / "root"))


@pytest.fixture(name="run", scope="module")
def shown_run(root: Path) -> Run:
    """The run `shown` below it."""
    return Run.open(root, "shown")


@pytest.fixture(name="pages", scope="session")
def shown_pages(once: Once) -> Path:
    """A data root with the run `shown` and its pages (`write_pages`), the same for all: read it only."""

    def make(folder: Path) -> None:
        shutil.copytree(once("exhibited", fill), folder, dirs_exist_ok=True)
        write_pages(folder)

    return once("exhibited-pages", make)


@pytest.fixture(name="addresses", scope="session")
def shown_addresses(pages: Path) -> dict[str, str]:
    """The addresses of the pages: of the run, and of the comparison."""
    places = {"run": pages / "runs" / "shown" / "index.html", "compare": pages / "runs" / "both.html"}
    return {name: place.as_uri() for name, place in places.items()}


def source_of(root: Path) -> CorpusPiece:
    """The piece that the first sample copied from."""
    return Corpus.open(root, "hostile").pieces("train")[0]


def classic(root: Path) -> Run:
    """A run of recipe classic without samples."""
    asked = TrainingRequest(corpus="c", corpus_hash="0" * 64, query="q", seed=0, minutes=None, epochs=250)
    made = Run.create(root, "classic", ClassicRecipe(), "{}", asked)
    rows = [
        {
            "epoch": e,
            "seconds": 30.0 * e,
            "tokens_per_second": 50.0,
            "train_loss": 4.0 / e,
            "validation_loss": 3.0 + e / 10 if e > 1 else None,
        }
        for e in range(1, 5)
    ]
    made.save_progress(Progress(epoch=4, seconds=120.0, best_epoch=4, history=rows))
    return made
