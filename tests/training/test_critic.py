"""The critic: it tells people's passages from a run's."""

import tracemalloc

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from dataset.notes.model import Notes
from tests.training.songs import song
from training.critic.critic import LEAST_NOTES, Critic, passages_of
from training.critic.measures import STEP, WINDOW
from training.events.fields import counted
from training.two_sample import LEAST_PIECES

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
    mean = [np.mean([1 / (1 + np.exp(-odds)) for odds in critic._odds(critic._scores(piece))]) for piece in some]
    assert np.mean(mean) == pytest.approx(0.5, abs=1e-4)


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
