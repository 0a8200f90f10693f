"""Repeat models: they use the past only and equal a plain implementation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.notes.model import Notes
from tests.training.songs import song
from training.events import encoding, past
from training.events.encoding import (
    COLUMNS,
    CONFIDENCE,
    GUESS,
    classes,
    encode,
    predict_duration,
    predict_pitch,
    predict_repeats,
    predict_velocity,
)
from training.events.fields import DURATION, FIELDS, KNOWN, PITCH, PLACE, TIME, VELOCITY
from training.events.repeat_models import CONFIDENCES, GUESSES, Repeats
from training.sampling.sample_record import GUESS_NAMES

COLUMN = {"time": TIME, "pitch": PITCH, "duration": DURATION, "velocity": VELOCITY}

rows_of = st.lists(
    st.tuples(st.sampled_from([0, 6, 12]), st.integers(60, 63), st.sampled_from([6, 12]), st.sampled_from([64, 80])),
    min_size=1,
    max_size=60,
)


def piece_of(rows: list[tuple[int, int, int, int]]) -> Notes:
    step, pitch, duration, velocity = np.array(rows).T
    return Notes(np.cumsum(step), duration, pitch, velocity, ((0, 120.0),), ((0, 2, 4),))


def looping(rounds: int, seed: int = 1) -> Notes:
    """The same 40 notes of two bars, repeated."""
    rng = np.random.default_rng(seed)
    onset = np.sort(rng.choice(192, 40, replace=False))
    one = onset, rng.integers(6, 24, 40), rng.integers(40, 80, 40), rng.integers(40, 100, 40)
    onsets = np.concatenate([one[0] + 192 * n for n in range(rounds)])
    return Notes(onsets, *(np.tile(part, rounds) for part in one[1:]), ((0, 120.0),), ((0, 4, 4),))


@given(rows_of, st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_a_guess_depends_on_the_past_alone(rows: list[tuple[int, int, int, int]], cut: int) -> None:
    whole = piece_of(rows)
    keep = classes(whole)[0].shape[0]
    cut = min(cut, keep)
    held, _ = classes(whole)
    start = Notes(*(part[:cut] for part in _deduplicated(whole)), whole.tempos, whole.time_signatures)
    [events], [before] = encode([whole]), encode([start])
    assert (events[:, :KNOWN] == held).all()
    assert (events[:cut] == before).all()


def _deduplicated(notes: Notes) -> tuple[np.ndarray, ...]:
    keep = np.ones(len(notes.onset), bool)
    keep[1:] = (notes.onset[1:] != notes.onset[:-1]) | (notes.pitch[1:] != notes.pitch[:-1])
    return tuple(part[keep] for part in (notes.onset, notes.duration, notes.pitch, notes.velocity))


@given(rows_of, st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_a_guess_at_a_field_does_not_see_it_nor_those_after_it(
    rows: list[tuple[int, int, int, int]], column: int
) -> None:
    [events] = encode([piece_of([*rows, (6, 61, 6, 64)])])
    other = [6, 61, 6, 64]
    other[column] = {1: 62, 2: 12, 3: 80}[column]
    [changed] = encode([piece_of([*rows, tuple(other)])])  # type: ignore[list-item]
    for name in FIELDS[: column + 1]:
        assert (events[-1, GUESS[name]] == changed[-1, GUESS[name]]).all()
        assert (events[-1, CONFIDENCE[name]] == changed[-1, CONFIDENCE[name]]).all()


def test_pieces_do_not_see_those_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [song(n, bars=2 + 5 * (n % 4)) for n in range(7)]
    monkeypatch.setattr(encoding, "BATCH", 3)
    together = encode(pieces)
    for piece, events in zip(pieces, together, strict=True):
        [alone] = encode([piece])
        assert (events == alone).all()


def matched(rows: np.ndarray, j: int, t: int, columns: tuple[np.ndarray, ...]) -> int:
    """Number of equal notes before j and before t, in these columns, at most 32."""
    length = 0
    while length < 32 and j - length >= 1 and all(c[j - 1 - length] == c[t - 1 - length] for c in columns):
        length += 1
    return length


@given(rows_of)
@settings(max_examples=60, deadline=None)
def test_the_models_of_matches_are_what_a_plain_reading_says(rows: list[tuple[int, int, int, int]]) -> None:
    [events] = encode([piece_of(rows)])
    time, pitch, duration, place = (events[:, c].astype(int) for c in (TIME, PITCH, DURATION, PLACE))
    interval = np.diff(pitch, prepend=pitch[:1])
    for t in range(1, len(events)):
        before = range(t - 1, -1, -1)  # the latest first, so that max takes the latest of equals
        exact = {j: matched(events, j, t, (time, pitch)) for j in before}
        moved = {j: _moved(time, interval, j, t) for j in before}
        rhythm = {j: matched(events, j, t, (time, place)) for j in before}
        fits = {j: n * (time[j] == time[t] and (time[t] != 0 or pitch[j] > pitch[t - 1])) for j, n in exact.items()}
        alike = {
            j: (pitch[j] == pitch[t]) * (1 + 4 * min(n, 31) + 2 * (place[j] == place[t]) + (time[j] == time[t]))
            for j, n in exact.items()
        }
        turned = {j: n * (time[j] == time[t]) for j, n in moved.items()}
        for name, k, lengths, values in (
            ("time", 0, exact, time),
            ("time", 3, rhythm, time),
            ("pitch", 0, fits, pitch),
            ("pitch", 3, turned, {j: pitch[t - 1] + interval[j] for j in before}),
            ("duration", 0, alike, duration),
        ):
            best = max(before, key=lambda j, lengths=lengths: lengths[j])
            guess, trust = int(events[t, GUESS[name]][k]), int(events[t, CONFIDENCE[name]][k])
            assert (trust > 0) == (lengths[best] > 0), (name, k, t)
            assert guess == (values[best] if trust else 0), (name, k, t)


def _moved(time: np.ndarray, interval: np.ndarray, j: int, t: int) -> int:
    """As `matched`, for times and intervals; the first note has no interval."""
    length = 0
    while (
        length < 32
        and j - length >= 1
        and (time[j - 1 - length], interval[j - 1 - length])
        == (
            time[t - 1 - length],
            interval[t - 1 - length],
        )
    ):
        length += 1
    return length


def test_the_second_guess_of_a_match_is_another_one() -> None:
    rng = np.random.default_rng(2)
    rows = [(int(rng.choice([0, 6, 12])), int(rng.integers(60, 64)), int(rng.choice([6, 12])), 80) for _ in range(300)]
    [events] = encode([piece_of(rows)])
    for name in ("time", "pitch", "duration"):
        both = (events[:, CONFIDENCE[name]][:, :2] > 0).all(axis=1)
        assert both.any()
        first, second = events[both][:, GUESS[name]][:, :2].T
        assert (first != second).all()


def test_the_guess_that_is_named_the_note_before_is_the_class_of_the_note_before() -> None:
    [events] = encode([looping(2)])
    for name in ("duration", "velocity"):
        named = events[1:, GUESS[name]][:, GUESS_NAMES[name].index("the note before")]
        assert (named == events[:-1, COLUMN[name]]).all(), name


def test_a_loop_is_guessed_right_from_its_second_round_and_trusted_more_and_more() -> None:
    [events] = encode([looping(4)])
    later = events[60:]
    for name in FIELDS:
        assert (later[:, GUESS[name]][:, 0] == later[:, COLUMN[name]]).all()
    looped = later[:, GUESS["pitch"]][:, 2]
    assert (looped == later[:, PITCH]).all()
    trust = events[:, CONFIDENCE["time"]][:, 0]
    assert trust.max() < CONFIDENCES
    assert trust[150] > trust[45] > 0


def test_a_loop_is_known_again_after_a_wrong_note() -> None:
    notes = looping(3)
    pitch = notes.pitch.copy()
    pitch[95] = 20
    [events] = encode([Notes(notes.onset, notes.duration, pitch, notes.velocity, notes.tempos, notes.time_signatures)])
    after = events[96:99]  # no three notes match here
    assert (after[:, GUESS["pitch"]][:, 2] == after[:, PITCH]).all()
    assert (after[1:, GUESS["time"]][:, 2] == after[1:, TIME]).all()


FIGURE = "the figure of the bar before, moved"
LEFT_HAND = "the bar whose rhythm the left hand repeats, moved as planned"


def accompanied(chords: list[tuple[int, ...]], seed: int = 0) -> Notes:
    """A bar of 4/4 per chord: its notes up and down in eighths, below a random melody."""
    rng = np.random.default_rng(seed)
    rows = []
    for bar, chord in enumerate(chords):
        rows += [(96 * bar + 12 * n, 12, pitch, 80) for n, pitch in enumerate((*chord, *chord[-2:0:-1]))]
        places = sorted(rng.choice(16, 6, replace=False).tolist())
        rows += [(96 * bar + 6 * n, 6, int(rng.integers(72, 90)), 80) for n in places]
    return Notes.of(*zip(*sorted(rows), strict=True), time_signatures=[(0, 4, 4)])


def test_an_accompaniment_on_another_chord_is_guessed_under_any_melody_after_its_first_note() -> None:
    roots = [40, 45, 43, 38, 47, 40, 50, 41]
    notes = accompanied([(root, root + 7, root + 12, root + 16, root + 19) for root in roots])
    [events] = encode([notes])
    [onsets] = [classes(notes)[1]]
    accompaniment = (events[:, PITCH] < 72) & (onsets >= 96) & (onsets % 96 > 0)
    named = events[accompaniment, GUESS["pitch"]][:, GUESS_NAMES["pitch"].index(FIGURE)]
    assert (named == events[accompaniment, PITCH]).all()
    matched = events[accompaniment, GUESS["pitch"]][:, 0]
    assert (matched == events[accompaniment, PITCH]).mean() < 0.5


def test_a_figure_of_the_left_hand_is_moved_as_planned_from_its_first_note_and_into_the_planned_harmony() -> None:
    major, minor = (0, 4, 7, 12, 16), (0, 3, 7, 12, 15)
    roots = [48, 45, 43, 41, 46, 40]
    notes = accompanied([tuple(root + step for step in (minor if n % 2 else major)) for n, root in enumerate(roots)])
    [events] = encode([notes], planned=True)
    [onsets] = [classes(notes)[1]]
    chosen = (events[:, PITCH] < 72) & (onsets >= 96)
    guesses = events[chosen, GUESS["pitch"]]
    exact = [
        (guesses[:, GUESS_NAMES["pitch"].index(name)] == events[chosen, PITCH]).mean() for name in (FIGURE, LEFT_HAND)
    ]
    assert exact[0] < 0.8
    assert exact[1] > 0.97
    steps = events[chosen, GUESS["duration"]][:, GUESS_NAMES["duration"].index("the bar whose rhythm the hand repeats")]
    assert (steps == events[chosen, DURATION]).all()


def test_an_interval_of_a_hand_is_guessed_for_its_next_chord_in_the_planned_harmony() -> None:
    sixths = [(64, 72), (65, 74), (67, 76), (69, 77)] * 6  # in C major
    rows = [(24 * n, 24, pitch, 80) for n, pair in enumerate(sixths) for pitch in pair]
    rows += [(96 * bar, 96, pitch, 80) for bar in range(6) for pitch in (36, 43)]  # beside it, fifths
    [events] = encode([Notes.of(*zip(*sorted(rows), strict=True), time_signatures=[(0, 4, 4)])], planned=True)
    upper = (events[:, TIME] == 0) & (np.arange(len(events)) > 12)
    of_pair = GUESS_NAMES["pitch"].index("the interval struck last by the same hand")
    is_known = events[:, CONFIDENCE["pitch"]][:, of_pair] > 0
    above = upper & (events[:, PITCH] != 64)  # but for the first note of the other hand
    assert is_known[above].all()
    assert (events[above, GUESS["pitch"]][:, of_pair] == events[above, PITCH]).all()


@given(rows_of)
@settings(max_examples=60, deadline=None)
def test_the_figure_of_the_bar_before_is_that_of_a_plain_search(rows: list[tuple[int, int, int, int]]) -> None:
    notes = piece_of(rows)
    [events] = encode([notes])
    at = GUESS_NAMES["pitch"].index(FIGURE)
    held, onsets = classes(notes)
    pitches, bar = held[:, PITCH].tolist(), 48
    counterparts: list[int | None] = [None]
    for note in range(1, len(pitches)):
        now, start = int(onsets[note]), int(onsets[note]) - int(held[note, PLACE])
        before = counterparts[-1] if onsets[note] == onsets[note - 1] else None
        there = [pitches[n] for n in range(note) if onsets[n] == now - bar and pitches[n] > (before or -1)]
        known = [
            (abs(counterpart - there[0]) + (20 if onsets[n] < start else 0), note - n, pitches[n] - counterpart)
            for n, counterpart in enumerate(counterparts)
            if there and counterpart is not None and note - n <= 24
        ]
        is_known = events[note, CONFIDENCE["pitch"]][at] > 0
        assert is_known == bool(known)
        if known:
            assert events[note, GUESS["pitch"]][at] == there[0] + min(known)[2]
        counterparts.append(there[0] if there and abs(there[0] - pitches[note]) <= 12 else None)


def test_streams_that_are_guessed_again_alone_go_on_as_if_they_had_been_guessed_once() -> None:
    """As in sampling, where a note is refused and drawn again."""
    pieces = [looping(2, seed) for seed in range(4)]
    encoded, read = encode(pieces), [classes(piece) for piece in pieces]
    together = Repeats(len(pieces), 80)
    for at in range(60):
        rows, onsets = np.stack([rows[at] for rows, _ in read]), np.array([onsets[at] for _, onsets in read])
        if at:
            seen, again = np.zeros((4, COLUMNS), np.int16), np.arange(at % 4, 4, 2)
            first, began = rows.copy(), onsets.copy()
            first[again, PITCH], first[again, TIME], began[again] = 1, 0, onsets[again] - 6
            predict_repeats(together, first, began, seen)
            few = together.only(again)
            refused = seen[again]
            predict_pitch(few, rows[again, TIME], onsets[again], rows[again, PLACE], refused)
            predict_duration(few, rows[again, PITCH], refused)
            predict_velocity(few, rows[again, DURATION], refused)
            together.set_guesses(again, few)
            seen[again] = refused
            for row, piece in zip(seen, encoded, strict=True):
                assert (row[KNOWN:] == piece[at, KNOWN:]).all()
        together.add(rows, onsets)


def test_what_is_long_past_is_forgotten_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    [remembered] = encode([looping(12)])
    monkeypatch.setattr(past, "HISTORY", 100)
    [events] = encode([looping(12)])
    for name in FIELDS:
        assert (events[60:, GUESS[name]][:, 0] == remembered[60:, GUESS[name]][:, 0]).all()
    assert events.shape == remembered.shape
    assert set(GUESSES) == set(FIELDS)
