"""Scores of classes by features, in NumPy: what `scores.py` computes in Keras, by look-up.

Features that hold or not are the bits of one number per class; the sums of all subsets of their weights are computed
first, so that one look-up adds them all. Scores of intervals are lines of which each pitch that is heard takes a window.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

from training.events import character, ears, encoding, plan_columns
from training.events import fields as events
from training.network.inputs import HAS_CLASS
from training.network.layout import (
    CHROMA_FEATURES,
    HAND_FEATURES,
    INTERVAL_TABLES,
    INTERVALS,
    PLACE_SCORES,
    RANGE_FEATURES,
    RELEASE_FEATURES,
    VALUE_FEATURES,
    VALUE_SETS,
    bar_features,
    chord_is_complete,
    hand_features,
    in_values,
    range_features,
    release_features,
)

Array = npt.NDArray[np.float32]
Integers = npt.NDArray[np.integer]
Bits = npt.NDArray[np.uint8]


def _bits(features: Iterable[npt.NDArray[np.bool_]]) -> Bits:
    """Return features as the bits of one number, the first one the lowest."""
    bits = [is_so.astype(np.uint8) << bit for bit, is_so in enumerate(features)]
    whole: Bits = np.bitwise_or.reduce(np.broadcast_arrays(*bits))
    return whole


# columns of the additional scores, see `layout.EXTRA_SCORES`
_RANGE = slice(14, 14 + RANGE_FEATURES)
_HANDS = slice(_RANGE.stop, _RANGE.stop + HAND_FEATURES)
_CHROMA = slice(_HANDS.stop, _HANDS.stop + CHROMA_FEATURES)
_INTERVALS = slice(_CHROMA.stop, None)
_VALUES = {"time": slice(-1 - VALUE_FEATURES["time"], -1), "duration": slice(-VALUE_FEATURES["duration"], None)}

_PITCHES = np.arange(events.PITCHES)
_PITCH_CLASS = _PITCHES % 12
_DEGREES = (np.arange(12) - np.arange(character.SCALES)[:, None] + 1) % 12  # [scale, pitch class]
_VALUE_SETS = np.stack(VALUE_SETS)  # [features, class]: the column of a set
_VALUE_BIT = sum(
    in_values(np.full(len(events.EDGES), 1 << bit)).astype(np.int16) << bit for bit in range(character.VALUE_BITS)
)
_BEAT_PLACES = (np.arange(events.BEAT)[:, None] + events.EDGES) % events.BEAT  # [place in the beat, class]

_FROM_LINE = np.arange(-events.PLACES, events.EDGES[-1] + events.PLACES + 1)
_BAR = _bits(bar_features(0, np.arange(events.PLACES + 1)[:, None], _FROM_LINE))  # [bar, ticks from the bar line]

_KINDS = RELEASE_FEATURES // ears.RELEASES  # features of one release
_RELEASE = np.stack(
    [
        _bits(release_features([np.arange(events.EDGES[-1] + 1)[:, None]], events.EDGES)) << (_KINDS * number)
        for number in range(ears.RELEASES)
    ]
)  # [release, ticks, class]

_ONE_ABOVE = np.arange(plan_columns.RANGES)[
    :, None
]  # 1 + the highest or lowest planned pitch; 0 where nothing is planned
_HALF = RANGE_FEATURES // 2
_REACHED = np.arange(character.REACHED)[:, None, None]
_RANGES = range_features((_ONE_ABOVE, _ONE_ABOVE), (_REACHED, _REACHED), _PITCHES)
_TOP = _bits(_RANGES[:_HALF])  # [class of REACHED, highest, pitch]
_BOTTOM = _bits(_RANGES[_HALF:]) << _HALF

_HAND_BITS = _bits(hand_features(_ONE_ABOVE[:, None], _ONE_ABOVE, _PITCHES))  # [left top, right bottom, pitch]

_NOTHING = len(ears.COUNTS) * INTERVALS  # where the zeros begin for a pitch that is not heard
_GROUP = np.repeat(np.arange(len(ears.COUNTS)), [*ears.COUNTS.values()])[:, None]  # of each column
_WINDOW = np.where(
    _ONE_ABOVE.T > 0, _GROUP * INTERVALS + events.PITCHES - _ONE_ABOVE.T, _NOTHING
)  # [column, 1 + pitch]


@cache
def _subsets(count: int) -> Array:
    """Return which of `count` features are in each set of them, [features, sets]."""
    return (np.arange(2**count) >> np.arange(count)[:, None] & 1).astype(np.float32)


def _add_features(logits: Array, weights: Array, bits: Integers) -> None:
    """Add the weights [n, features] of the features that hold to logits [n, classes], in place."""
    sums = weights @ _subsets(weights.shape[1])
    logits += sums.take(bits + np.arange(0, sums.size, sums.shape[1])[:, None])


def add_places(logits: Array, extra: Array, place: Integers, bar: Integers) -> None:
    """Add the scores of the places in beat and bar that ticks lead to, in place; `place` and `bar` are [n]."""
    logits += extra[np.arange(len(extra))[:, None], _BEAT_PLACES[place % events.BEAT]]
    start = bar * _BAR.shape[1] + place - bar + events.PLACES
    _add_features(logits, extra[:, events.BEAT : PLACE_SCORES], _BAR.take(start[:, None] + events.EDGES))


def add_note_values(logits: Array, extra: Array, now: Integers, name: str) -> None:
    """Add the scores of times or durations by the planned note values, in place."""
    sets = _VALUE_SETS[: VALUE_FEATURES[name]]
    has = (now[:, encoding.VALUES[name]].take(sets, axis=1) & _VALUE_BIT) > 0  # [n, features, classes]
    logits += (extra[:, _VALUES[name], None] * has).sum(axis=1, dtype=np.float32)


def add_releases(logits: Array, extra: Array, now: Integers) -> None:
    """Add the scores of times by the releases of notes, in place."""
    bits = np.bitwise_or.reduce(_RELEASE[np.arange(ears.RELEASES), now[:, encoding.RELEASES]], axis=1)
    _add_features(logits, extra[:, PLACE_SCORES : PLACE_SCORES + RELEASE_FEATURES], bits)


def add_chord(logits: Array, extra: Array, pitch: Integers, now: Integers) -> None:
    """Add the score of a complete chord to the time 0, in place; `pitch` [n] is that of the last note."""
    logits[:, 0] += extra[:, -1] * chord_is_complete(pitch, now[:, encoding.BAR_TOP], 0)


def add_pitch_classes(logits: Array, extra: Array, tones: Array, now: Integers) -> None:
    """Add the scores of pitches by pitch class, in place: by both memories [n, 2 × 12], planned scale and chroma."""
    by_class = (extra[:, :2, None] * tones.reshape(-1, 2, 12)).sum(axis=1)
    scale = now[:, encoding.OWN_SCALE]
    by_class += extra[np.arange(len(extra))[:, None], 2 + _DEGREES[scale]] * (scale > 0)[:, None]
    for weight, column in zip(extra[:, _CHROMA].T, encoding.OWN_CHROMA, strict=True):
        by_class += weight[:, None] * HAS_CLASS[now[:, column]]
    logits += by_class.take(_PITCH_CLASS, axis=1)


def add_range(logits: Array, extra: Array, now: Integers) -> None:
    """Add the scores of pitches by the planned range, in place."""
    top, bottom = (now[:, column] for column in encoding.OWN_RANGE)
    high, low = (now[:, column] for column in encoding.REACHED)
    _add_features(logits, extra[:, _RANGE], _TOP[high, top] | _BOTTOM[low, bottom])


def add_hands(logits: Array, extra: Array, now: Integers) -> None:
    """Add the scores of pitches by the planned ranges of the hands and their pitch classes, in place."""
    left_top, right_bottom = (now[:, column] for column in encoding.OWN_HANDS)
    weights, bits = extra[:, _HANDS], _HAND_BITS[left_top, right_bottom]
    _add_features(logits, weights[:, :-1], bits)
    of_left, of_right = (HAS_CLASS[now[:, column]].take(_PITCH_CLASS, axis=1) for column in encoding.HAND_CHROMA)
    logits += weights[:, -1:] * np.where(bits & 1 > 0, of_left, of_right)


class IntervalScores:
    """Scores of pitches by their intervals to what is heard."""

    def __init__(self, tables: Array) -> None:
        """Arrange the tables [INTERVALS, groups × INTERVAL_TABLES] as lines, one per group, followed by zeros."""
        count = len(ears.COUNTS)
        size = _NOTHING + events.PITCHES
        self._lines = np.zeros((count * INTERVAL_TABLES, size), np.float32)
        for column, table in enumerate(tables.T):
            start = column // INTERVAL_TABLES * INTERVALS
            self._lines[column, start : start + INTERVALS] = table
        self._always = self._lines[::INTERVAL_TABLES].sum(axis=0)  # the first table of a group has weight 1 and more

    def add(self, logits: Array, extra: Array, now: Integers) -> None:
        """Add the scores to logits [n, PITCHES], in place."""
        heard = now[:, encoding.HEARD]  # 1 + pitch; 0 for none
        lines = extra[:, _INTERVALS] @ self._lines
        lines += self._always
        count, size = lines.shape
        shape, steps = (count, size - events.PITCHES + 1, events.PITCHES), (lines.strides[0], *lines.strides[1:] * 2)
        windows = np.ndarray(shape, np.float32, lines, strides=steps)  # as `sliding_window_view`, which is slow
        starts = _WINDOW[np.arange(heard.shape[1]), heard]
        logits += windows[np.arange(count)[:, None], starts].sum(axis=1)
