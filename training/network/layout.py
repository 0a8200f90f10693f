"""Inputs of the network's layers and their widths, for both implementations."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from training.events import character, ears, encoding, plan_columns
from training.events import fields as events
from training.events.character import REACHED
from training.events.past import PITCH_CLASS_SHARES
from training.events.repeat_models import GUESSES

EMBEDDINGS = {
    **{"time": 64, "pitch": 192, "duration": 64, "velocity": 32, "place": 32, "series": 12, "game": 8},
    **{"level": 8, "onsets": 12, "density": 8, "range": 12, "scale": 8, "heard": 48},
    **{"remaining": 8, "voices": 12, "sustain": 8, "motion": 8, "length": 8, "loudness": 12, "accents": 8, "rate": 6},
    **{"notes": 12, "reached": 4, "fullness": 8, "move": 6},
    "interval": 16,
}
"""Width of the embedding of each input."""

OTHER_SIZES = {
    **{"place": events.PLACES, "heard": events.PITCHES},
    **{kind: size for kind, size in plan_columns.COLUMNS.values() if kind != "chroma"},
    "interval": ears.INTERVALS,
}
"""Number of classes of inputs that are neither fields nor styles."""

KNOWN_BEFORE = tuple(plan_columns.INPUTS)[: plan_columns.BEFORE]
OWN = tuple(plan_columns.INPUTS)[plan_columns.BEFORE :]
OWN_LINES = ears.LINE[ears.LINE_BEFORE :]

INTERVALS = 255
"""Number of intervals between two pitches."""
INTERVAL_TABLES = 3
"""Tables of intervals for each group of pitches that are heard; the network weights them for each note."""

STYLES = ("series", "game")
STYLE_WIDTH = sum(EMBEDDINGS[name] for name in STYLES)

CONFIDENCE_WIDTH = 8
"""Width of the embedding of a guess's confidence."""

ENTERING = (
    *(f"last_{name}" for name in (*events.FIELDS, "place")),
    *("guess_time", "next_pitch", "next_duration", "trust_time", "agree_time", "tones", *KNOWN_BEFORE),
)
"""Inputs of the recurrent layers at each step: the last note, and predictions of the next one."""

HEADS = {
    "time": (
        *("last_place", "lastabove_interval", "lasttop_interval", "guess_time", "trust_time", "agree_time"),
        *(*KNOWN_BEFORE, "series", "game"),
    ),
    "pitch": (
        *("time", "place", *(f"{group}_heard" for group in ears.COUNTS), "guess_pitch", "trust_pitch", "agree_pitch"),
        *("tones", "sounding_voices", *OWN_LINES, *OWN, "series", "game"),
    ),
    "duration": (
        *(
            "time",
            "pitch",
            "place",
            "sounding_voices",
            "guess_duration",
            "trust_duration",
            "agree_duration",
            *OWN,
            "series",
            "game",
        ),
    ),
    "velocity": (
        *("time", "pitch", "duration", "place", "guess_velocity", "trust_velocity", "agree_velocity"),
        *("own_loudness", "own_accents", "series", "game"),
    ),
}
"""Inputs of each output besides the LSTM: earlier fields of the same note, and the guesses at the field. Each guess adds a
learned gain to the logit of its class, so that the network learns to copy quickly."""


def _columns_of() -> dict[int, list[tuple[str, str, int]]]:
    """Return the inputs that are embedded columns, by the width of their tables: table, input and column of each.

    Columns of the current row are followed by those of the last one.
    """
    columns: list[tuple[str, str, int]] = []
    for column, name in enumerate((*events.FIELDS, "place")):
        columns += [(name, name, column), (name, f"last_{name}", encoding.COLUMNS + column)]
    columns += [("pitch", "next_pitch", encoding.NEXT_PITCH), ("duration", "next_duration", encoding.NEXT_DURATION)]
    columns += [(name, f"guess_{name}", encoding.GUESS[name].start) for name in GUESSES]
    for column, name in enumerate(plan_columns.INPUTS):
        if column not in plan_columns.CHROMA:
            columns.append((name.rpartition("_")[2], name, encoding.PLANNED.start + column))
    columns += [("interval", name, encoding.LINE.start + column) for column, name in enumerate(ears.LINE)]
    found: dict[int, list[tuple[str, str, int]]] = {}
    for table, name, column in columns:
        found.setdefault(EMBEDDINGS[table], []).append((table, name, column))
    return found


COLUMNS_OF = _columns_of()


BAR_FEATURES = 5
PLACE_SCORES = events.BEAT + BAR_FEATURES
"""Scores of places in the beat, and of the features of places in the bar."""

RANGE_FEATURES = 8
"""Features of pitches by the planned range."""

HAND_FEATURES = 5
"""Features of pitches by the planned ranges of the hands, and by the planned set of pitch classes of their hand."""

CHROMA_FEATURES = 2
"""Features of pitches by the planned set of pitch classes, and by those still to come."""

VALUE_FEATURES = {"time": 2, "duration": 4}
"""Features by the planned note values: those that occur and those that are common, for durations of each hand."""

RELEASE_FEATURES = 2 * ears.RELEASES
"""Features of times by the releases of notes."""

CHORD_FEATURES = 1
"""Features of times by the chord so far."""

EXTRA_SCORES = {
    "time": PLACE_SCORES + RELEASE_FEATURES + VALUE_FEATURES["time"] + CHORD_FEATURES,
    "pitch": 2 + 12 + RANGE_FEATURES + HAND_FEATURES + CHROMA_FEATURES + INTERVAL_TABLES * len(ears.COUNTS),
    "duration": PLACE_SCORES + VALUE_FEATURES["duration"],
    "velocity": 0,
}
"""Additional scores of an output.

Time and duration: scores of the places in beat and bar at which the note begins or ends, and the planned note values.
Time: the features of releases and of the chord so far. Pitch: the gains of the two pitch class memories, the scores of
degrees of the planned scale, the features of pitches by the planned range, by those of the hands and by the planned sets
of pitch classes, and the weights of the interval tables.
"""


def bar_features(left: Any, bar: Any, ticks: Any) -> tuple[Any, ...]:
    """Return BAR_FEATURES arrays: where a number of ticks leads that begins `left` ticks before the end of a bar.

    On a bar line, half a bar from one, beyond this bar, one bar or more beyond, and on the bar line of this bar.
    """
    from_line = ticks - left
    half = bar // 2
    is_beyond = from_line >= 0
    bars = from_line - bar
    return (
        (from_line == 0) | (bars == 0) | (bars == bar),
        (from_line == half) | (from_line == -half),
        is_beyond,
        bars >= 0,
        from_line == 0,
    )


def release_features(releases: Iterable[Any], ticks: Any) -> tuple[Any, ...]:
    """Return RELEASE_FEATURES arrays: where ticks are those to each release, and where they are more."""
    return tuple(kind for release in releases for kind in (ticks == release, ticks > release))


def chord_is_complete(pitch: Any, top: Any, ticks: Any) -> Any:
    """Return where a class of no ticks would continue a chord that has reached the highest planned pitch.

    `top` is 1 + that pitch, or 0 where nothing is planned.
    """
    return (ticks == 0) & (top > 0) & (pitch + 1 >= top)


def range_features(ends: tuple[Any, Any], reached: tuple[Any, Any], pitches: Any) -> tuple[Any, ...]:
    """Return RANGE_FEATURES arrays: where pitches lie to the planned highest and lowest pitch, given as 1 + pitch.

    Above the highest, at it before it is struck and after it, within a fifth below it; the same of the lowest.
    `reached` are classes of `character.REACHED`. All false where nothing is planned.
    """
    top, bottom = ends
    known = top > 0
    features: list[Any] = []
    for far, is_struck in zip((pitches + 1 - top, bottom - pitches - 1), reached, strict=True):
        at, done = far == 0, is_struck == REACHED - 1
        features += [far > 0, at & ~done, at & done, (far < 0) & (far >= -7)]
    return tuple(feature & known for feature in features)


def hand_features(left_top: Any, right_bottom: Any, pitches: Any) -> tuple[Any, ...]:
    """Return HAND_FEATURES - 1 arrays: where pitches lie to the planned ranges of the hands, whose ends are given as 1 + pitch.

    Of the left hand, between the hands, at the left hand's highest pitch, at the right hand's lowest one. A hand without
    notes has 0. All false where nothing is planned.
    """
    one_above = pitches + 1
    between = (left_top > 0) & (one_above > left_top) & (one_above < right_bottom)
    of_left = plan_columns.is_left(pitches, left_top, right_bottom)
    return of_left, between, one_above == left_top, one_above == right_bottom


VALUE_SETS = tuple(
    np.maximum(character.VALUES, 0) // character.VALUE_BITS + half * character.VALUE_COLUMNS // 2 for half in range(4)
)
"""Columns, of the planned note values, that say of each class whether it occurs, and whether it is common, twice."""

_VALUE_BITS = 2 ** (np.maximum(character.VALUES, 0) % character.VALUE_BITS)


def in_values(columns: Any) -> Any:
    """Return where each class is in a set of note values; `columns` are those of `VALUE_SETS` for each class."""
    return columns // _VALUE_BITS % 2 * (character.VALUES >= 0)


def in_chroma(chroma: Any, pitches: Any) -> Any:
    """Return where the pitch class of pitches is in a set of them: see `character.CHROMAS`."""
    return (chroma & 2 ** (pitches % 12)) > 0  # TensorFlow divides integers slowly


def inputs_width(names: Iterable[str]) -> int:
    """Return the total width of these inputs."""
    total = 0
    for name in names:
        if name == "tones":
            total += PITCH_CLASS_SHARES
            continue
        if name.endswith("_chroma"):
            total += 12
            continue
        kind, _, field = name.rpartition("_")
        count = GUESSES.get(field, 0)
        total += {"trust": count * CONFIDENCE_WIDTH, "agree": count * (count - 1) // 2}.get(kind) or EMBEDDINGS[field]
    return total
