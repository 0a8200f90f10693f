"""The critic: it tells people's passages from a run's, and what is composed goes on as it finds likest to people's."""

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
from training.critic.critic import FORMAT, LEAST_NOTES, LEAST_PIECES, Critic, passages_of
from training.critic.measures import STEP, WINDOW
from training.events.fields import FIELDS, counted
from training.events.repeat_models import GUESSES
from training.generate import SAMPLES, TRIES, compose_samples, music
from training.learner import learner
from training.note_lstm.streams import split_streams
from training.note_lstm.trained import open_network
from training.run import CRITIC_FILE, Run
from training.run_critic import read_critic
from training.sampling.config import SamplingConfig
from training.sampling.passages import PASSAGE
from training.sampling.sample_record import GUESS_NAMES, NO_GUESS, SampleRecord, read_record
from training.sampling.sampler import compose, compose_drafts

WEIGHTS = "0" * 64


def noise(seed: int, notes: int = 200) -> Notes:
    """Random notes off the beat."""
    rng = np.random.default_rng(seed)
    onset = np.cumsum(rng.integers(0, 9, notes))
    return Notes.of(onset, rng.integers(1, 40, notes), rng.integers(21, 108, notes), np.full(notes, 80), (), ())


PEOPLE = [passages_of(song(number)) for number in range(24)]
CRITIC = Critic.fit(PEOPLE, [passages_of(noise(seed)) for seed in range(100, 124)], WEIGHTS)


def test_measures_are_what_they_are_called() -> None:
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    notes = Notes.of(
        np.arange(64) * 24, np.full(64, 24), np.tile(scale, 8), np.full(64, 80), ((0, 120.0),), ((0, 4, 4),)
    )
    [found] = passages_of(notes)
    assert found["onsets per quarter"] == pytest.approx(np.log(64 / 63))
    assert found["onsets on the beat"] == found["commonest step"] == found["notes in the best scale"] == 1
    assert found["onsets on the bar line"] == 0.25
    assert found["bars with an onset on their line"] == 1
    assert found["notes that sound"] == found["notes per onset"] == 1
    assert (found["top moves by 1–1"], found["top moves by 2–2"]) == pytest.approx((16 / 63, 40 / 63))
    assert found["top repeats"] == found["likeness to the bar 1 before"] == 0
    assert found["likeness to the bar 2 before"] == found["likeness of rhythm to the bar 1 before"] == 1
    assert found["likeness: bars equal to one before"] == pytest.approx(14 / 15)
    assert found["top turns"] == pytest.approx(14 / 62)
    assert found["top figures of three moves that come again"] == pytest.approx(1 - 7 / 61)
    assert found["rhythms of four that come again"] == pytest.approx(1 - 1 / 60)


def test_hands_are_measured_apart() -> None:
    """A bass of wholes, which sounds below a melody of quarters that turns at each note."""
    onset = np.concatenate([np.arange(16) * 96, np.arange(64) * 24])
    pitch = np.concatenate([np.tile([36, 43], 8), np.tile([72, 79], 32)])
    duration = np.concatenate([np.full(16, 96), np.full(64, 12)])
    notes = Notes.of(onset, duration, pitch, np.full(80, 80), [(0, 120.0)], [(0, 4, 4)])
    [found] = passages_of(notes)
    assert found["notes of the left hand"] == 0.2
    assert found["right top turns"] == found["left top turns"] == found["right top zigzags"] == 1
    assert (found["left held notes"], found["right held notes"], found["right detached notes"]) == (1, 0, 0)
    assert found["right top moves by 7–7"] == found["left bottom moves by 7–7"] == 1
    assert (found["onsets of both hands"], found["onsets of the right hand alone"]) == (0.25, 0.75)
    assert found["semitones between the hands"] == pytest.approx((36 + 29) / 2)
    assert found["right likeness: bars equal to one before"] == 1


def test_a_stray_note_hours_later_costs_little_memory() -> None:
    near = song(1)
    onset, *columns = (
        np.append(column, column[-1]) for column in (near.onset, near.duration, near.pitch, near.velocity)
    )
    onset[-1] = 20_000 * 96
    tracemalloc.start()
    [found, _] = passages_of(Notes.of(onset, *columns, near.tempos, near.time_signatures))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["likeness to the bar 4 before"] > 0.4
    assert peak < 20e6


def test_what_sounds_together_is_counted_by_interval() -> None:
    chords = np.tile([60, 64, 67, 71], 16)  # thirds: 4 3 4; fifths: 7 7; a major seventh
    notes = Notes.of(np.repeat(np.arange(16) * 24, 4), np.full(64, 24), chords, np.full(64, 80), (), ())
    [found] = passages_of(notes)
    shares = [found[f"interval class {number} among what sounds"] for number in range(1, 7)]
    assert shares == pytest.approx([1 / 6, 0, 1 / 6, 2 / 6, 2 / 6, 0])
    assert found["notes that sound"] == found["notes per onset"] == 4
    assert found["top repeats"] == found["bottom repeats"] == 1


def test_a_note_that_is_doubled_at_its_pitch_is_measured_once() -> None:
    notes = song(1)
    twice = [np.repeat(column, 2) for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)]
    doubled = Notes.of(*twice, notes.tempos, notes.time_signatures)
    assert len(doubled) == 2 * len(notes)
    assert [
        one == pytest.approx(two, nan_ok=True)
        for one, two in zip(passages_of(doubled), passages_of(notes), strict=True)
    ] == [True] * 2


def test_passages_overlap_by_half_and_very_short_pieces_have_none() -> None:
    notes = noise(0, 5 * WINDOW)
    count = len(counted(notes))
    assert len(passages_of(notes)) == (count - WINDOW) // STEP + 1
    assert len(passages_of(notes, 3)) == 3
    for first, same in zip(passages_of(notes, 3), passages_of(notes), strict=False):  # but for the estimate of hands
        assert first["bottom range"] == same["bottom range"]
    assert len(passages_of(noise(0, WINDOW - 1))) == 1
    assert passages_of(noise(0, LEAST_NOTES - 1)) == []
    assert CRITIC.log_odds(noise(0, LEAST_NOTES - 1)) is CRITIC.judge(noise(0, LEAST_NOTES - 1)) is None


def test_the_last_passage_is_what_is_judged() -> None:
    mixed = [np.concatenate([getattr(noise(3), name), getattr(song(101), name)]) for name in ("duration", "pitch")]
    onset = np.concatenate([noise(3).onset, song(101).onset + 96 * 40])
    both = Notes.of(onset, *mixed, np.full(len(onset), 80), song(101).tempos, song(101).time_signatures)
    assert CRITIC.log_odds(both) == pytest.approx(CRITIC.log_odds(song(101)), abs=0.5)


def test_people_are_likelier_and_nearer_than_noise() -> None:
    strangers, noises = (
        [CRITIC.judge(song(number)) for number in range(100, 108)],
        [CRITIC.judge(noise(seed)) for seed in range(8)],
    )
    assert min(odds for _, odds in strangers) > 1
    assert max(odds for _, odds in noises) < -1
    assert max(distance for distance, _ in strangers) < 0.5 * min(distance for distance, _ in noises)


def test_the_weights_are_the_best_of_their_penalised_likelihood() -> None:
    """At the optimum the fitted chance of all passages is as large as the share of people's; each piece counts alike."""
    some = [passages_of(song(number, bars=8 + 8 * (number % 4))) for number in range(40)]
    critic = Critic.fit(some[:20], some[20:], WEIGHTS)
    assert (critic.pieces, critic.drafts) == (20, 20)
    mean = [np.mean([1 / (1 + np.exp(-odds)) for odds in critic_odds(critic, piece)]) for piece in some]
    assert np.mean(mean) == pytest.approx(0.5, abs=1e-4)


def critic_odds(critic: Critic, passages: list[dict[str, float]]) -> list[float]:
    scores = np.nan_to_num(critic._scores(passages))
    return (critic.odds + scores @ np.array([scale.weight for scale in critic.scales.values()])).tolist()


def drifting(steps: float, seed: int) -> Notes:
    """A line of quarters in which this share of moves are steps, all others leaps."""
    rng = np.random.default_rng(seed)
    moves = np.where(rng.random(199) < steps, 2, 7) * np.where(np.arange(199) % 2, 1, -1)
    pitch = np.concatenate([[60], 60 + np.cumsum(moves) % 24])
    return Notes.of(np.arange(200) * 24, np.full(200, 24), pitch, np.full(200, 80), (), ())


def test_where_drafts_lean_to_one_side_the_other_side_is_likelier_to_be_peoples() -> None:
    """Though it is farther from people's median."""
    people = [passages_of(drifting(share, seed)) for seed, share in enumerate(np.linspace(0.2, 0.8, 60))]
    drafts = [passages_of(drifting(share, 100 + at)) for at, share in enumerate(np.linspace(0.5, 0.8, 40))]
    critic = Critic.fit(people, drafts, WEIGHTS)
    odds = [critic.log_odds(drifting(share, 7)) for share in (0.3, 0.5, 0.7)]
    assert odds == sorted(odds, reverse=True)


def test_a_critic_comes_back_from_its_text_and_a_damaged_one_is_refused() -> None:
    text = CRITIC.to_json()
    assert Critic.from_json(text, "critic.json", "remove it") == CRITIC
    for damaged in (
        "{}",
        text.replace('"quantiles": [', '"quantiles": ["x",', 1),
        text.replace('"pieces": 24', '"pieces": -1'),
    ):
        with pytest.raises(TrainingError, match=r"^critic\.json: .*; remove it$"):
            Critic.from_json(damaged, "critic.json", "remove it")


@pytest.mark.parametrize("people, drafts", [(LEAST_PIECES - 1, 4), (LEAST_PIECES, 0)])
def test_a_critic_of_too_few_pieces_has_no_measures(people: int, drafts: int) -> None:
    assert Critic.fit(PEOPLE[:people], PEOPLE[:drafts], WEIGHTS).scales == {}


def test_after_each_passage_the_likest_try_goes_on_in_all_of_its_plan() -> None:
    """From the first WINDOW notes on; only what can be told at the time is chosen by, as durations change later."""
    config = SamplingConfig(count=8, notes=WINDOW + 2 * PASSAGE, seed=3, per_plan=4)
    network = saying(time={12: 3})
    alone = compose_drafts(network, VOCABULARY, config)
    chosen = compose_drafts(network, VOCABULARY, config, critic=CRITIC)
    for plan in (slice(0, 4), slice(4, 8)):
        firsts = {begin(draft.notes, WINDOW) for draft in chosen[plan]}
        drafts = [begin(draft.notes, WINDOW) for draft in alone[plan]]
        odds = [CRITIC.log_odds(cut(draft.notes, WINDOW + 1)) for draft in alone[plan]]
        assert len(set(drafts)) == 4
        assert firsts == {drafts[int(np.argmax(odds))]}
        assert len({begin(draft.notes, WINDOW + PASSAGE) for draft in chosen[plan]}) == 1
        assert len({begin(draft.notes, WINDOW + 2 * PASSAGE) for draft in chosen[plan]}) == 4
        assert {len(draft.guesses["time"]) for draft in chosen[plan]} == {WINDOW + 2 * PASSAGE - 1}


def cut(notes: Notes, count: int) -> Notes:
    columns = (column[:count] for column in (notes.onset, notes.duration, notes.pitch, notes.velocity))
    return Notes.of(*columns, notes.tempos, notes.time_signatures)


def begin(notes: Notes, count: int) -> bytes:
    """Onsets and pitches of the first notes."""
    return notes.onset[:count].tobytes() + notes.pitch[:count].tobytes()


def test_the_tries_of_a_plan_are_composed_by_one_process() -> None:
    for count, per_plan in ((12, 4), (600, 4), (9, 3), (10, 4), (4, 4)):
        parts = split_streams(count, per_plan)
        assert [number for part in parts for number in part] == list(range(count))
        assert all(part.start % per_plan == 0 for part in parts)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Run:
    """A copy of the run `tiny` that tests may change."""
    shutil.copytree(trained / "runs" / "tiny", tmp_path / "runs" / "tiny")
    return Run.open(tmp_path, "tiny")


def test_each_passage_is_the_likest_of_four_and_a_seed_gives_the_same(run: Run) -> None:
    config = SamplingConfig(count=2, notes=WINDOW + 8, seed=5)
    made, again = (compose_samples(run, config) for _ in range(2))
    assert made.records == again.records
    assert (
        made.message == "composed each passage 4 times and chose the likest to human pieces; --draft composes it once"
    )
    critic, _ = read_critic(run)
    assert critic is not None
    every = replace(config, count=8, per_plan=TRIES)
    drafts = learner(run.recipe).compose_drafts(run, every, None, lambda done, total: None, critic)
    for piece in (slice(0, 4), slice(4, 8)):
        assert len({begin(draft.notes, WINDOW) for draft in drafts[piece]}) == 1
    odds = np.array([critic.log_odds(draft.notes) for draft in drafts]).reshape(2, TRIES)
    best = np.arange(2) * TRIES + odds.argmax(axis=1)
    assert sorted(record.draft - 1 for record in made.records) == best.tolist()
    assert [write_midi(notes) for notes in made.pieces] == [
        write_midi(drafts[record.draft - 1].notes) for record in made.records
    ]
    advantages = [record.advantage for record in made.records]
    assert advantages == sorted(advantages, reverse=True)
    assert {(record.drafts, record.kept, record.seed) for record in made.records} == {(TRIES * 2, 2, 5)}
    bare = compose_samples(run, config, draft=True)
    assert bare.pieces == music(run, config)
    assert bare.message is None
    assert [(record.draft, record.drafts, record.distance) for record in bare.records] == [
        (1, 2, None),
        (2, 2, None),
    ]


def test_one_process_and_several_choose_alike(run: Run) -> None:
    """A prime is continued alike, too."""
    found = learner(run.recipe)
    critic, _ = read_critic(run)
    for prime in (None, song(3, bars=4)):
        config = SamplingConfig(count=8, notes=WINDOW + 8, seed=2, per_plan=TRIES)
        together = found.compose_drafts(run, config, prime, lambda done, total: None, critic)
        network, vocabulary = open_network(run)
        parts = [
            compose_drafts(
                network, vocabulary, config, prime, run.learned_from().index, numbers=range(at, at + 4), critic=critic
            )
            for at in (0, 4)
        ]
        assert [write_midi(draft.notes) for part in parts for draft in part] == [
            write_midi(draft.notes) for draft in together
        ]


def test_a_run_without_its_critic_composes_without_choosing_and_says_how_to_get_it(run: Run, trained: Path) -> None:
    before = (run.path / CRITIC_FILE).read_bytes()
    (run.path / CRITIC_FILE).unlink()
    made = compose_samples(run, SamplingConfig(count=2, notes=40, seed=1))
    assert made.message == (
        "composed without choosing: run tiny has no critic.json of its weights; make it with: train --name tiny --resume"
    )
    assert made.pieces == music(run, SamplingConfig(count=2, notes=40, seed=1))
    for folder in ("corpora", "catalog", "midi", "splits"):
        (run.path.parents[1] / folder).symlink_to(trained / folder)
    assert command("train", "--name", "tiny", "--resume", "--no-render", root=run.path.parents[1]).returncode == 0
    assert (run.path / CRITIC_FILE).read_bytes() == before


@pytest.mark.parametrize(
    "changed, said",
    [
        (
            {"format": FORMAT + 1},
            r"run tiny has no critic\.json of its weights; make it with: train --name tiny --resume",
        ),
        (
            {"weights_sha256": WEIGHTS},
            r"run tiny has no critic\.json of its weights; make it with: train --name tiny --resume",
        ),
        ({"pieces": 3, "scales": {}}, r"run tiny has too few training pieces \(3\) to compare with"),
    ],
)
def test_why_a_run_composes_without_choosing_is_said_as_it_is(run: Run, changed: dict[str, object], said: str) -> None:
    critic, _ = read_critic(run)
    assert critic is not None
    (run.path / CRITIC_FILE).write_text(replace(critic, **changed).to_json())
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


def test_more_pieces_than_can_be_tried_twice_are_composed_without_choosing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.generate.MAX_COUNT", 5)
    config = SamplingConfig(count=3, notes=40, seed=1)
    made = compose_samples(run, config)
    assert made.message == "composed without choosing: that takes 2 pieces at most"
    assert made.pieces == music(run, config)
    assert {record.distance for record in made.records} == {None}
    assert compose_samples(run, replace(config, count=2)).records[0].drafts == 4


def test_a_changed_critic_is_refused(run: Run) -> None:
    (run.path / CRITIC_FILE).write_text(CRITIC.to_json())
    with pytest.raises(TrainingError, match=r"critic\.json: damaged: .*; remove it, then train --name tiny --resume$"):
        compose_samples(run, SamplingConfig(notes=40))
    assert compose_samples(run, SamplingConfig(notes=40), draft=True).pieces


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
