"""Plans with the harmony of another piece, in the form and texture of this one. Pure NumPy.

In: the plans of two training pieces. Out: a plan with the rhythm, hands, density and form of the first, whose pitch classes
follow the second. A plan tells the pitch classes of each bar, so what is composed after the plan of one piece follows
its chords bar by bar; what is composed after two follows neither in all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.hand_form import CONTOUR, IDENTICAL, MAX_SHIFT, NEAR, TRANSPOSED
from training import two_sample
from training.events import character
from training.events.plan_columns import EQUAL, HANDS, NEW, NO_SHIFT
from training.events.plans import Plan
from training.planning.endings import Key, ends_on, last_bars
from training.planning.plan_measures import likeness, measure_harmony, unpacked
from training.two_sample import Scale

TRIED = 16
"""Pieces, at most, whose harmony is tried."""

MOST_PLANS = 512
"""Plans, at most, that are compared with plans of another harmony."""

MOST_ALIKE = 0.75
"""Mean likeness of the pitch classes of its bars to those of the piece, at most, for the harmony to be another one."""

PHRASE = 4
"""Bars that are transposed alike, and stay in one scale."""

_SETS = {"chroma": 1.0, "left_chroma": 0.5, "right_chroma": 0.5}  # what the likeness of each set counts
_BASS = 0.5  # what it counts that the lowest notes are of one pitch class
_SMOOTH = 0.05  # what each semitone costs by which a phrase is moved further than the one before
_CENTRED = 0.01  # what each semitone costs
_SCALES = np.array([character.CHROMAS - 1, *(character.MAJOR_SCALES @ (1 << np.arange(12)))])  # by class; 0: unknown
_STEPS = np.arange(-7, 8)  # semitones by which a phrase may be moved
_NEARBY = np.array(sorted(range(-11, 12), key=lambda step: (abs(step), step)))  # semitones, the nearest first
_LEAST_ALIKE = 0.5  # likeness of the sets of a hand from which its pitches move about as planned

Numbers = npt.NDArray[Any]


def with_other_harmonies(plan: Plan, others: Iterable[Plan], scales: Mapping[str, Scale], count: int) -> list[Plan]:
    """Return `count` plans with harmonies of `others`, those that are likest to people's plans first.

    Of the first TRIED of `others`, those are taken with which the bars of the plan are at most MOST_ALIKE, or else the one
    with which they are the least alike. `scales` are those of `harmony_scales`; without any, the order is that of `others`.
    Where there are fewer, they are repeated; the plan stays as it is where there are none.
    """
    fitting: list[Plan] = []
    spare, least = plan, np.inf
    for other in islice(others, TRIED):
        made = with_harmony(plan, other)
        alike = _bars_alike(plan, made)
        if alike <= MOST_ALIKE:
            fitting.append(made)
        elif alike < least:
            spare, least = made, alike
        if not scales and len(fitting) == count:
            break
    if scales and fitting:
        odds = two_sample.log_odds(scales, two_sample.normal_scores(scales, map(measure_harmony, fitting)))
        fitting = [fitting[at] for at in np.argsort(-odds, kind="stable")]
    fitting = fitting or [spare]
    return [fitting[number % len(fitting)] for number in range(count)]


def harmony_scales(plans: Sequence[Plan], bars: Sequence[int]) -> dict[str, Scale]:
    """Return what tells people's plans from those with another harmony, by measure; nothing for few plans.

    `bars` are the lengths of their bars in ticks. Each of MOST_PLANS plans, evenly spaced, is compared with what
    `with_other_harmonies` makes of it and of others whose bars are as long, in a random order.
    """
    rng = np.random.default_rng(0)
    people, mixed = [], []
    for at in range(0, len(plans), max(1, -(-len(plans) // MOST_PLANS))):
        others = [other for other in range(len(plans)) if other != at and bars[other] == bars[at]]
        known = measure_harmony(plans[at])
        if known and others:
            made = with_other_harmonies(plans[at], (plans[i] for i in rng.permutation(others).tolist()), {}, 1)
            people.append([known])
            mixed.append([measure_harmony(made[0])])
    return two_sample.fit(people, mixed)[1]


def with_harmony(plan: Plan, other: Plan) -> Plan:
    """Return a plan with the harmony of `other`; unchanged if one of them has no notes.

    A bar that is new goes with the next bar of `other` that has notes, from the first one when there are no more; a bar
    that follows an earlier one goes with the same bar as that. Each phrase of PHRASE bars is transposed to fit, by about as
    much as the one before. Then those of its pitch classes that are in its most frequent scale are moved into the most
    frequent one of the other bars. From that follow the scale of each bar and how hands move, and the lowest and highest
    pitches go to the nearest that fit. With its own harmony, a plan whose bars are all new stays as it is. If the piece ends on
    its tonic, so does the plan that is returned.
    """
    with_notes = np.flatnonzero(other.chroma > 0)
    if not len(with_notes) or not plan.chroma.any():
        return plan
    bars = with_notes[_in_turn(plan) % len(with_notes)]
    by = _transpositions(plan, other, bars)
    scales = _scales(plan, plan.scale), _scales(plan, other.scale[bars])
    made = _laid_out(plan, by, *scales, other.chroma[bars])
    key, home = Key.of(plan), Key.of(made)
    if not ends_on(plan, key.tonic) or ends_on(made, home.tonic):
        return made
    last, may_stay = last_bars(plan), other.chroma[bars]
    by[last] = (home.tonic - key.tonic + 6) % 12 - 6
    may_stay[last] = 0
    for scale, at_end in zip(scales, (key.scale, home.scale), strict=True):
        scale[last] = at_end
    return _laid_out(_without_sources(plan, last), by, *scales, may_stay)


def _laid_out(plan: Plan, by: Numbers, scale: Numbers, wanted: Numbers, other: Numbers) -> Plan:
    """Return a plan whose bars are moved by `by` semitones and from one class of scales into the `wanted` one.

    `other` are pitch classes that may stay, see `_moved_sets`.
    """
    fifths = (wanted - scale - by) * 7 % 12
    sets = {hand: _moved_sets(getattr(plan, f"{hand}_chroma"), by, (scale, wanted, fifths), other) for hand in HANDS}
    new: dict[str, Numbers] = {f"{hand}_chroma": held for hand, held in sets.items()}
    new |= {"chroma": sets["left"] | sets["right"], "scale": _scales_of(plan, sets)}
    for hand in HANDS:
        new |= _moves(plan, hand, sets[hand], by)
    new |= _ends(plan, sets, new, by)
    return replace(plan, **{name: np.asarray(column, np.int16) for name, column in new.items()})


def _without_sources(plan: Plan, bars: Numbers) -> Plan:
    """Return a plan in which these bars are new; their hands still take rhythms from earlier ones."""
    lag, level = plan.lag.copy(), plan.level.copy()
    lag[bars], level[bars] = 0, NEW
    return replace(plan, lag=lag, level=level)


def nearest_pitch(pitch: int, chroma: int) -> int:
    """Return the pitch of a set of pitch classes, not empty, that is nearest to `pitch`; the lower one of two."""
    return int(_nearest(np.array([pitch + 1]), np.array([chroma]))[0]) - 1


def _bars_alike(one: Plan, other: Plan) -> float:
    """Return the mean likeness of the pitch classes of bars, the highest of all transpositions; infinite without notes."""
    with_notes = one.chroma > 0
    if not with_notes.any():
        return np.inf
    return max(float(likeness(_transposed(one.chroma, step), other.chroma)[with_notes].mean()) for step in range(12))


def _in_turn(plan: Plan) -> Numbers:
    """Return the number of each bar among those with notes that are new; that of its source if it has one."""
    number, following = np.zeros(len(plan), np.int64), 0
    for bar, back in enumerate(plan.lag.tolist()):
        number[bar] = number[bar - back] if back else following
        following += not back and plan.chroma[bar] > 0
    return number


def _scales(plan: Plan, scale: Numbers) -> Numbers:
    """Return the scale of each bar: the most frequent one of the new bars of its phrase; that of its source if it has one."""
    found = scale.astype(np.int64)
    for at in range(0, len(plan), PHRASE):
        phrase = slice(at, at + PHRASE)
        is_new = plan.lag[phrase] == 0
        if is_new.any():
            found[phrase] = np.bincount(scale[phrase][is_new]).argmax()
    for bar, back in enumerate(plan.lag.tolist()):
        found[bar] = found[bar - back]
    return found


def _scales_of(plan: Plan, sets: Mapping[str, Numbers]) -> Numbers:
    """Return the scale of each bar whose hands have these pitch classes, found as in people's pieces; as planned if they do."""
    if all((held == getattr(plan, f"{hand}_chroma")).all() for hand, held in sets.items()):
        return plan.scale
    bar, column = np.nonzero(np.concatenate([unpacked(held) for held in sets.values()], axis=1))
    return np.where(plan.scale > 0, character.scales(bar, column % 12, len(plan)), 0)


def _transpositions(plan: Plan, other: Plan, bars: Numbers) -> Numbers:
    """Return by how many semitones each bar is moved to fit a bar of `other`, [bars].

    They are the same for the new bars of a phrase, and for a bar and its source.
    """
    bass = (other.bottom[bars].astype(np.int64) - plan.bottom) % 12
    fit = np.zeros((len(plan), len(_STEPS)))
    for name, weight in _SETS.items():
        moved = _transposed(getattr(plan, name)[:, None], _STEPS)
        fit += weight * likeness(moved, getattr(other, name)[bars][:, None])
    fit += _BASS * (bass[:, None] == _STEPS % 12)
    fit -= _CENTRED * np.abs(_STEPS)
    by, before = np.zeros(len(plan), np.int64), 0
    for at in range(0, len(plan), PHRASE):
        phrase = slice(at, at + PHRASE)
        is_new = plan.lag[phrase] == 0
        if is_new.any():
            before = _STEPS[(fit[phrase][is_new].mean(axis=0) - _SMOOTH * np.abs(_STEPS - before)).argmax()]
        by[phrase] = before
    for bar, back in enumerate(plan.lag.tolist()):
        by[bar] = by[bar - back]
    return by


def _moved_sets(chroma: Numbers, by: Numbers, scales: tuple[Numbers, Numbers, Numbers], other: Numbers) -> Numbers:
    """Return sets of pitch classes, transposed, and those that are in their scale moved into another one.

    `scales` are the classes of SCALES of the sets, those that are wanted, and the fifths between them after the
    transposition, 0–11: two major scales differ by degrees that are all a semitone higher in the one that has more sharps.
    `other` are more pitch classes that may stay.
    """
    scale, wanted, fifths = scales
    inside = chroma & _SCALES[scale]
    of_scale = _transposed(inside, by)
    off = of_scale & ~_SCALES[wanted] & ~other
    moved: Numbers = (
        _transposed(chroma & ~inside, by) | of_scale & ~off | _transposed(off, np.where(fifths <= 6, 1, -1))
    )
    return moved


def _moves(plan: Plan, hand: str, sets: Numbers, by: Numbers) -> dict[str, Numbers]:
    """Return how a hand moves from its sources: as planned, as far as its pitch classes are as like as they were."""
    source = np.arange(len(plan)) - getattr(plan, f"{hand}_lag")
    move, planned = (getattr(plan, f"{hand}_{name}").astype(np.int64) for name in ("move", "chroma"))
    shift = getattr(plan, f"{hand}_shift").astype(np.int64) - NO_SHIFT
    step = shift + by - by[source]
    before = likeness(_transposed(planned[source], shift), planned)
    after = likeness(_transposed(sets[source], step), sets)
    most = np.where(after >= np.minimum(before, _LEAST_ALIKE), NEAR, CONTOUR)
    most = np.where(after == 1, np.where(step == 0, IDENTICAL, TRANSPOSED), most)
    most = np.where(np.abs(step) > MAX_SHIFT, CONTOUR, most)
    is_moved = move >= NEAR
    move = np.where(is_moved, np.where((move == TRANSPOSED) & (most == IDENTICAL), most, np.minimum(move, most)), move)
    return {f"{hand}_move": move, f"{hand}_shift": NO_SHIFT + np.where(move >= NEAR, step, 0)}


def _ends(plan: Plan, sets: dict[str, Numbers], moves: dict[str, Numbers], by: Numbers) -> dict[str, Numbers]:
    """Return the lowest and highest pitches of bars and hands, 1 + pitch, at pitch classes of the hand.

    Those of a hand that repeats a bar, moved by an interval, move with it, unless they would leave 0–127.
    """
    of_hands = {
        "left": ("bottom", "left_top", np.where(sets["left"] > 0, sets["left"], sets["right"])),
        "right": ("right_bottom", "top", np.where(sets["right"] > 0, sets["right"], sets["left"])),
    }
    new: dict[str, Numbers] = {}
    for hand, (low, high, chroma) in of_hands.items():
        for name in (low, high):
            end = getattr(plan, name).astype(np.int64)
            new[name] = np.where(end > 0, _nearest((end + by).clip(1, 128), chroma), 0)
        shift = moves[f"{hand}_shift"] - NO_SHIFT
        is_moved = (moves[f"{hand}_move"] >= TRANSPOSED) & (getattr(plan, f"{hand}_level") == EQUAL) & (sets[hand] > 0)
        for bar in np.flatnonzero(is_moved).tolist():
            source = bar - int(getattr(plan, f"{hand}_lag")[bar])
            for name in (low, high):
                end = int(new[name][source] + shift[bar])
                if new[name][source] and new[name][bar] and 1 <= end <= 128 and chroma[bar] >> (end - 1) % 12 & 1:
                    new[name][bar] = end
    return new


def _nearest(end: Numbers, chroma: Numbers) -> Numbers:
    """Return 1 + the pitch nearest to each one, given as 1 + pitch, with a class of its set; the lower one of two."""
    pitch = end[:, None] - 1 + _NEARBY
    fits = (pitch >= 0) & (pitch < 128) & (chroma[:, None] >> pitch % 12 & 1 > 0)
    first = fits.argmax(axis=1)
    at = np.arange(len(end))
    return np.where(fits[at, first], pitch[at, first] + 1, end)


def _transposed(chroma: Numbers, semitones: Numbers | int) -> Numbers:
    return character.transposed_sets(np.asarray(chroma, np.int64), np.asarray(semitones))
