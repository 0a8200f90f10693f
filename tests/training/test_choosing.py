"""Choosing: drafts likest to people's are kept, and each is written with how it was composed."""

import json
import re
import shutil
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests.training.conftest import command, resealed
from tests.training.songs import song
from tests.training.test_sampler import GAIN, VOCABULARY, saying
from training.choosing import FORMAT, LEAST_NOTES, WINDOW, People, choose_drafts, stretches
from training.events.fields import FIELDS, counted
from training.events.repeat_models import GUESSES
from training.generate import DRAFTS, SAMPLES, compose_samples, music
from training.run import MEASURES_FILE, Run
from training.sampling.config import SamplingConfig
from training.sampling.sample_record import GUESS_NAMES, NO_GUESS, SampleRecord, read_record
from training.sampling.sampler import compose, compose_drafts

PEOPLE = People.of([song(number) for number in range(24)])


def noise(seed: int, notes: int = 200) -> Notes:
    """Random notes off the beat."""
    rng = np.random.default_rng(seed)
    onset = np.cumsum(rng.integers(0, 9, notes))
    return Notes.of(onset, rng.integers(1, 40, notes), rng.integers(21, 108, notes), np.full(notes, 80), (), ())


def test_measures_are_what_they_are_called() -> None:
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    notes = Notes.of(
        np.arange(64) * 24, np.full(64, 24), np.tile(scale, 8), np.full(64, 80), ((0, 120.0),), ((0, 4, 4),)
    )
    [found] = stretches(notes)
    assert found["onsets per quarter"] == 1
    assert found["onsets on the beat"] == found["commonest step"] == found["notes in the best scale"] == 1
    assert found["onsets on the bar line"] == 0.25
    assert found["bars with an onset on their line"] == 1
    assert found["most notes at once"] == found["notes per onset"] == 1
    assert found["top line steps"] == pytest.approx(56 / 63)
    assert found["top line repeats"] == 0
    assert found["likeness to the bar 1 before"] == 0
    assert found["likeness to the bar 2 before"] == found["likeness of rhythm to the bar before"] == 1
    assert found["duration above middle C"] == 24
    assert np.isnan(found["duration below middle C"])
    assert np.isnan(found["semitones among what sounds"])


def test_a_stray_note_hours_later_costs_little_memory() -> None:
    near = song(1)
    onset, *columns = (
        np.append(column, column[-1]) for column in (near.onset, near.duration, near.pitch, near.velocity)
    )
    onset[-1] = 20_000 * 96
    tracemalloc.start()
    [found] = stretches(Notes.of(onset, *columns, near.tempos, near.time_signatures))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["likeness to the bar 1 before"] < 0.01
    assert peak < 100e6


def test_what_sounds_together_is_counted_by_interval() -> None:
    chords = np.tile([60, 64, 67, 71], 16)  # thirds: 4 3 4; fifths: 7 7; a major seventh
    notes = Notes.of(np.repeat(np.arange(16) * 24, 4), np.full(64, 24), chords, np.full(64, 80), (), ())
    [found] = stretches(notes)
    assert found["semitones among what sounds"] == pytest.approx(1 / 6)
    assert found["thirds and sixths among what sounds"] == pytest.approx(3 / 6)
    assert found["most notes at once"] == found["notes per onset"] == 4
    assert found["top line repeats"] == found["bass line repeats"] == 1


def test_a_note_that_is_doubled_at_its_pitch_is_measured_once() -> None:
    notes = song(1)
    twice = [np.repeat(column, 2) for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)]
    doubled = Notes.of(*twice, notes.tempos, notes.time_signatures)
    assert len(doubled) == 2 * len(notes)
    assert stretches(doubled) == stretches(notes)


def test_long_pieces_are_measured_in_stretches_and_very_short_ones_not_at_all() -> None:
    notes = noise(0, 5 * WINDOW)
    assert len(stretches(notes)) == len(counted(notes)) // WINDOW == 4
    assert len(stretches(noise(0, WINDOW + 1))) == 1
    assert stretches(noise(0, LEAST_NOTES - 1)) == []
    assert len(stretches(song(0))[0]) == 25


def test_people_come_before_noise_and_are_nearer() -> None:
    strangers, noises = [song(number) for number in range(100, 104)], [noise(seed) for seed in range(4)]
    found = choose_drafts(PEOPLE, [*noises, *strangers], 1)
    assert {choice.index for choice in found[:4]} == {4, 5, 6, 7}
    assert max(choice.distance for choice in found[:4]) < 0.5 * min(choice.distance for choice in found[4:])
    advantages = [choice.advantage for choice in found[:4]]
    assert advantages == sorted(advantages, reverse=True)
    pairs = [one for pair in zip(noises, strangers, strict=True) for one in pair]
    assert {choice.index for choice in choose_drafts(PEOPLE, pairs, 2)} == {1, 3, 5, 7}


def drifting(steps: float, seed: int) -> Notes:
    """A line of quarters in which this share of moves are steps, all others leaps."""
    rng = np.random.default_rng(seed)
    moves = np.where(rng.random(199) < steps, 2, 7) * np.where(np.arange(199) % 2, 1, -1)
    pitch = np.concatenate([[60], 60 + np.cumsum(moves) % 24])
    return Notes.of(np.arange(200) * 24, np.full(200, 24), pitch, np.full(200, 80), (), ())


def test_of_drafts_that_lean_to_one_side_those_on_the_other_side_are_kept() -> None:
    """Though the most of them are nearer to the median."""
    people = People.of([drifting(share, seed) for seed, share in enumerate(np.linspace(0.2, 0.8, 60))])
    leaning = [drifting(share, 100 + at) for at, share in enumerate([0.56, 0.57, 0.58, 0.59, 0.6, 0.61, 0.62, 0.36])]
    assert [choice.index for choice in choose_drafts(people, leaning, 8)] == [7]


def test_a_draft_that_is_strange_in_several_measures_comes_last() -> None:
    """Even where the other drafts are noise, beside which it has an advantage."""
    mixed = song(100)
    strange = Notes.of(
        mixed.onset * 3 + 1, mixed.duration * 5, mixed.pitch // 2, mixed.velocity, (), mixed.time_signatures
    )
    found = choose_drafts(PEOPLE, [strange, mixed, song(101)], 1)
    assert found[-1].index == 0
    assert (np.abs(PEOPLE.scores(strange)) > 2.33).sum() >= 3


def test_pieces_too_short_to_be_measured_are_kept_in_order() -> None:
    tiny = [song(number, bars=1) for number in range(3)]
    assert [(choice.index, choice.distance) for choice in choose_drafts(PEOPLE, tiny, 2)] == [(0, None), (2, None)]


def test_a_piece_too_short_to_be_measured_is_not_kept_in_place_of_one_that_is_like_peoples() -> None:
    tiny, strange = song(3, bars=1), noise(1)
    found = choose_drafts(PEOPLE, [tiny, song(101), strange, song(100)], 1)
    assert [choice.index for choice in found[2:]] == [0, 2]
    assert [choice.distance is None for choice in found] == [False, False, True, False]
    assert {choice.index for choice in choose_drafts(PEOPLE, [tiny, song(101), tiny, song(100)], 2)} == {1, 3}


def test_measures_come_back_from_their_text_and_damaged_ones_are_refused() -> None:
    text = PEOPLE.to_json()
    assert People.from_json(text, "measures.json") == PEOPLE
    for damaged in ("{}", text.replace("[", '["x", ', 1), text.replace('"pieces": 24', '"pieces": -1')):
        with pytest.raises(TrainingError, match=r"^measures\.json: .*; train the run again, or compose with --draft$"):
            People.from_json(damaged, "measures.json")


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Run:
    """A copy of the run `tiny` that tests may change."""
    shutil.copytree(trained / "runs" / "tiny", tmp_path / "runs" / "tiny")
    return Run.open(tmp_path, "tiny")


def test_the_drafts_likest_to_the_training_pieces_are_kept_and_a_seed_gives_the_same(run: Run) -> None:
    config = SamplingConfig(count=3, notes=40, seed=5)
    made, again = (compose_samples(run, config) for _ in range(2))
    assert made.records == again.records
    assert made.message == "chose 3 of 12 drafts; --draft composes without choosing"
    drafts = music(run, SamplingConfig(count=12, notes=40, seed=5, per_plan=DRAFTS))
    assert len({notes.pitch[0] for notes in drafts[:DRAFTS]}) == 1
    people = People.from_json(run.check(MEASURES_FILE), MEASURES_FILE)
    kept = choose_drafts(people, drafts, DRAFTS)
    assert {choice.index // DRAFTS for choice in kept} == {0, 1, 2}
    assert [record.draft - 1 for record in made.records] == [choice.index for choice in kept]
    assert [write_midi(notes) for notes in made.pieces] == [write_midi(drafts[choice.index]) for choice in kept]
    assert all(record.distance is not None and record.advantage is not None for record in made.records)
    assert {(record.drafts, record.kept, record.seed) for record in made.records} == {(DRAFTS * 3, 3, 5)}
    bare = compose_samples(run, config, draft=True)
    assert bare.pieces == music(run, config)
    assert bare.message is None
    assert [(record.draft, record.drafts, record.distance) for record in bare.records] == [
        (1, 3, None),
        (2, 3, None),
        (3, 3, None),
    ]


def test_a_run_without_measures_composes_without_choosing_and_says_so(run: Run) -> None:
    told = json.loads((run.path / "run.json").read_text())
    del told["files"][MEASURES_FILE]
    (run.path / MEASURES_FILE).unlink()
    (run.path / "run.json").write_text(json.dumps(told))
    resealed(run.path)
    older = Run.open(run.path.parents[1], "tiny")
    made = compose_samples(older, SamplingConfig(count=2, notes=40, seed=1))
    assert (
        made.message
        == "composed without choosing: run tiny is older and has no measures.json; train it again to choose"
    )
    assert made.pieces == music(older, SamplingConfig(count=2, notes=40, seed=1))


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"format": FORMAT + 1}, "run tiny has measures of another version; train it again to choose"),
        ({"pieces": 3}, r"run tiny has too few training pieces \(3\) to compare with"),
    ],
)
def test_why_a_run_composes_without_choosing_is_said_as_it_is(run: Run, changed: dict[str, int], said: str) -> None:
    (run.path / MEASURES_FILE).write_text(replace(PEOPLE, **changed).to_json())
    resealed(run.path)
    made = compose_samples(Run.open(run.path.parents[1], "tiny"), SamplingConfig(notes=40))
    assert made.message is not None
    assert re.fullmatch(f"composed without choosing: {said}", made.message)


def test_pieces_too_short_to_compare_are_composed_without_choosing(run: Run) -> None:
    config = SamplingConfig(count=2, notes=LEAST_NOTES - 1, seed=1)
    made = compose_samples(run, config)
    assert made.message == "composed without choosing: fewer than 32 notes are too few to compare"
    assert made.pieces == music(run, config)
    short = compose_samples(run, SamplingConfig(count=2, bars=1, seed=1))  # a bar of the songs has up to 12 notes
    assert short.message == made.message
    assert [record.distance for record in short.records] == [None, None]


def test_changed_measures_are_refused(run: Run) -> None:
    (run.path / MEASURES_FILE).write_text(PEOPLE.to_json())
    with pytest.raises(TrainingError, match=r"measures\.json: does not belong to this run"):
        compose_samples(run, SamplingConfig(notes=40))
    assert compose_samples(run, SamplingConfig(notes=40), draft=True).pieces


def test_beside_each_piece_a_file_says_how_it_was_composed(trained: Path, tmp_path: Path) -> None:
    words = ("generate", "tiny", "--count", "2", "--form", "ABA", "--section-bars", "2", "--seed", "4")
    words += ("--temperature", "pitch=0.9", "--min-p", "0.01", "--no-render", "--out", str(tmp_path))
    done = command(*words, root=trained)
    assert done.returncode == 0, done.stderr
    assert "chose 2 of 8 drafts; --draft composes without choosing" in done.stderr.splitlines()
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
    assert {(record.drafts, record.kept) for record in records if record} == {(DRAFTS * SAMPLES, SAMPLES)}
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
