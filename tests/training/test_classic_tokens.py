"""The tokens of the recipe `classic`, compared with those of the original."""

from pathlib import Path

import pytest

from catalog.base.errors import TrainingError
from catalog.store import Catalog
from dataset import build as corpora
from dataset.corpus.corpus import Corpus
from tests.dataset.conftest import fill, meta, midi, off, on, tunes
from tests.training.classical import after_four_epochs, folder, learned, vocabulary  # noqa: F401 - fixtures
from training.classic.tokens import Music, pitches_of, tokens_of, vocabulary_text


def test_a_note_is_its_name_and_a_chord_its_pitch_classes_whatever_their_lengths_and_rests() -> None:
    track = [
        (0, b"\xc0\x00"),
        *(on(0, 60), off(480, 60)),  # C4
        *(on(960, 63), off(120, 63)),  # a rest, then E flat 4
        *(on(360, 64), on(0, 67), on(0, 71), off(480, 64), off(0, 67), off(0, 71)),  # E minor
        *(on(0, 61), off(1920, 61)),  # C sharp 4
    ]
    assert tokens_of(midi(track)) == ["C4", "E-4", "4.7.11", "C#4"]


def test_only_the_first_part_is_read() -> None:
    piano = [(0, b"\xc0\x00"), *(on(0, 72), off(480, 72), on(0, 74), off(480, 74))]
    violin = [(0, b"\xc1\x28"), *(on(0, 55, 64, 1), off(480, 55, 1), on(0, 57, 64, 1), off(480, 57, 1))]
    assert tokens_of(midi(piano, violin)) == ["C5", "D5"]


def test_a_note_held_over_a_bar_line_is_one_token() -> None:
    assert tokens_of(midi([(0, b"\xc0\x00"), *(on(960, 60), off(1920, 60), on(0, 62), off(480, 62))])) == ["C4", "D4"]


def test_the_name_of_a_track_is_no_part() -> None:
    right = [meta(0, 0x03, b"Piano RH"), (0, b"\xc0\x00"), *(on(0, 60), off(480, 60))]
    left = [meta(0, 0x03, b"Piano LH"), (0, b"\xc0\x00"), *(on(0, 40), off(480, 40))]
    assert tokens_of(midi(right, left)) == ["C4", "E2"]


def test_every_name_that_music21_gives_a_pitch_of_the_piano_is_read_back_as_that_pitch() -> None:
    from music21 import pitch

    assert [pitches_of(str(pitch.Pitch(midi=number))) for number in range(12, 128)] == [(n,) for n in range(12, 128)]


def test_a_chord_sounds_in_the_octave_of_middle_c() -> None:
    assert pitches_of("4.7.11") == (64, 67, 71)
    assert pitches_of("0") == (60,)


def test_what_is_neither_note_nor_chord_is_refused() -> None:
    with pytest.raises(TrainingError, match="neither a note nor a chord"):
        pitches_of("H4")


def test_the_vocabulary_holds_the_music_of_training_in_the_order_of_the_corpus(
    root: Path, corpus: Corpus, text: str
) -> None:
    music = Music.from_json(text, "here")
    catalog = Catalog(root)
    expected = [t for piece in corpus.pieces("train") for t in tokens_of(catalog.read_blob(piece.sha256))]
    assert [music.tokens[number] for number in music.training] == expected
    assert list(music.tokens) == sorted(set(expected))


def test_validation_keeps_the_tokens_that_training_knows_and_counts_the_others(
    root: Path, corpus: Corpus, text: str
) -> None:
    music = Music.from_json(text, "here")
    catalog = Catalog(root)
    held = [t for piece in corpus.pieces("validation") for t in tokens_of(catalog.read_blob(piece.sha256))]
    known = [token for token in held if token in music.tokens]
    assert len(known) < len(held), "the test needs a token that training does not know"
    assert [music.tokens[number] for number in music.validation] == known
    assert music.validation_unknown == len(held) - len(known)


def test_a_file_that_music21_cannot_read_costs_one_line(tmp_path: Path) -> None:
    wrapped = {title: b"RIFF\x00\x00\x00\x00RMIDdata\x00\x00\x00\x00" + data for title, data in tunes(12, 50).items()}
    fill(tmp_path, {**tunes(2, 40), **wrapped})
    corpus = corpora.ensure_corpus(tmp_path, "game == 'a-game'", "mixed")
    read = [piece for piece in corpus.pieces("train") if piece.title not in wrapped]
    lost = [piece for piece in corpus.pieces() if piece.split != "test" and piece.title in wrapped]
    assert read
    lines: list[str] = []
    music = Music.from_json(vocabulary_text(corpus, Catalog(tmp_path), warn=lines.append), "here")
    assert len(lines) == len(lost)
    assert all(any(piece.title in line for line in lines) for piece in lost)
    assert sorted(sha256 for sha256, _ in music.unreadable) == sorted(piece.sha256 for piece in lost)
    assert len(music.training) > 0


def test_a_corpus_that_music21_cannot_read_at_all_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, tunes(4))
    corpus = corpora.ensure_corpus(tmp_path, "game == 'a-game'", "gone")
    for blob in (tmp_path / "midi").rglob("*.mid"):
        blob.write_bytes(b"damaged")
    with pytest.raises(TrainingError, match="no training piece that music21 can read"):
        vocabulary_text(corpus, Catalog(tmp_path), warn=lambda line: None)


def test_a_vocabulary_of_another_recipe_is_refused() -> None:
    with pytest.raises(TrainingError, match="not the vocabulary of a classic run"):
        Music.from_json('{"series": []}', "here")
    with pytest.raises(TrainingError, match="not in the list of tokens"):
        Music.from_json('{"tokens":["C4"],"training":[1],"validation":[],"validation_unknown":0,"unreadable":[]}', "x")
