"""Beside each piece a file says how it was composed."""

from collections import Counter
from pathlib import Path

import pytest

from catalog.base.errors import TrainingError
from dataset.midi.midi_reader import read_midi
from dataset.notes.model import Notes
from tests.training.conftest import command
from tests.training.songs import song
from tests.training.test_sampler import GAIN, VOCABULARY, saying
from training.events.fields import FIELDS
from training.events.repeat_models import GUESSES
from training.generate import SAMPLES, TRIES
from training.sampling.config import SamplingConfig
from training.sampling.sample_record import GUESS_NAMES, NO_GUESS, SampleRecord, read_record
from training.sampling.sampler import compose, compose_drafts


def test_beside_each_piece_a_file_says_how_it_was_composed(trained: Path, tmp_path: Path) -> None:
    words = ("generate", "tiny", "--count", "2", "--form", "ABA", "--section-bars", "2", "--seed", "4")
    words += ("--temperature", "pitch=0.9", "--min-p", "0.01", "--no-render", "--out", str(tmp_path))
    done = command(*words, root=trained)
    assert done.returncode == 0, done.stderr
    assert (
        "composed each passage 4 times and chose the likest to human pieces; --draft composes it once"
        in done.stderr.splitlines()
    )
    assert [Path(line).name for line in done.stdout.splitlines()] == ["sample-1.mid", "sample-2.mid"]
    records = [read_record(tmp_path / f"sample-{number}.mid") for number in (1, 2)]
    for record in records:
        assert isinstance(record, SampleRecord)
        assert (record.run, record.seed, record.drafts, record.kept) == ("tiny", 4, 8, 2)
        assert (record.asked_form, record.section_bars, len(record.form)) == ("ABA", 2, 3)
        assert record.temperature == {"time": 1.0, "pitch": 0.9, "duration": 1.0, "velocity": 1.0}
        assert record.min_p["time"] == 0.01
        assert [style.series for style in record.style] == ["temple"]
        assert record.meter in ((3, 4), (4, 4))
        assert len({len(text) for text in record.guesses.values()}) == 1
    assert all(follows(read_record(path), read_midi(path.read_bytes())) for path in tmp_path.glob("*.mid"))
    again = command(*words[:-1], str(tmp_path / "again"), root=trained)
    assert again.returncode == 0
    for name in ("sample-1.json", "sample-2.json", "sample-1.mid"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / name).read_bytes()


def follows(record: SampleRecord | None, notes: Notes) -> bool:
    """Return whether each note drawn by a guess, but a moved one, has the pitch of a note so many ticks before it."""
    assert record is not None
    names = GUESS_NAMES["pitch"]
    moved = {str(number) for number, name in enumerate(names) if "moved" in name or "transposed" in name}
    assert len(moved) == 4
    back, guesses = [int(ticks) for ticks in record.back.split()], record.guesses["pitch"]
    assert len(back) == len(guesses) == len(notes) - 1  # the first note is not drawn
    there = set(zip(notes.onset.tolist(), notes.pitch.tolist(), strict=True))
    drawn = zip(notes.onset[1:].tolist(), notes.pitch[1:].tolist(), back, guesses, strict=True)
    return any(back) and all(
        guess == NO_GUESS or guess in moved or (onset - ticks, pitch) in there for onset, pitch, ticks, guess in drawn
    )


def test_the_samples_of_train_are_chosen_too_and_a_sample_without_a_file_has_no_record(trained: Path) -> None:
    folder = trained / "runs" / "tiny" / "samples"
    records = [read_record(folder / f"sample-{number}.mid") for number in (1, 2, 3)]
    assert {(record.drafts, record.kept) for record in records if record} == {(TRIES * SAMPLES, SAMPLES)}
    assert read_record(folder / "sample-99.mid") is None


def test_a_damaged_record_is_one_error_that_names_file_and_field(trained: Path, tmp_path: Path) -> None:
    text = (trained / "runs" / "tiny" / "samples" / "sample-1.json").read_text()
    for damaged, says in ((text.replace('"draft": ', '"draft": -'), "draft: "), ("{", "not JSON"), ("{}", "format")):
        (tmp_path / "sample-1.json").write_text(damaged)
        with pytest.raises(TrainingError, match=rf"sample-1\.json: .*{says}.*; remove it"):
            read_record(tmp_path / "sample-1.mid")


def test_the_right_guess_with_the_greatest_gain_is_recorded_for_each_note() -> None:
    hindered = {GAIN["time"] + number: -9.0 for number in range(GUESSES["time"])}
    gains = {GAIN["pitch"] + number: {3: 50.0, 4: 60.0}.get(number, -9.0) for number in range(GUESSES["pitch"])}
    network = saying(pitch=gains, time={12: 60, **hindered})
    [draft] = compose_drafts(network, VOCABULARY, SamplingConfig(notes=60, game="wood"))
    assert {name: len(text) for name, text in draft.guesses.items()} == dict.fromkeys(FIELDS, 59)
    # the same place in the bar has the greater gain; where it has no guess yet, the transposed match
    assert Counter(draft.guesses["pitch"]).most_common(1)[0][0] == "4"
    assert set(draft.guesses["pitch"]) <= {"3", "4", NO_GUESS}
    assert set(draft.guesses["time"]) == {NO_GUESS}, "a guess without gain wins nothing"
    assert draft.style == {("temple", "wood"): 1.0}
    onset, pitch = draft.notes.onset.tolist(), draft.notes.pitch.tolist()
    there = set(zip(onset, pitch, strict=True))
    for at, (guess, back) in enumerate(zip(draft.guesses["pitch"], draft.back, strict=True), 1):
        assert (back > 0) == (guess != NO_GUESS)
        assert guess != "4" or (onset[at] - back, pitch[at]) in there
        assert guess != "3" or onset[at] - back in onset[:at]


def test_the_part_of_a_prime_is_not_drawn(trained: Path) -> None:
    prime = song(1, bars=2)
    [draft] = compose_drafts(saying(time={12: 60}), VOCABULARY, SamplingConfig(notes=20), prime)
    assert len(draft.guesses["time"]) == 20
    assert len(draft.notes) == len(prime) + 20


def test_all_guesses_have_names() -> None:
    assert {name: len(names) for name, names in GUESS_NAMES.items()} == GUESSES


def test_where_no_opening_is_long_enough_all_are_used() -> None:
    made = compose(saying(time={12: 40}), VOCABULARY, SamplingConfig(count=12, notes=200))
    assert {notes.time_signatures[0][1] for notes in made} == {3, 4}
