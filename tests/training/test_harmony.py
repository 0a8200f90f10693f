"""Plans with the harmony of another piece, and new pieces that follow them."""

from dataclasses import fields, replace

import numpy as np
import pytest

from dataset.notes.hand_form import NEAR, TRANSPOSED
from dataset.notes.model import Notes
from tests.training.songs import song
from tests.training.test_continuation import first_bars, table
from tests.training.test_sampler import VOCABULARY
from training.events import character
from training.events.fields import PITCH
from training.events.plan_columns import HANDS, NO_SHIFT
from training.events.plans import Plan
from training.planning.continuation import plans_after
from training.planning.endings import Key, ends_on, last_bars
from training.planning.harmony import (
    MOST_ALIKE,
    PHRASE,
    nearest_pitch,
    with_harmony,
    with_other_harmonies,
)
from training.sampling.config import OTHER, OWN, SamplingConfig
from training.sampling.prompts import make_prompts, make_starts

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MOVED = {
    *("chroma", "scale", "top", "bottom", "left_top", "right_bottom"),
    *(f"{hand}_{name}" for hand in HANDS for name in ("chroma", "move", "shift")),
}


def any_piece(number: int, bars: int = 24) -> Notes:
    """Two hands that strike random notes, with chromatic ones, silent bars and bars that come again, moved or not."""
    rng = np.random.default_rng(number)
    low, high = (0, 127) if number % 5 == 0 else (30, 96)
    made: list[tuple[int, int, int]] = []
    for bar in range(bars):
        source = int(rng.integers(max(bar, 1)))
        again = [note for note in made if note[0] // 96 == source]
        if again and rng.random() < 0.5:
            shift = int(rng.choice([0, 0, 1, 5, -7]))
            made += [(bar * 96 + tick % 96, int(np.clip(pitch + shift, low, high)), 12) for tick, pitch, _ in again]
        elif rng.random() < 0.9:
            count = int(rng.integers(1, 9))
            ticks, pitches = rng.integers(0, 16, count) * 6, rng.integers(low, high + 1, count)
            made += [(bar * 96 + int(tick), int(pitch), 12) for tick, pitch in zip(ticks, pitches, strict=True)]
    onset, pitch, duration = zip(*sorted({(tick, pitch, length) for tick, pitch, length in made}), strict=True)
    return Notes.of(onset, duration, pitch, [80] * len(onset))


def white(number: int, up: int) -> Notes:
    """Random notes on white keys, then moved up."""
    notes = any_piece(number)
    on_white = np.isin(notes.pitch % 12, MAJOR)
    pitch = np.where(on_white, notes.pitch, notes.pitch - 1).astype(int)
    return Notes.of(notes.onset, notes.duration, (pitch + up).clip(0, 127), notes.velocity)


PLANS = [Plan.of(notes)[0] for notes in (*map(song, range(4)), *map(any_piece, range(20)))]
PAIRS = [(one, other) for one in range(len(PLANS)) for other in range(len(PLANS)) if (one + other) % 3 == 1]


def classes(chroma: int) -> set[int]:
    return {pitch_class for pitch_class in range(12) if chroma >> pitch_class & 1}


def chords(*roots: int) -> Notes:
    """Major triads, one a bar, each at other places than those of the bars before, and their roots below."""
    notes = []
    for bar, root in enumerate(roots):
        tick = bar * 96 + bar * 12
        notes += [(tick, 36 + root), *((tick, 60 + root + step) for step in (0, 4, 7)), (tick + 6, 72 + root)]
    onset, pitch = zip(*sorted(set(notes)), strict=True)
    return Notes.of(onset, [12] * len(onset), pitch, [80] * len(onset))


def test_the_chords_are_those_of_the_other_piece_and_the_rhythm_stays() -> None:
    """The piece does not end on its tonic."""
    plan, other = (Plan.of(chords(*roots))[0] for roots in ([0] * 7 + [7], [0] * PHRASE + [5] * (PHRASE - 1) + [0]))
    assert not plan.lag.any()
    found = with_harmony(plan, other)
    assert [classes(chroma) for chroma in found.chroma] == [{0, 4, 7}] * PHRASE + [{5, 9, 0}] * (PHRASE - 1) + [
        {0, 4, 7}
    ]
    assert ((found.bottom - 1) % 12).tolist() == [0] * PHRASE + [5] * (PHRASE - 1) + [0]
    assert found.onsets.tolist() == plan.onsets.tolist()


@pytest.mark.parametrize("one, other", PAIRS)
def test_only_pitches_change_and_what_is_said_of_them_agrees(one: int, other: int) -> None:
    plan = PLANS[one]
    found = with_harmony(plan, PLANS[other])
    for field in fields(Plan):
        if field.name not in MOVED:
            same = getattr(found, field.name) == getattr(plan, field.name)
            if field.name in ("lag", "level"):  # a last chord may be new
                same[last_bars(plan)[found.lag[last_bars(plan)] == 0]] = True
            assert same.all(), field.name
    assert table(Plan.from_text(found.to_text())) == table(found)
    assert (found.chroma == found.left_chroma | found.right_chroma).all()
    for hand in HANDS:
        before, after = (getattr(of, f"{hand}_chroma") for of in (plan, found))
        assert ((after > 0) == (before > 0)).all()
        assert (np.bitwise_count(after) <= np.bitwise_count(before)).all()
        move, lag = getattr(found, f"{hand}_move"), getattr(found, f"{hand}_lag")
        step = getattr(found, f"{hand}_shift").astype(int) - NO_SHIFT
        assert (move <= np.maximum(getattr(plan, f"{hand}_move"), TRANSPOSED + (step == 0))).all()
        assert not step[move < NEAR].any()
        for bar in np.flatnonzero(move >= TRANSPOSED):
            assert after[bar] == character.transposed_sets(int(after[bar - lag[bar]]), int(step[bar]))
    for name, hands in (("top", ("right", "left")), ("bottom", ("left", "right"))):
        near, far = (getattr(found, f"{hand}_chroma").astype(int) for hand in hands)
        ends = getattr(found, name).astype(int)
        assert ((ends > 0) == (plan.chroma > 0)).all()
        inside = np.where(near > 0, near, far) >> (ends - 1) % 12 & 1
        assert (inside | (ends == 0) | (ends == 1) | (ends == 128)).all()


@pytest.mark.parametrize("number", [1, 2, 3, 6, 7, 8, 11, 12])
def test_pitches_of_the_scale_go_into_the_scale_of_the_other_piece(number: int) -> None:
    """Both have the white keys alone; then the other one is a semitone higher."""
    plans = [Plan.of(white(number + one, up=one))[0] for one in (0, 1)]
    plan, other = (replace(plan, scale=np.where(plan.scale > 0, 1 + one, 0)) for one, plan in enumerate(plans))
    assert set().union(*map(classes, plan.chroma.tolist())) == set(MAJOR)
    found = set().union(*map(classes, with_harmony(plan, other).chroma.tolist()))
    assert found <= {(step + 1) % 12 for step in MAJOR}
    assert len(found) > 4


@pytest.mark.parametrize("one, other", PAIRS)
def test_the_scales_are_those_of_a_piece_with_these_pitch_classes(one: int, other: int) -> None:
    plan = PLANS[one]
    found = with_harmony(plan, PLANS[other])
    if all(getattr(found, name).tolist() == getattr(plan, name).tolist() for name in ("left_chroma", "right_chroma")):
        assert found.scale.tolist() == plan.scale.tolist()
        return
    held = [(bar, hand, step) for bar in range(len(found)) for hand in (0, 1) for step in range(12)]
    sets = found.left_chroma.tolist(), found.right_chroma.tolist()
    onset, pitch = zip(*((96 * b + h, 36 + 36 * h + s) for b, h, s in held if sets[h][b] >> s & 1), strict=True)
    with_notes = np.array(sets[0]) | np.array(sets[1]) > 0
    piece = Plan.of(Notes.of(onset, [1] * len(onset), pitch, [80] * len(onset)))[0]
    bars = np.flatnonzero(with_notes[: len(piece)])
    assert len(bars) > 8
    assert found.scale[bars].tolist() == piece.scale[bars].tolist()


def at_home(number: int) -> Notes:
    """A random piece whose last bar has the triad on the tonic, major or minor, of its key."""
    notes = any_piece(number)
    tonic = Key.of(Plan.of(notes)[0]).tonic
    third = 4 if Key.of(Plan.of(notes)[0]).scale == 1 + tonic else 3
    triad = [36 + tonic, 60 + tonic, 60 + tonic + third, 60 + tonic + 7]
    onset = np.append(notes.onset, [(int(notes.onset[-1]) // 96 + 1) * 96] * 4)
    columns = zip((notes.duration, notes.pitch, notes.velocity), ([24] * 4, triad, [80] * 4), strict=True)
    return Notes.of(onset, *(np.append(column, added) for column, added in columns))


def test_a_piece_that_ends_on_its_tonic_does_so_in_another_harmony() -> None:
    """Of random pieces, a few are in no key that stands out, so that another last chord changes it."""
    home = 0
    for number in range(40):
        plan = Plan.of(at_home(number))[0]
        assert ends_on(plan, Key.of(plan).tonic)
        for step in range(3):
            found = with_harmony(plan, PLANS[(number + step) % len(PLANS)])
            last, tonic = int(last_bars(found)[-1]), Key.of(found).tonic
            home += ends_on(found, tonic) and bool(found.chroma[last] & 1 << (tonic + 7) % 12)
            assert np.bitwise_count(found.chroma[last]) <= 3
            assert found.chroma[last - found.lag[last]] == found.chroma[last]
    assert home >= 0.95 * 120


def test_the_last_chord_is_at_most_two_bars_that_are_alike() -> None:
    for roots, bars in (([0, 5, 7, 0], [3]), ([0, 5, 0, 0], [2, 3]), ([0, 0, 0, 0], [2, 3]), ([7], [0])):
        plan = Plan.of(chords(*roots))[0]
        assert last_bars(plan).tolist() == bars
        assert ends_on(plan, roots[-1])
        assert not ends_on(plan, 1)
    moved = replace(plan, bottom=plan.bottom + np.array([1], np.int16))
    assert ends_on(moved, 8)


@pytest.mark.parametrize("up", range(12))
def test_the_key_of_a_plan_is_that_of_its_pitch_classes_in_any_transposition(up: int) -> None:
    for roots, minor, tonic in (([0, 5, 7, 0], False, 0), ([9, 2, 4, 9], True, 9)):
        notes = chords(*roots)
        if minor:
            pitch = np.where((notes.pitch - np.repeat(roots, len(notes) // 4)) % 12 == 4, notes.pitch - 1, notes.pitch)
            notes = replace(notes, pitch=pitch.astype(np.uint8))
        notes = replace(notes, pitch=(notes.pitch.astype(int) + up).astype(np.uint8))
        assert Key.of(Plan.of(notes)[0]) == ((tonic + up) % 12, 1 + up)


def test_a_bar_that_repeats_another_has_the_same_pitch_classes() -> None:
    repeated = 0
    for number, plan in enumerate(PLANS):
        found = with_harmony(plan, PLANS[number - 1])
        source = np.arange(len(plan)) - plan.lag
        same = plan.lag > 0
        for name in ("scale", "left_chroma", "right_chroma"):
            same &= getattr(plan, name) == getattr(plan, name)[source]
        assert (found.chroma == found.chroma[source])[same].all()
        repeated += int(same.sum())
    assert repeated > 30


@pytest.mark.parametrize("number", range(len(PLANS)))
def test_a_piece_without_repetition_keeps_its_own_harmony(number: int) -> None:
    plan = replace(PLANS[number], lag=np.zeros(len(PLANS[number]), np.int16))
    plan = plan.in_order(np.flatnonzero(plan.chroma > 0))
    assert table(with_harmony(plan, plan)) == table(plan)


def test_without_notes_in_one_of_them_the_plan_stays() -> None:
    silent = replace(PLANS[0], chroma=np.zeros(len(PLANS[0]), np.int16))
    assert with_harmony(PLANS[1], silent) is PLANS[1]
    assert with_harmony(silent, PLANS[1]) is silent


def test_a_harmony_that_is_too_like_its_own_gives_way_to_another() -> None:
    plan, far = (Plan.of(chords(*roots))[0] for roots in ((0, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 6, 6, 6, 6)))
    near = Plan.of(chords(5, 5, 5, 5, 5, 5, 5, 5))[0]
    wanted = table(with_harmony(plan, far))
    assert [table(made) for made in with_other_harmonies(plan, [near, near, far, near], {}, 2)] == [wanted] * 2
    assert table(with_other_harmonies(plan, [near, near], {}, 1)[0]) == table(with_harmony(plan, near))
    assert with_other_harmonies(plan, [], {}, 1)[0] is plan
    alike = np.bitwise_count(plan.chroma & np.array(wanted["chroma"])) / 3
    assert alike.mean() < MOST_ALIKE


@pytest.mark.parametrize("pitch, chroma, wanted", [(60, 1 << 0, 60), (61, 1 << 0, 60), (0, 1 << 11, 11), (127, 1, 120)])
def test_a_pitch_goes_to_the_nearest_of_a_set(pitch: int, chroma: int, wanted: int) -> None:
    assert nearest_pitch(pitch, chroma) == wanted


def starts_of(
    harmony: str, count: int = 6, pieces: int = 5, per_plan: int = 1, numbers: range | None = None
) -> list[Plan]:
    openings = tuple(replace(VOCABULARY.openings[0], plan=PLANS[n].to_text(), notes=400) for n in range(4, 4 + pieces))
    generators = {number: np.random.default_rng([1, number]) for number in numbers or range(count)}
    config = SamplingConfig(count=count, notes=50, harmony=harmony, per_plan=per_plan)
    plans = []
    for start in make_starts(replace(VOCABULARY, openings=openings), openings, config, None, generators):
        assert start.plan is not None
        assert harmony == OWN or pieces == 1 or int(start.rows[0, PITCH]) % 12 in classes(int(start.plan.chroma[0]))
        plans.append(start.plan)
    return plans


def test_new_pieces_have_the_harmony_of_another_piece_unless_their_own_is_asked_for() -> None:
    own, mixed = starts_of(OWN), starts_of(OTHER)
    texts = {plan.to_text() for plan in PLANS}
    assert all(plan.to_text() in texts for plan in own[:5])
    for one, other in zip(own[:5], mixed, strict=False):
        assert one.onsets.tolist() == other.onsets.tolist()
        assert one.chroma.tolist() != other.chroma.tolist()
    assert [plan.to_text() for plan in starts_of(OTHER, 3)] == [plan.to_text() for plan in mixed[:3]]


def test_tries_of_a_piece_have_its_form_and_harmonies_of_their_own() -> None:
    tries, others = starts_of(OTHER, 8, 5, 4), starts_of(OTHER, 2)
    for first in (0, 4):
        assert len({tuple(plan.onsets.tolist()) for plan in tries[first : first + 4]}) == 1
        assert len({tuple(plan.chroma.tolist()) for plan in tries[first : first + 4]}) > 1
    assert table(tries[0]) == table(others[0])
    assert [table(plan) for plan in starts_of(OTHER, 8, 5, 4, range(4, 8))] == [table(plan) for plan in tries[4:]]
    own = starts_of(OWN, 8, 5, 4)
    assert len({plan.to_text() for plan in own[:4]}) == len({plan.to_text() for plan in own[4:]}) == 1


def test_the_only_piece_of_its_meter_keeps_its_own_harmony() -> None:
    assert table(starts_of(OTHER, 1, 1)[0]) == table(PLANS[4])


def test_what_follows_a_prime_has_the_harmony_of_another_piece() -> None:
    prime = first_bars(any_piece(1), 4 * 96)
    plans = PLANS[4:7]
    own, mixed = ([each[0] for each in plans_after(prime, plans, range(3), [7], harmony)[0]] for harmony in (None, {}))
    for one, other in zip(own, mixed, strict=True):
        assert one.chroma[:4].tolist() == other.chroma[:4].tolist()
        assert one.durations.tolist() == other.durations.tolist()
    assert all(one.chroma.tolist() != other.chroma.tolist() for one, other in zip(own, mixed, strict=True))
    alone = plans_after(prime, plans[:1], [0], [7], {})[0]
    assert table(alone[0][0]) == table(plans_after(prime, plans[:1], [0], [7])[0][0][0])
    far, tries = plans_after(prime, PLANS[4:10], [8, 2], [7], {}, 4)[0]
    assert [table(plan) for plan in far] == [table(plan) for plan in tries]
    assert len({tuple(plan.onsets.tolist()) for plan in tries}) == 1
    assert len({tuple(plan.chroma.tolist()) for plan in tries}) > 1
    tries = {0: [np.random.default_rng(0)]}
    made = make_prompts(VOCABULARY, VOCABULARY.openings, prime, tries, 50, 7, is_mixed=True)
    assert made[0].plan is not None
