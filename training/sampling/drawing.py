"""Draws classes from logits, and tells which guess each drawn class follows. Pure NumPy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.events import encoding
from training.events.fields import FIELDS
from training.events.repeat_models import GUESSES
from training.sampling.sample_record import NO_GUESS

SETTINGS = ("temperature", "top_p", "top_k", "min_p")
FALLS_AFTER = 6  # times that a chord is struck in a row before the gain of guesses falls
FALLS_WITH = 1.3  # exponent of the temperature, below 1, by which the gain of guesses falls
LEAST_FALL = 0.5  # temperature below which it falls no further

CALM = np.array([1, 1, 0.8, 0.8, 0.9, 1], np.float32)
"""Temperature of times and pitches by the planned likeness to an earlier bar, a class of `plans.LEVELS`. At 1, bars that
vary an earlier one are less like it than planned."""

AGAINST = np.float32(5)
"""By how much the logit of a pitch falls to which a hand would move in another direction than planned."""

Numbers = npt.NDArray[Any]

# of all guesses at a note: columns of guess, class drawn and confidence; field, and number among the guesses at it
_COUNTS = [GUESSES[name] for name in FIELDS]
_GUESSES, _CONFIDENCES = (
    np.concatenate([np.arange(at[name].start, at[name].stop) for name in FIELDS])
    for at in (encoding.GUESS, encoding.CONFIDENCE)
)
_DRAWN = np.repeat(np.arange(len(FIELDS)), _COUNTS)
_PLACES = _DRAWN, np.concatenate([np.arange(count) for count in _COUNTS])
_MOST = max(_COUNTS)


def choose(logits: Numbers, uniforms: Numbers, settings: tuple[float, float, float, float]) -> Numbers:
    """Draw a class from each row of logits [streams, classes].

    `uniforms` has a number in [0, 1) per row; `settings` are SETTINGS. Nucleus sampling (Holtzman et al. 2020): the
    fewest classes with a total probability of `top_p`, and at most `top_k` of them. Min-p sampling (Nguyen et al.
    2024): only classes with at least `min_p` times the probability of the most probable one.
    """
    temperature, top_p, top_k, min_p = settings
    scaled = logits.astype(np.float64)
    scaled -= scaled.max(axis=1, keepdims=True)
    if temperature != 1:
        with np.errstate(over="ignore"):  # very low temperatures leave the most probable class at 0, the others at -inf
            scaled /= temperature
    if len(scaled) == 1:
        return _choose_one(scaled[0], float(uniforms[0]), settings)
    order = scaled.argsort(axis=1)[:, ::-1]
    rows = np.arange(len(order))
    shares = np.exp(scaled[rows[:, None], order])  # relative to the most probable class
    held = shares.cumsum(axis=1)
    last = (held >= top_p * held[:, -1:]).argmax(axis=1)
    if top_k:
        last = np.minimum(last, int(top_k) - 1)
    if min_p:
        last = np.minimum(last, (shares >= min_p).sum(axis=1) - 1)
    drawn = (held > (uniforms * held[rows, last])[:, None]).argmax(axis=1)
    chosen: Numbers = order[rows, drawn]
    return chosen


def _choose_one(scaled: Numbers, uniform: float, settings: tuple[float, float, float, float]) -> Numbers:
    """Draw a class [1] from the scaled logits of one stream [classes], as `choose` does, with fewer steps."""
    _, top_p, top_k, min_p = settings
    order = scaled.argsort()[::-1]
    shares = np.exp(scaled.take(order))
    held = shares.cumsum()
    last = int(held.searchsorted(top_p * held[-1]))
    if top_k:
        last = min(last, int(top_k) - 1)
    if min_p:
        last = min(last, int((shares >= min_p).sum()) - 1)
    drawn = int(held.searchsorted(uniform * held[last], "right"))
    return order[drawn : drawn + 1]


def trust(temperature: float, rounds: Numbers) -> Numbers:
    """Return the share of their gain that guesses keep, [streams].

    A low temperature would make guesses that were right before certain, and a copy would go round for ever. So the
    gain of guesses falls more than the temperature, and the more often a chord has been struck in a row, `rounds`.
    """
    calm = min(1.0, max(temperature, LEAST_FALL)) ** FALLS_WITH
    kept: Numbers = calm * np.minimum(1.0, FALLS_AFTER / np.maximum(rounds, 1))
    return kept


def lower_gains(logits: Numbers, guess: Numbers, gain: Numbers, kept: Numbers) -> None:
    """Lower the gain of guesses [streams, guesses], which is in the logits, to the share `kept` [streams], in place."""
    rows = (kept < 1).nonzero()[0]
    if len(rows):
        lost = gain[rows] * (1 - kept[rows, None]).astype(np.float32)
        for number in range(guess.shape[1]):
            logits[rows, guess[rows, number]] -= lost[:, number]


def follow_contour(logits: Numbers, in_left: Numbers, contour: tuple[Numbers, Numbers, Numbers]) -> None:
    """Lower the logits of pitches [streams, pitches] to which a hand would move against the plan, in place.

    `in_left` [streams, pitches] are those of the left hand; `contour` says, for each hand and stream, whether the plan has
    a direction, from which pitch the hand moves, and the direction: 1 up, -1 down, 0 to the same pitch.
    """
    pitches = np.arange(logits.shape[1])
    for of_hand, known, last, direction in zip((in_left, ~in_left), *contour, strict=True):
        is_against = np.sign(pitches - last[:, None].astype(np.int64)) != direction[:, None]
        logits -= AGAINST * (known[:, None] & of_hand & is_against)


def calm(name: str, logits: Numbers, now: Numbers, gain: Numbers, temperature: float, rounds: Numbers) -> None:
    """Make the logits of a field [streams, classes] calmer, in place: by `trust`, and by CALM.

    `now` [streams, COLUMNS] has guesses and what is planned, `gain` [streams, guesses] is in the logits.
    """
    if temperature < 1 or rounds.max() > FALLS_AFTER:
        lower_gains(logits, now[:, encoding.GUESS[name]], gain, trust(temperature, rounds))
    if name in ("time", "pitch"):
        logits /= CALM[now[:, encoding.LEVEL["bar" if name == "time" else "own"]], None]


def right_guesses(now: Numbers, gains: Mapping[str, Numbers]) -> Numbers:
    """Return, of each field, the number of the guess that is the class drawn and has the greatest gain above 0.

    `now` [streams, COLUMNS] has what is drawn, guesses and confidences; `gains` are [streams, guesses] by field. Returns
    int8 [streams, fields], -1 for none.
    """
    is_right = (now.take(_GUESSES, axis=1) == now.take(_DRAWN, axis=1)) & (now.take(_CONFIDENCES, axis=1) > 0)
    gain = np.zeros((len(now), len(FIELDS), _MOST), np.float32)
    gain[:, *_PLACES] = np.concatenate([gains[name] for name in FIELDS], axis=1) * is_right
    return np.where(gain.max(axis=2) > 0, gain.argmax(axis=2), -1).astype(np.int8)


def ticks_back(right: Numbers, onset: Numbers, followed: Numbers) -> Numbers:
    """Return the ticks from the note that the right guess at the pitch follows to the note drawn, 0 for none.

    `right` [streams] are results of `right_guesses`, `onset` [streams] the notes' onsets, `followed` [guesses, streams]
    the onsets that the guesses follow.
    """
    ticks: Numbers = np.where(right >= 0, onset - followed[right, np.arange(len(right))], 0)
    return ticks


def guess_texts(right: Sequence[Numbers]) -> dict[str, str]:
    """Return the results of `right_guesses` by field, one character per note."""
    columns = np.array(right, np.int8).reshape(-1, len(FIELDS)).T.tolist()
    return {
        name: "".join(NO_GUESS if guess < 0 else str(guess) for guess in column)
        for name, column in zip(FIELDS, columns, strict=True)
    }
