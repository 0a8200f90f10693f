"""Scores of classes in Keras that say what music says: places, releases, intervals, scale degrees and ranges."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from training.events import character, ears, encoding
from training.events import fields as events
from training.network.layout import (
    INTERVAL_TABLES,
    VALUE_FEATURES,
    bar_features,
    chord_is_complete,
    hand_features,
    in_chroma,
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

_VALUE_CLASSES = (np.arange(character.VALUE_COLUMNS // 2 * character.VALUE_BITS)[:, None] == character.VALUES).astype(
    np.float32
)
"""Which classes are each note value [values, classes]; values are the bits of a set's columns, one after the other."""

_BITS = 2 ** np.arange(character.VALUE_BITS, dtype="int32")


def tone_scores(weights: Any, now: list[Any]) -> Any:
    """Return the scores of pitches by the two pitch class memories."""
    by_class = ops.tile(ops.reshape(tones(now), (*ops.shape(now[0]), 2, 12)), (1, 1, 1, 11))
    return ops.sum(weights[..., None] * by_class[..., : events.PITCHES], axis=-2)


def interval_scores(weights: Any, heard: dict[str, Any], tables: Any, own: str) -> Any:
    """Return the scores of pitches by their intervals to each group of pitches that are `heard`.

    `tables` [INTERVALS, tables] are multiplied in precision `own`.
    """
    by_pitch = ops.unstack(ops.take(ops.transpose(ops.cast(tables, own)), _INTERVAL, axis=1))
    total = 0.0
    for column, weight in enumerate(ops.split(weights, len(by_pitch), axis=-1)):
        if column % INTERVAL_TABLES == 0:
            near, weight = ops.cast([*heard.values()][column // INTERVAL_TABLES], own), weight + 1.0
        total = total + weight * ops.cast(ops.matmul(near, by_pitch[column]), "float32")
    return total


def release_scores(scores: Any, now: list[Any]) -> Any:
    """Return the scores of times by the releases of notes."""
    ticks = [column[..., None] for column in now[encoding.RELEASES]]
    return _weighted(scores, release_features(ticks, events.EDGES))


def _weighted(weights: Any, features: Sequence[Any]) -> Any:
    """Return the sum of the weights [..., features] of the features [..., classes] that are there."""
    total = 0.0
    for weight, is_there in zip(ops.split(weights, len(features), axis=-1), features, strict=True):
        total = total + weight * ops.cast(is_there, "float32")
    return total


def chord_scores(scores: Any, now: list[Any], last: list[Any]) -> Any:
    """Return the scores of times by the chord so far."""
    top = now[encoding.BAR_TOP][..., None]
    is_complete = chord_is_complete(last[events.PITCH][..., None], top, events.EDGES)
    return scores * ops.cast(is_complete, "float32")


def value_scores(weights: Any, now: list[Any], name: str) -> Any:
    """Return the scores of times or durations by the planned note values."""
    planned = ops.stack(now[encoding.VALUES[name]], axis=-1)
    has = ops.cast((planned[..., None] & _BITS) > 0, "float32")  # [..., columns, bits]
    has = ops.reshape(has, (*planned.shape[:-1], VALUE_FEATURES[name], len(_VALUE_CLASSES)))
    return ops.matmul(ops.sum(weights[..., None] * has, axis=-2), ops.convert_to_tensor(_VALUE_CLASSES))


def degree_scores(scores: Any, now: list[Any], own: str) -> Any:
    """Return the scores of pitches by their degrees, in semitones, of the planned scale, added up in precision `own`."""
    tonic = ops.one_hot(now[encoding.OWN_SCALE] - 1, 12, dtype="float32")  # all zero for none
    return _of_pairs(tonic, scores, _DEGREES, own)


def _of_pairs(kind: Any, scores: Any, classes: Any, own: str) -> Any:
    """Return scores [..., classes], of which those of each kind are in other classes.

    `kind` [..., kinds] is one-hot or zero, `classes` [kinds × scores, classes] says which class each score is of.
    """
    pairs = ops.cast(kind[..., :, None] * scores[..., None, :], own)
    flat = ops.reshape(pairs, (*pairs.shape[:2], len(classes)))
    return ops.cast(ops.matmul(flat, ops.cast(ops.convert_to_tensor(classes), own)), "float32")


def range_scores(weights: Any, now: list[Any]) -> Any:
    """Return the scores of pitches by the planned range of the note's bar."""
    top, bottom, high, low = (now[column][..., None] for column in (*encoding.OWN_RANGE, *encoding.REACHED))
    return _weighted(weights, range_features((top, bottom), (high, low), np.arange(events.PITCHES, dtype="int32")))


def hand_scores(weights: Any, now: list[Any]) -> Any:
    """Return the scores of pitches by the planned ranges of the hands in the note's bar, and their pitch classes."""
    pitches = np.arange(events.PITCHES, dtype="int32")
    left_top, right_bottom, *sets = (now[column][..., None] for column in (*encoding.OWN_HANDS, *encoding.HAND_CHROMA))
    features = hand_features(left_top, right_bottom, pitches)
    of_left, of_right = (in_chroma(of_hand, pitches) for of_hand in sets)
    return _weighted(weights, [*features, ops.where(features[0], of_left, of_right)])


def chroma_scores(weights: Any, now: list[Any]) -> Any:
    """Return the scores of pitches by the planned sets of pitch classes."""
    pitches = np.arange(events.PITCHES, dtype="int32")
    return _weighted(weights, [in_chroma(now[planned][..., None], pitches) for planned in encoding.OWN_CHROMA])


def heard_counts(now: list[Any]) -> dict[str, Any]:
    """Return how often each pitch is heard in each group, [..., PITCHES]."""
    pitches = ops.stack(now[encoding.HEARD], axis=-1) - 1
    hot = ops.one_hot(pitches, events.PITCHES, dtype="float32")  # all zero for -1, none
    parts = ops.split(hot, [start for _, start, _ in ears.GROUPS[1:]], axis=-2)
    return {name: ops.sum(part, axis=-2) for (name, _, _), part in zip(ears.GROUPS, parts, strict=True)}


def place_scores(scores: Any, place: Any, last: list[Any], own: str) -> Any:
    """Return the scores of classes of ticks by the places in beat and bar that they lead to; of beats in precision `own`."""
    beat = ops.one_hot(place % events.BEAT, events.BEAT, dtype="float32")
    of_beat, of_bar = ops.split(scores, [events.BEAT], axis=-1)
    total = _of_pairs(beat, of_beat, _BEATS, own)
    bar = last[events.BAR]
    left = (bar - place)[..., None]  # ticks to the bar line
    return total + _weighted(of_bar, bar_features(left, bar[..., None], events.EDGES))


def tones(now: list[Any]) -> Any:
    """See `inputs.pitch_class_shares`."""
    return ops.log(ops.cast(ops.stack(now[encoding.PITCH_CLASS_SHARES], axis=-1), "float32") / 1000 + 0.02) + 2.5
