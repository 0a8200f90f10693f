"""Makes a blind test of a run: excerpts of held-out pieces of people beside the run's own.

In: a run whose corpus still exists, and folders of other MIDI files. Out: a page to send, and its key.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from catalog.storage.remote import AnyPath
from dataset.notes.model import Notes
from training.generate import SAMPLE_SECONDS, compose_samples
from training.listening.excerpts import Excerpt, Source, choose_excerpts, excerpt_sound, find_starts
from training.listening.page import listening_page
from training.listening.votes import FORMAT, Key, KeyEntry, seal
from training.midi import read_notes
from training.run import Run
from training.sampling.config import SamplingConfig
from training.sampling.sample_files import samples

PEOPLE = "people"
MAX_EXCERPTS, LEAST_SECONDS, MOST_SECONDS = 50, 2.0, 60.0
MIDI_SUFFIXES = (".mid", ".midi")


@dataclass(frozen=True, slots=True)
class BlindTest:
    """A page as text, and its key."""

    page: str
    key: Key


def make_blind_test(
    root: AnyPath,
    run: Run,
    *,
    count: int = 8,
    seconds: float = 20.0,
    also: Sequence[Path] = (),
    seed: int = 0,
    soundfont: Path | None = None,
    report: Report = lambda done, total: None,
    note: Callable[[str], None] = lambda message: None,
) -> BlindTest:
    """Return a test with `count` excerpts of each source, in random order.

    The sources are the test pieces of the run's corpus, the run's samples, and the MIDI files of each folder of `also`, which
    a computer made. If the run has too few samples, the missing ones are composed as `generate` does. The seed
    decides the excerpts and their order; the secret of the key is new each time. `note` receives what is left out. Raises
    UsageError for settings out of range, TrainingError if a source has no piece, or the corpus has changed.
    """
    _check(run, count, seconds, also)
    rng = np.random.default_rng(seed)
    chosen: list[Excerpt] = []
    for source in [_people(root, run), _own(run, count, seconds, seed, note), *(_folder(path, note) for path in also)]:
        found = choose_excerpts(source, count, seconds, rng)
        if not found:
            raise TrainingError(
                f"{source.name}: none of {len(source.pieces)} pieces has {seconds:g} seconds of music; give fewer --seconds"
            )
        if len(found) < count:
            note(
                f"{source.name}: {len(found)} excerpts instead of {count}: no other piece has {seconds:g} seconds of music"
            )
        chosen += found
    order = [chosen[at] for at in rng.permutation(len(chosen)).tolist()]
    test, secret = secrets.token_hex(8), secrets.token_hex(32)
    entries = [
        KeyEntry(number, each.source, each.maker, each.piece, each.start) for number, each in enumerate(order, 1)
    ]
    sounds = []
    for number, (entry, each) in enumerate(zip(entries, order, strict=True), 1):
        sounds.append((seal(secret, test, entry), excerpt_sound(each, seconds, soundfont=soundfont)))
        report(number, len(order))
    return BlindTest(listening_page(test, seconds, sounds), Key(FORMAT, test, run.name, seed, seconds, secret, entries))


def _check(run: Run, count: int, seconds: float, also: Sequence[Path]) -> None:
    """Raise UsageError for settings out of range, and for two sources of one name."""
    if not 1 <= count <= MAX_EXCERPTS:
        raise UsageError(f"--count {count}: give 1 to {MAX_EXCERPTS} excerpts of each source")
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise UsageError(f"--seconds {seconds:g}: give {LEAST_SECONDS:g} to {MOST_SECONDS:g}")
    seen = {PEOPLE, run.name}
    for path in also:
        if not path.is_dir():
            raise UsageError(f"--also {path}: no such folder")
        if path.name in seen:
            raise UsageError(f"--also {path}: another source is called {path.name} too; rename the folder")
        seen.add(path.name)


def _people(root: AnyPath, run: Run) -> Source:
    """Return the test pieces of the run's corpus, which it has not learnt from."""
    held = run.corpus(root).pieces("test")
    if not held:
        raise TrainingError(
            f"corpus {run.request.corpus} has no test pieces; build it with more pieces, and train a run on that"
        )
    return Source(
        PEOPLE, "person", [(_named(piece.title, piece.game_title, piece.sequencer), piece.notes) for piece in held]
    )


def _named(title: str, game: str, sequencer: str | None) -> str:
    return f"{title} ({game}" + (f", sequenced by {sequencer})" if sequencer else ")")


def _own(run: Run, count: int, seconds: float, seed: int, note: Callable[[str], None]) -> Source:
    """Return the run's samples that are long enough; the missing ones are composed."""
    pieces = [each for each in _read(samples(run.samples), note) if len(find_starts(each[1], seconds))]
    missing = count - len(pieces)
    if missing > 0:
        note(f"{run.name}: {len(pieces)} of its samples have {seconds:g} seconds of music; composing {missing} more")
        config = SamplingConfig(count=missing, seconds=max(SAMPLE_SECONDS, 2 * seconds), seed=seed)
        made = compose_samples(run, config).pieces
        pieces += [(f"composed with seed {seed}, {number}", notes) for number, notes in enumerate(made, 1)]
    return Source(run.name, "computer", pieces)


def _folder(path: Path, note: Callable[[str], None]) -> Source:
    """Return the MIDI files of a folder and those below it."""
    files = sorted(file for file in path.rglob("[!.]*") if file.suffix.lower() in MIDI_SUFFIXES)
    pieces = _read(files, note)
    if not pieces:
        raise TrainingError(f"--also {path}: no MIDI file that can be read in this folder; give another")
    return Source(path.name, "computer", pieces)


def _read(files: Sequence[Path], note: Callable[[str], None]) -> list[tuple[str, Notes]]:
    found = []
    for file in files:
        try:
            found.append((file.name, read_notes(file)))
        except TrainingError as error:
            note(f"left out: {error}")
    return found
