"""Novelty: the command on real files, its index, and the copy guard end to end."""

import json
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests.training.conftest import BIN, command, resealed
from training.copies import open_sources
from training.novelty.figures import PASSAGE_LENGTHS, find_copies, medians
from training.novelty.passages import MIN_PASSAGE_NOTES
from training.novelty.training_index import TrainingIndex
from training.run import Run

NOBODYS = np.random.default_rng(11)


@pytest.fixture
def root(trained: Path, tmp_path: Path) -> Path:
    """A data root for this test, with the corpus of songs and the run `tiny`."""
    return Path(shutil.copytree(trained, tmp_path / "root"))


def learned(root: Path) -> tuple[Corpus, CorpusPiece]:
    corpus = Corpus.open(root, "series-temple")
    return corpus, corpus.pieces("train")[2]


def with_copy(piece: CorpusPiece, first: int, count: int, moved: int, speed: int = 1, bpm: float = 90.0) -> Notes:
    """Forty random notes, `count` notes of a piece, and forty more random notes.

    The copied notes are transposed and at another tempo.
    """
    steps = NOBODYS.choice([6, 12, 24], 80)
    pitch = NOBODYS.integers(40, 90, 80)
    part = slice(first, first + count)
    copied = (piece.notes.onset[part] - piece.notes.onset[first]) * speed
    before = np.cumsum(steps[:40])
    inside = before[-1] + 30 + copied
    after = inside[-1] + 30 + np.cumsum(steps[40:])
    onset = np.concatenate([before, inside, after])
    pitches = np.concatenate([pitch[:40], piece.notes.pitch[part].astype(int) + moved, pitch[40:]])
    return Notes(onset, np.full(len(onset), 6), pitches, np.full(len(onset), 80), ((0, bpm),), ((0, 4, 4),))


def test_a_planted_copy_is_told_with_both_places_the_transposition_and_the_sequencer(
    root: Path, tmp_path: Path
) -> None:
    _, piece = learned(root)
    file = tmp_path / "mine.mid"
    notes = with_copy(piece, 31, 40, 5, bpm=60.0)
    file.write_bytes(write_midi(notes))
    done = command("novelty", str(file), "--against", "series-temple", "--json", root=root)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["pieces"][str(file)]
    [copy] = [copy for copy in found["copies"] if copy["notes"] >= 38]
    assert (copy["title"], copy["game"], copy["sequencer"]) == (piece.title, piece.game, "Test")
    assert (copy["transposition"], copy["ratio"], copy["sha256"]) == (5, 1.0, piece.sha256)
    assert copy["first"] <= 40 <= 78 <= copy["last"]
    seconds = notes.onset / 24  # at 60 a minute, a quarter note lasts a second
    assert copy["seconds"] == pytest.approx([seconds[copy["first"]], seconds[copy["last"]]])
    assert copy["bars"] == [int(notes.onset[copy[name]]) // 96 + 1 for name in ("first", "last")]
    numerator = piece.notes.time_signatures[0][1]
    at = int(piece.notes.onset[31 - (40 - copy["first"])])
    assert copy["there_bars"][0] == at // (24 * numerator) + 1
    assert copy["there_seconds"][0] == pytest.approx(at / 24 * 60 / piece.notes.tempos[0][1])
    assert found["nearest"][0]["title"] == piece.title
    share = (copy["last"] - copy["first"] + 1) / found["notes"]
    assert share <= found["shares"]["24"] <= found["shares"]["16"] <= found["shares"]["8"] <= share + 0.25


def test_a_person_reads_the_same(root: Path, tmp_path: Path) -> None:
    _, piece = learned(root)
    file = tmp_path / "mine.mid"
    file.write_bytes(write_midi(with_copy(piece, 31, 40, -3, speed=2)))
    done = command("novelty", str(file), "--against", "tiny", root=root)
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("  4") or line.startswith("  3")]
    assert f"{piece.title} ({piece.game}, sequenced by Test), bars " in line
    assert "-3 semitones, 0.5 times its ticks" in line
    assert "\n  nearest  " in done.stdout


def test_all_samples_of_a_run_are_told_of_beside_held_out_pieces(root: Path) -> None:
    done = command("novelty", "tiny", root=root)
    assert done.returncode == 0, done.stderr
    names = [line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("sample-")]
    assert names[:3] == ["sample-1.mid", "sample-2.mid", "sample-3.mid"]
    *_, of_samples, of_people = done.stdout.splitlines()
    assert of_samples.startswith("samples (")
    assert of_people.startswith("held-out human pieces ")
    told = json.loads(command("novelty", "tiny", "--json", root=root).stdout)
    corpus, _ = learned(root)
    held = [*corpus.pieces("validation"), *corpus.pieces("test")]
    against = open_sources(root, "series-temple")
    assert told["held_out"] == pytest.approx(medians([find_copies(against, piece.notes) for piece in held]))


def test_without_its_corpus_a_run_still_tells_of_its_samples(root: Path) -> None:
    shutil.rmtree(root / "corpora")
    done = command("novelty", "tiny", root=root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "held-out human pieces: none, or the corpus has changed"


@pytest.mark.parametrize(
    "words, code, said",
    [
        (("SAMPLE",), 2, "--against CORPUS or RUN"),
        (("gone.mid", "--against", "tiny"), 2, "gone.mid: no such file"),
        (("SAMPLE", "--against", "nothing"), 1, "no corpus 'nothing'"),
        (("BROKEN", "--against", "tiny"), 1, "broken.mid"),
        (("nothing",), 1, "no run 'nothing'"),
        (("tiny", "--against", "nothing"), 1, "no corpus 'nothing'"),
    ],
)
def test_a_mistake_gets_one_line(root: Path, tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    (tmp_path / "broken.mid").write_bytes(b"MThd and then nothing")
    files = {"SAMPLE": root / "runs" / "tiny" / "samples" / "sample-1.mid", "BROKEN": tmp_path / "broken.mid"}
    done = command("novelty", *(str(files.get(word, word)) for word in words), root=root)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not done.stdout


def test_a_run_of_an_earlier_version_gets_one_clear_line_and_composes_without_the_guard(root: Path) -> None:
    shutil.rmtree(root / "runs" / "tiny" / "sources")
    for words in (("novelty", "tiny"), ("generate", "tiny", "--notes", "20", "--no-render")):
        done = command(*words, root=root)
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.strip().splitlines()
        assert "train the run again, or compose with --max-copy 0" in line
    done = command("generate", "tiny", "--notes", "20", "--no-render", "--max-copy", "0", root=root)
    assert done.returncode == 0


@pytest.mark.parametrize("harm", ["cut", "other version", "not JSON"])
def test_damaged_sources_are_said_to_be(root: Path, harm: str) -> None:
    folder = root / "runs" / "tiny" / "sources"
    if harm == "cut":
        (folder / "hashes.npy").write_bytes((folder / "hashes.npy").read_bytes()[:90])
    else:
        (folder / "pieces.json").write_text('{"format": 0}' if harm == "other version" else "{")
    with pytest.raises(TrainingError, match=f"{folder}.*damaged"):
        TrainingIndex.open(folder)


def test_sources_come_back_as_they_were(root: Path) -> None:
    corpus, _ = learned(root)
    made = TrainingIndex.of(corpus.pieces("train"))
    opened = TrainingIndex.open(Run.open(root, "tiny").sources)
    assert opened.pieces == made.pieces
    assert opened.files() == made.files()


def test_an_index_is_made_once_for_a_corpus(root: Path) -> None:
    first = open_sources(root, "series-temple")
    [folder] = (root / "indexes").glob("[!.]*")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert open_sources(root, "series-temple").pieces == first.pieces
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_killed_while_it_writes_an_index_it_leaves_none_or_a_whole_one(root: Path) -> None:
    sample = root / "runs" / "tiny" / "samples" / "sample-1.mid"
    words = [str(BIN / "novelty"), str(sample), "--against", "series-temple", "--root", str(root)]
    began = 0
    for wait in (0.0, 0.002, 0.005, 0.01, 0.02):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not list((root / "indexes").glob(".tmp-*")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for folder in (root / "indexes").glob("[!.]*"):
            TrainingIndex.open(folder)
            shutil.rmtree(folder)
        began += bool(list((root / "indexes").glob(".tmp-*")))
    assert began, "it was never caught at it"
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not list((root / "indexes").glob(".tmp-*"))


def test_what_generate_writes_holds_no_longer_passage_than_asked(root: Path, tmp_path: Path) -> None:
    """A run trained on exactly what it plays with this seed.

    With the guard it must play something else. What is chosen among drafts keeps the limit, too.
    """
    run = Run.open(root, "tiny")
    words = ("generate", "tiny", "--count", "3", "--notes", "150", "--seed", "4", "--no-render")

    def made(most: int | None, again: int = 0, chosen: bool = False) -> list[Path]:
        out = tmp_path / f"{most}-{again}-{chosen}"
        how = [] if chosen else ["--draft"]
        limit = () if most is None else ("--max-copy", str(most))
        done = command(*words, *how, *limit, "--out", str(out), root=root)
        assert done.returncode == 0, done.stderr
        return sorted(out.glob("*.mid"))

    def longest(files: list[Path]) -> list[int]:
        return [find_copies(TrainingIndex.open(run.sources), read_midi(file.read_bytes())).longest for file in files]

    free = made(0)
    _, piece = learned(root)
    own = TrainingIndex.of([replace(piece, notes=read_midi(file.read_bytes())) for file in free])
    for name, data in own.files().items():
        (run.sources / name).write_bytes(data)
    resealed(run.path)
    assert min(longest(free)) >= 148
    for most in (8, 16):
        assert 6 <= max(longest(made(most))) <= most
    limited = made(24, chosen=True)
    assert 6 <= max(longest(limited)) <= 24
    assert [file.read_bytes() for file in made(None, chosen=True)] == [file.read_bytes() for file in limited]
    assert [file.read_bytes() for file in made(0, again=1)] == [file.read_bytes() for file in free]


def test_a_limit_that_is_none_is_refused(root: Path) -> None:
    done = command("generate", "tiny", "--max-copy", "3", root=root)
    assert done.returncode == 2
    assert "--max-copy must be 0 for no limit" in done.stderr


def test_a_piece_without_notes_has_copied_nothing(root: Path) -> None:
    _, piece = learned(root)
    columns = ("onset", "duration", "pitch", "velocity", "hand", "pedal_group")
    none = replace(piece.notes, **{name: np.zeros(0, int) for name in columns})
    found = find_copies(TrainingIndex.open(Run.open(root, "tiny").sources), none)
    assert (found.notes, found.longest, found.copies) == (0, 0, ())
    assert set(found.shares) == set(PASSAGE_LENGTHS)


@pytest.mark.parametrize("notes", range(1, 9))
def test_a_piece_of_few_notes_is_compared_like_any_other(root: Path, notes: int) -> None:
    _, piece = learned(root)
    inside = piece.notes.onset < np.unique(piece.notes.onset)[notes]
    columns = ("onset", "duration", "pitch", "velocity", "hand", "pedal_group")
    short = replace(piece.notes, **{name: getattr(piece.notes, name)[inside] for name in columns})
    found = find_copies(TrainingIndex.open(Run.open(root, "tiny").sources), short)
    assert found.longest in (0, len(short))  # it is the beginning of a training piece: a passage, or too short for one
    assert (found.longest > 0) == (len(short) >= MIN_PASSAGE_NOTES)
