"""Scores of classes in Keras that say what music says: places, releases, intervals, scale degrees and ranges."""

from typing import Any

import numpy as np
from keras import ops

from training.events import ears, encoding
from training.events import fields as events
from training.network.layout import (
    INTERVAL_TABLES,
    PLACE_SCORES,
    VALUE_FEATURES,
    VALUE_SETS,
    bar_features,
    chord_is_complete,
    in_chroma,
    in_values,
    range_features,
    release_features,
)

_INTERVAL = (np.arange(events.PITCHES)[None] - np.arange(events.PITCHES)[:, None] + events.PITCHES - 1).astype("int32")
"""The row of the interval table of each pitch [heard, coming]."""

_DEGREES = (
    np.eye(12, dtype=np.float32)[(np.arange(events.PITCHES)[None] - np.arange(12)[:, None]) % 12]
    .transpose(0, 2, 1)
    .reshape(144, -1)
)
"""Which pitch [pitches] is each degree above each tonic [tonics × degrees]."""

_BEATS = (
    np.eye(events.BEAT, dtype=np.float32)[
        (np.arange(events.BEAT)[:, None] + events.EDGES[None]) % events.BEAT
    ]  # [place, class, place it leads to]
    .transpose(0, 2, 1)
    .reshape(events.BEAT**2, -1)
)
"""Which class [classes] leads from one place in the beat to another [places × places]."""


def tone_scores(weights: Any, now: Any) -> Any:
    """Return the scores of pitches by the two pitch class memories."""
    by_class = ops.tile(ops.reshape(tones(now), (*ops.shape(now)[:2], 2, 12)), (1, 1, 1, 11))
    return ops.sum(weights[..., None] * by_class[..., : events.PITCHES], axis=-2)


def interval_scores(weights: Any, now: Any, tables: Any, own: str) -> Any:
    """Return the scores of pitches by their intervals to each group of pitches that are heard.

    `tables` [INTERVALS, tables] are multiplied in precision `own`.
    """
    total = 0.0
    for group, near in enumerate(heard_counts(now).values()):
        for column in range(group * INTERVAL_TABLES, (group + 1) * INTERVAL_TABLES):
            table = ops.take(tables[:, column], _INTERVAL, axis=0)
            score = ops.matmul(ops.cast(near, own), ops.cast(table, own))
            weight = weights[..., column : column + 1] + float(column % INTERVAL_TABLES == 0)
            total = total + weight * ops.cast(score, "float32")
    return total


def release_scores(scores: Any, now: Any) -> Any:
    """Return the scores of times by the releases of notes."""
    ticks = (now[..., column, None] for column in range(*encoding.RELEASES.indices(encoding.COLUMNS)))
    total = 0.0
    for column, is_so in enumerate(release_features(ticks, events.EDGES), start=PLACE_SCORES):
        total = total + scores[..., column : column + 1] * ops.cast(is_so, "float32")
    return total


def chord_scores(scores: Any, now: Any, last: Any) -> Any:
    """Return the scores of times by the chord so far."""
    top = now[..., encoding.BAR_TOP, None]
    is_complete = chord_is_complete(last[..., events.PITCH, None], top, events.EDGES)
    return scores[..., -1:] * ops.cast(is_complete, "float32")


def value_scores(weights: Any, now: Any, name: str) -> Any:
    """Return the scores of times or durations by the planned note values."""
    planned, total = now[..., encoding.VALUES[name]], 0.0
    for column, of_set in enumerate(VALUE_SETS[: VALUE_FEATURES[name]]):
        is_there = in_values(ops.take(planned, of_set, axis=-1))
        total = total + weights[..., column : column + 1] * ops.cast(is_there, "float32")
    return total


def degree_scores(scores: Any, now: Any) -> Any:
    """Return the scores of pitches by their degrees, in semitones, of the planned scale."""
    tonic = ops.one_hot(now[..., encoding.OWN_SCALE] - 1, 12, dtype="float32")  # all zero for none
    pairs = tonic[..., :, None] * scores[..., None, :]
    return ops.matmul(ops.reshape(pairs, (*pairs.shape[:2], 144)), ops.convert_to_tensor(_DEGREES))


def range_scores(weights: Any, now: Any) -> Any:
    """Return the scores of pitches by the planned range of the note's bar."""
    top, bottom = (now[..., column, None] for column in encoding.OWN_RANGE)
    high, low = (now[..., column, None] for column in encoding.REACHED)
    features = range_features((top, bottom), (high, low), np.arange(events.PITCHES, dtype="int32"))
    total = 0.0
    for column, is_there in enumerate(features):
        total = total + weights[..., column : column + 1] * ops.cast(is_there, "float32")
    return total


def chroma_scores(weights: Any, now: Any) -> Any:
    """Return the scores of pitches by the planned sets of pitch classes."""
    total = 0.0
    for column, planned in enumerate(encoding.OWN_CHROMA):
        is_there = in_chroma(now[..., planned, None], np.arange(events.PITCHES, dtype="int32"))
        total = total + weights[..., column : column + 1] * ops.cast(is_there, "float32")
    return total


def heard_counts(now: Any) -> dict[str, Any]:
    """Return how often each pitch is heard in each group, [..., PITCHES]."""
    hot = ops.one_hot(now[..., encoding.HEARD] - 1, events.PITCHES, dtype="float32")  # all zero for -1, none
    return {name: ops.sum(hot[..., start : start + count, :], axis=-2) for name, start, count in ears.GROUPS}


def place_scores(scores: Any, place: Any, last: Any) -> Any:
    """Return the scores of classes of ticks by the places in beat and bar that they lead to."""
    beat = ops.one_hot(place % events.BEAT, events.BEAT, dtype="float32")
    pairs = beat[..., :, None] * scores[..., None, : events.BEAT]
    total = ops.matmul(ops.reshape(pairs, (*pairs.shape[:2], events.BEAT**2)), ops.convert_to_tensor(_BEATS))
    left = (last[..., events.BAR] - place)[..., None]  # ticks to the bar line
    for column, leads_there in enumerate(bar_features(left, last[..., events.BAR][..., None], events.EDGES)):
        at = events.BEAT + column
        total = total + scores[..., at : at + 1] * ops.cast(leads_there, "float32")
    return total


def tones(now: Any) -> Any:
    """See `inputs.pitch_class_shares`."""
    return ops.log(ops.cast(now[..., encoding.PITCH_CLASS_SHARES], "float32") / 1000 + 0.02) + 2.5
