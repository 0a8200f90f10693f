"""Plans: what they say of a piece, their text, and what streams that follow them know."""

import itertools
from contextlib import nullcontext
from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from dataset.notes.form import MAX_BARS
from dataset.notes.hand_form import IDENTICAL, NEAR, TRANSPOSED
from dataset.notes.model import Notes
from tests.dataset.test_form import A1, A2, A2_VARIED, B1, B2, Bar, piece
from tests.training.songs import song
from tests.training.test_sampler import GAIN, VOCABULARY, saying, weights
from training.events import past
from training.events.character import VALUES
from training.events.ears import HAND_COLUMNS
from training.events.encoding import CONFIDENCE, GUESS, HEARD, LINE, PLANNED, encode
from training.events.encoding import VALUES as VALUE_COLUMNS
from training.events.fields import DURATION, EDGES, FIELDS, PITCH, TIME, VELOCITY
from training.events.plan_columns import COLUMNS, EQUAL, HANDS, INPUTS, NEW, NO_SHIFT
from training.events.plan_columns import FORM as SOURCES
from training.events.plans import Plan
from training.events.repeat_models import GUESSES, PLAN_GUESSES
from training.events.vocabulary import Start, Vocabulary
from training.network.inference import NoteNetwork
from training.sampling.config import SamplingConfig
from training.sampling.prompts import make_prompts
from training.sampling.sample_record import GUESS_NAMES
from training.sampling.sampler import compose

FORM = piece(A1, A2, A1, A2, B1, B2, A1, A2_VARIED)
PLAN, LINES = Plan.of(FORM)


def columns(plan: Plan) -> dict[str, list[int]]:
    return {field.name: getattr(plan, field.name).tolist() for field in fields(plan)}


def test_a_plan_says_the_form_density_and_range_of_each_bar() -> None:
    assert LINES.tolist() == [*range(0, 9 * 96, 96)]
    said = columns(PLAN)
    assert said["lag"] == [0, 0, 2, 2, 0, 0, 4, 4]
    assert said["level"] == [1, 1, 5, 5, 1, 1, 5, 3]
    assert said["rhythm_lag"] == [0, 0, 2, 2, 2, 1, 2, 4]
    assert said["rhythm_level"] == [1, 1, 5, 5, 5, 2, 5, 5]
    assert said["onsets"] == [4, 4, 4, 4, 4, 2, 4, 4]
    assert said["density"] == [2] * 8
    assert said["top"] == [73, 72, 73, 72, 57, 45, 73, 75]
    assert said["bottom"] == [61, 63, 61, 63, 51, 44, 61, 63]


def test_a_bar_without_notes_has_no_range_and_chords_are_dense() -> None:
    said = columns(Plan.of(Notes.of([0, 0, 0, 48, 200], [12] * 5, [60, 64, 67, 62, 70], [80] * 5, (), ()))[0])
    assert said["onsets"] == [2, 0, 1]
    assert said["density"] == [4, 0, 2]
    assert said["top"] == [68, 0, 71]
    assert said["bottom"] == [61, 0, 71]


def test_a_plan_comes_back_from_its_text() -> None:
    for plan in (PLAN, Plan.of(song(1, bars=40))[0]):
        back = Plan.from_text(plan.to_text())
        assert columns(back) == columns(plan)
        assert {getattr(back, field.name).dtype for field in fields(back)} == {np.dtype(np.int16)}


COLUMNS_OF_TEXT = len(PLAN.to_text().split(" ")[0].split(","))


def with_plan(text: str) -> str:
    """Return the text of a vocabulary.json whose openings have this plan."""
    openings = tuple(replace(opening, plan=text) for opening in VOCABULARY.openings)
    return replace(VOCABULARY, openings=openings).to_json()


@pytest.mark.parametrize("column", range(COLUMNS_OF_TEXT))
@pytest.mark.parametrize("far", [2**15, 10**30])
def test_a_plan_with_a_number_out_of_range_is_one_error_that_names_the_file(column: int, far: int) -> None:
    bars = [bar.split(",") for bar in PLAN.to_text().split(" ")]
    bars[1][column] = str(far)
    vocabulary = Vocabulary.from_json(with_plan(" ".join(map(",".join, bars))), "vocabulary.json")
    network = NoteNetwork(weights())
    with pytest.raises(
        TrainingError, match=r"^vocabulary\.json: the plan of .* (out of range|too large.*); .* train it again$"
    ):
        compose(network, vocabulary, SamplingConfig(notes=5))


def test_the_largest_number_of_each_column_is_read_and_the_next_one_is_not() -> None:
    largest = {name: size - 1 for name, (_, size) in COLUMNS.items()}
    numbers = ("onsets", "notes", "left_notes", "right_notes", "times", "durations")
    largest |= dict.fromkeys(numbers, 2**15 - 1) | dict.fromkeys(("lag", "rhythm_lag", "left_lag", "right_lag"), 1)
    largest |= {"rhythm_level": 5, "left_shift": 48, "right_shift": 48}
    names = [f.name for f in fields(Plan) if f.name not in ("times", "durations")]
    for column, name in enumerate([*names, *["times"] * 8, *["durations"] * 16]):
        for more in (0, 1):
            bars = [bar.split(",") for bar in PLAN.to_text().split(" ")]
            bars[1][column] = str(largest[name] + more)
            with nullcontext() if not more else pytest.raises(ValueError, match=f"^{name} out of range$"):
                Plan.from_text(" ".join(map(",".join, bars)))


@pytest.mark.parametrize("text", ["", "1", "0,1,4,2,73,61,0", "x" * 9, " " + PLAN.to_text(), "-" + PLAN.to_text()])
def test_a_text_that_is_no_plan_is_one_error_that_names_the_file(text: str) -> None:
    with pytest.raises(TrainingError, match=r"^run/vocabulary\.json: .*; not the vocabulary of a run; train it again$"):
        Vocabulary.from_json(with_plan(text), "run/vocabulary.json")


def test_a_longer_plan_repeats_the_piece_and_ends_as_it_does() -> None:
    longer = columns(PLAN.of_length(16))
    for name, said in columns(PLAN).items():
        assert longer[name][:8] == said
    assert longer["lag"][8:] == longer["rhythm_lag"][8:] == [8] * 8
    assert longer["level"][8:] == [4] * 8
    assert longer["rhythm_level"][8:] == [5] * 8
    assert longer["top"][8:] == PLAN.top.tolist()


def test_a_shorter_plan_keeps_the_ending_and_the_sources_of_sources_that_are_cut_away() -> None:
    assert columns(PLAN.of_length(8)) == columns(PLAN)
    shorter = columns(PLAN.of_length(6))  # A1 A2, and the last three bars are B2 A1 A2 varied
    assert shorter["top"] == PLAN.top[[0, 1, 2, 5, 6, 7]].tolist()
    assert shorter["lag"] == [0, 0, 2, 0, 2, 4]  # the last bar's source, the second A2, is cut away: the first A2
    assert shorter["level"] == [1, 1, 5, 1, 5, 3]
    assert len(PLAN.of_length(1)) == 1


def test_every_length_has_sources_before_each_bar() -> None:
    plan = Plan.of(song(1, bars=40))[0]
    for bars in range(1, 100):
        new = plan.of_length(bars)
        assert len(new) == bars
        for lag, level, *_ in SOURCES:
            assert (getattr(new, lag) <= np.arange(bars)).all()
            assert ((getattr(new, lag) == 0) == (getattr(new, level) == 1)).all()
        for hand in HANDS:
            lag, move, shift = (getattr(new, f"{hand}_{name}") for name in ("lag", "move", "shift"))
            assert ((lag == 0) == (move == 0)).all()
            assert (shift[move < NEAR] == NO_SHIFT).all()


def occurring(sets: list[int]) -> set[int]:
    """Return the ticks of the first of two sets of note values."""
    values = {15 * column + bit for column, bits in enumerate(sets[:4]) for bit in range(15) if bits >> bit & 1}
    return set(EDGES[np.isin(VALUES, [*values])].tolist())


def test_the_character_of_a_bar() -> None:
    held = [(0, 48, 96), (0, 72, 12), (24, 72, 24), (48, 74, 24), (72, 79, 24)]  # a bass note under a line
    rows = [(bar * 96 + onset, pitch, ticks) for bar in range(3) for onset, pitch, ticks in held]
    onset, pitch, duration = (list(column) for column in zip(*rows, strict=True))
    said = columns(Plan.of(Notes.of(onset, duration, pitch, [80] * 15, (), ()))[0])
    assert said["voices"] == [1 + 2] * 3
    assert said["chroma"] == [1 << 0 | 1 << 2 | 1 << 7] * 3
    assert said["right_sustain"] == [4] * 3  # most notes last until the next
    assert said["left_sustain"] == [4, 4, 0]  # the last one has none after it
    assert said["right_length"] == [7] * 3  # a mean of 21 ticks
    assert said["left_length"] == [9] * 3
    assert said["loudness"] == [1 + 80 // 8] * 3
    assert said["accents"] == [1] * 3  # all alike
    assert [occurring(row) for row in said["times"]] == [{24}] * 3
    assert [occurring(row[:8]) for row in said["durations"]] == [{12, 24}] * 3
    assert [occurring(row[8:]) for row in said["durations"]] == [{96}] * 3
    assert said["repeats"] == [5] * 3  # three of eleven moves
    assert said["steps"] == [3] * 3  # three of eleven
    assert Plan.of(Notes.of([0, 2, 4], [2] * 3, [60, 61, 62], [80] * 3, (), ()))[0].repeats.tolist() == [0]


def test_voices_are_counted_at_every_onset() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        onset = np.sort(rng.integers(0, 400, 60))
        duration, pitch = rng.integers(1, 150, 60), rng.integers(30, 90, 60)
        plan, lines = Plan.of(Notes.of(onset, duration, pitch, [80] * 60, (), ()))
        for bar, (begin, end) in enumerate(itertools.pairwise(lines.tolist())):
            ticks = [tick for tick in onset.tolist() if begin <= tick < end]
            most = max((int(((onset <= t) & (onset + duration > t)).sum()) for t in ticks), default=-1)
            assert plan.voices[bar] == min(most + 1, 13)


def test_a_piece_of_very_many_bars_has_a_plan_of_its_first_ones() -> None:
    far = Notes.of([0, 24, 13_000_000], [12] * 3, [60, 64, 67], [80] * 3, (), ((0, 1, 32),))
    plan, lines = Plan.of(far)
    assert len(plan) == len(lines) - 1 == MAX_BARS


def inputs(events: np.ndarray, name: str) -> list[int]:
    return list(map(int, events[:, PLANNED][:, [*INPUTS].index(name)]))


def test_a_note_knows_the_bars_of_the_last_onset_the_one_after_it_and_its_own() -> None:
    [events] = encode([FORM], planned=True)
    bar = np.repeat(np.arange(8), [4, 4, 4, 4, 4, 2, 4, 4])
    last, following = bar[:-1], np.minimum(bar[:-1] + 1, 7)
    assert inputs(events[1:], "own_level") == PLAN.level[bar[1:]].tolist()
    assert inputs(events[1:], "owntop_range") == PLAN.top[bar[1:]].tolist()
    assert inputs(events[1:], "bar_level") == PLAN.level[last].tolist()
    assert inputs(events[1:-4], "comingbottom_range") == PLAN.bottom[following][:-4].tolist()
    assert inputs(events[1:-4], "coming_level") == PLAN.level[following][:-4].tolist()
    assert inputs(events[-3:], "coming_level") == [0] * 3  # after the last bar
    assert inputs(events[1:9], "bar_onsets") == [4, 3, 2, 1, 4, 3, 2, 1]  # 1 + those to come
    assert not events[0, PLANNED].any()


LEFT: Bar = [(0, 40), (24, 47), (48, 52), (72, 47)]
RIGHT: Bar = [(0, 72), (12, 76), (48, 74)]


def moved(bar: Bar, semitones: int) -> Bar:
    return [(place, pitch + semitones) for place, pitch in bar]


def both(left: Bar, right: Bar) -> Bar:
    return sorted([*left, *right])


HANDS_APART = piece(
    both(LEFT, RIGHT),
    both(moved(LEFT, -4), [(12, 79), (60, 81)]),
    both(moved(LEFT, 3), moved(RIGHT, 1)),
    both([], RIGHT),
)


def test_a_plan_says_what_each_hand_repeats_and_where_the_hands_part() -> None:
    said = columns(Plan.of(HANDS_APART)[0])
    assert said["left_lag"] == [0, 1, 1, 0]
    assert said["left_level"] == [NEW, 5, 5, NEW]
    assert said["left_move"] == [0, TRANSPOSED, TRANSPOSED, 0]
    assert [shift - NO_SHIFT for shift in said["left_shift"]] == [0, -4, 7, 0]
    assert said["right_lag"] == [0, 0, 2, 3]
    assert said["right_move"] == [0, 0, TRANSPOSED, IDENTICAL]
    assert said["left_top"] == [53, 49, 56, 0]
    assert said["right_bottom"] == [73, 80, 74, 73]
    assert said["left_notes"] == [4, 4, 4, 0]
    assert said["right_notes"] == [3, 2, 3, 3]


def test_the_notes_of_each_hand_are_crossed_off_as_they_are_played() -> None:
    [events] = encode([HANDS_APART], planned=True)
    of_left = np.flatnonzero(events[:8, PITCH] < 60)
    left, right = inputs(events, "barleft_notes_notes"), inputs(events, "barright_notes_notes")
    before = np.arange(1, 8)[:6]  # notes of the first bar after the first one
    played = [int((of_left < note).sum()) for note in before]
    assert [left[note] for note in before] == [1 + 4 - number for number in played]
    assert [right[note] for note in before] == [
        1 + 3 - (note - number) for note, number in zip(before, played, strict=True)
    ]


def test_each_hand_guesses_its_next_note_whatever_the_other_one_plays() -> None:
    [events] = encode([HANDS_APART], planned=True)
    of_left = events[:, PITCH] < 60
    repeats = range(7, int(np.flatnonzero(of_left)[-1]) + 1)  # after the first bar, the left hand repeats its rhythm
    where = {
        name: next(at for at, text in enumerate(GUESS_NAMES[name]) if "left hand" in text) for name in ("time", "pitch")
    }
    onsets = np.cumsum(EDGES[events[:, TIME]])
    for note in repeats:
        following = note + int(of_left[note:].argmax())  # of the left hand
        guessed = events[note, GUESS["time"]][where["time"]]
        assert EDGES[guessed] == onsets[following] - onsets[note - 1]
        if following == note:
            assert events[note, GUESS["pitch"]][where["pitch"]] == events[note, PITCH]


def test_each_hand_follows_its_own_notes_also_when_old_notes_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    bars = [
        both(*(moved(bar, int(rng.integers(0, 12))) if rng.random() < 0.7 else [] for bar in (LEFT, RIGHT)))
        for _ in range(150)
    ]
    notes = piece(*bars)
    plan, lines = Plan.of(notes)
    where = {hand: GUESS_NAMES["time"].index(f"the bar whose rhythm the {hand} hand repeats") for hand in HANDS}
    followed = 0
    for history in (20, 27, 33):
        monkeypatch.setattr(past, "HISTORY", history)
        [events] = encode([notes], planned=True)
        for hand, of_hand in (("left", notes.pitch < 66), ("right", notes.pitch >= 66)):
            known = np.flatnonzero(events[:, CONFIDENCE["time"]][:, where[hand]])
            guessed = notes.onset[known - 1] + EDGES[events[known, GUESS["time"]][:, where[hand]]]
            bar = np.searchsorted(lines, guessed, side="right") - 1
            source = guessed - (lines[bar] - lines[bar - getattr(plan, f"{hand}_lag")[bar]])
            assert set(source.tolist()) <= set(notes.onset[of_hand].tolist())
            followed += len(source)
    assert followed > 500


def test_a_bar_that_comes_again_moves_as_by_both_where_its_source_is_left_out() -> None:
    plan = Plan.of(HANDS_APART)[0]
    shorter = columns(plan.in_order(np.array([0, 2, 3, 0])))
    assert shorter["left_lag"] == [0, 1, 0, 3]
    assert shorter["left_move"] == [0, TRANSPOSED, 0, NEAR]  # what comes again may vary slightly
    assert [shift - NO_SHIFT for shift in shorter["left_shift"]] == [0, 3, 0, 0]
    assert shorter["right_move"] == [0, TRANSPOSED, IDENTICAL, NEAR]


def test_bars_that_go_back_to_a_bar_left_out_follow_the_first_of_them() -> None:
    rest = columns(Plan.of(HANDS_APART)[0].from_bar(1))
    assert rest["right_lag"] == [0, 0, 1]  # the first bar moved by 1, then as it was
    assert rest["right_level"] == [NEW, NEW, EQUAL]
    assert rest["right_move"] == [0, 0, TRANSPOSED]
    assert [shift - NO_SHIFT for shift in rest["right_shift"]] == [0, 0, -1]
    assert rest["left_lag"] == [0, 1, 0]
    assert [shift - NO_SHIFT for shift in rest["left_shift"]] == [0, 7, 0]


def test_a_song_keeps_its_form_from_any_bar_on() -> None:
    """Of the bars that go back to the same bar, all but the first are repeated."""
    plan = Plan.of(song(1, bars=24))[0]
    root = np.arange(len(plan))
    for bar in np.flatnonzero(plan.lag).tolist():
        root[bar] = root[bar - plan.lag[bar]]
    assert len(set(root.tolist())) < len(plan) / 2
    for begin in range(1, len(plan)):
        first = np.unique(root[begin:], return_index=True)[1]
        assert np.flatnonzero(plan.from_bar(begin).level == NEW).tolist() == sorted(first.tolist())


def test_without_a_plan_nothing_is_known_and_all_else_is_the_same() -> None:
    [with_plan], [without] = encode([FORM], planned=True), encode([FORM])
    assert with_plan[1:, PLANNED].any(axis=1).all()
    hands = [slice(part.stop - HAND_COLUMNS, part.stop) for part in (HEARD, LINE)]
    for columns in (PLANNED, *VALUE_COLUMNS.values(), *hands):
        assert with_plan[:, columns].any()
        with_plan[:, columns] = 0
    for name, count in PLAN_GUESSES.items():
        for part in (GUESS[name], CONFIDENCE[name]):
            planned = slice(part.stop - count, part.stop)
            assert with_plan[:, planned].any()
            with_plan[:, planned] = 0
    assert (with_plan == without).all()


def test_the_guesses_of_a_plan_are_what_stands_in_the_bar_that_is_repeated() -> None:
    [events] = encode([FORM], planned=True)
    again = events[8:16]  # the second A
    columns = {"time": TIME, "pitch": PITCH, "duration": DURATION, "velocity": VELOCITY}
    where = {name: (column, -PLAN_GUESSES[name]) for name, column in columns.items()}
    for name in FIELDS:
        column, of_plan = where[name]
        assert (again[:, CONFIDENCE[name]][:, of_plan] > 0).all(), name
        assert (again[:, GUESS[name]][:, of_plan] == again[:, column]).all(), name
    rhythm = events[16:20]  # B, which has the rhythm of A alone
    assert (rhythm[:, GUESS["time"]][:, 1 - PLAN_GUESSES["time"]] == rhythm[:, TIME]).all()
    assert not rhythm[:, CONFIDENCE["pitch"]][:, -PLAN_GUESSES["pitch"]].any()


@pytest.mark.parametrize(
    "first, meters, meter, place",
    [
        (60, ((0, 3, 4),), (3, 4), 60),
        (60, ((0, 1, 4), (24, 4, 4)), (4, 4), 36),  # after an upbeat
        (60, ((0, 3, 4), (72, 2, 4)), (2, 4), 47),  # its place is beyond that bar
        (60, ((0, 4, 4), (384, 3, 4), (480, 4, 4), (672, 3, 4)), (4, 4), 60),  # no stretch of 3/4 is as long
    ],
)
def test_a_new_piece_has_the_meter_of_most_of_its_training_piece(
    first: int, meters: tuple[tuple[int, int, int], ...], meter: tuple[int, int], place: int
) -> None:
    onset = np.arange(first, 860, 12)
    notes = Notes.of(onset, np.full(len(onset), 12), np.full(len(onset), 60), np.full(len(onset), 80), (), meters)
    [opening] = Vocabulary.of([SimpleNamespace(notes=notes, series="temple", game="wood")]).openings
    assert ((opening.numerator, opening.denominator), opening.place) == (meter, place)


def test_a_new_piece_may_start_at_later_bars_of_its_training_piece() -> None:
    onset = np.concatenate([np.arange(0, 768, 24), np.arange(1548, 2304, 24)])  # bars 8–15 are empty
    notes = Notes.of(
        onset,
        np.full(len(onset), 12),
        np.arange(len(onset)) % 40 + 40,
        np.full(len(onset), 80),
        (),
        ((0, 4, 4), (2208, 3, 4)),
    )
    [opening] = Vocabulary.of([SimpleNamespace(notes=notes, series="temple", game="wood")]).openings
    [start] = opening.later  # bar 8 has no note, bar 24 does not exist
    assert (start.bar, start.place, start.pitch, start.notes) == (16, 12, 72, len(onset) - 32)
    plan = Plan.from_text(opening.plan)
    rest = plan.from_bar(16)
    assert len(rest) == len(plan) - 16
    assert rest.top.tolist() == plan.top[16:].tolist()
    assert (rest.lag <= np.arange(len(rest))).all()
    assert rest.level[0] == NEW


def test_each_piece_begins_one_stream_before_any_begins_two_and_then_at_another_bar() -> None:
    long = PLAN.of_length(32)
    later = tuple(Start(bar, 0, 50 + bar, 12, 8, 400) for bar in (8, 16, 24))
    openings = tuple(
        replace(VOCABULARY.openings[0], pitch=40 + n, plan=long.to_text(), notes=400, later=later) for n in range(5)
    )
    short = replace(openings[0], pitch=99, notes=100)  # less than 0.6 of what is asked

    def firsts(count: int, seed: int) -> list[int]:
        generators = [np.random.default_rng([seed, number]) for number in range(count)]
        made = make_prompts(VOCABULARY, (*openings, short), None, generators, 400, seed)
        return [int(prompt.rows[0, PITCH]) for prompt in made]

    twelve = firsts(12, 3)
    assert sorted(twelve[:5]) == [40, 41, 42, 43, 44]
    assert set(twelve[5:]) <= {58, 66, 74}
    assert len(set(twelve[5:])) > 1
    assert firsts(7, 3) == twelve[:7]
    assert firsts(5, 4) != twelve[:5]


def test_a_new_piece_repeats_bars_where_the_plan_of_its_training_piece_does() -> None:
    """The network believes what the plan says, and else draws at random."""
    first = {name: GAIN[name] + count - PLAN_GUESSES[name] for name, count in GUESSES.items()}
    scores = {name: {guess: 60.0} for name, guess in first.items()}
    network = saying(**{**scores, "time": {**scores["time"], 6: 30.0, 12: 30.0, 18: 30.0}})
    opening = replace(VOCABULARY.openings[0], plan=PLAN.of_length(4).to_text(), place=0)
    [notes] = compose(network, replace(VOCABULARY, openings=(opening,)), SamplingConfig(bars=4, seed=3))
    bars: list[list[tuple[int, int, int]]] = [[] for _ in range(4)]
    for onset, pitch, velocity in zip(notes.onset.tolist(), notes.pitch.tolist(), notes.velocity.tolist(), strict=True):
        bars[onset // 96].append((onset % 96, pitch, velocity))
    assert bars[2] == bars[0] != bars[1]
    assert len(bars[1]) == 4  # as planned: the bar after it, which repeats one, then begins
    assert bars[3][:4] == bars[1]
