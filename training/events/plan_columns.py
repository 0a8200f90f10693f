"""What a plan says of each bar: the columns, their classes, which of them are told when, and which hand plays a pitch."""

from typing import Any, NamedTuple

from dataset.notes.hand_form import IDENTICAL, MAX_SHIFT
from training.events import character

NEW, VARIED, EQUAL = 1, 4, 5
"""Classes of LEVELS: a new bar, a bar that is varied slightly, and one that is repeated."""
LEVELS = 6
"""Classes of likeness to the source bar: 0 unknown, 1 a new bar, then 0.4–0.6, 0.6–0.8, 0.8–1, and equal."""
ONSETS = 26
"""Classes of onsets: 0 unknown, else 1 + number of onsets, at most 24."""
DENSITIES = 13
"""Classes of notes per onset: 0 unknown or an empty bar, else twice the mean, at most 12."""
RANGES = 129
"""Classes of the lowest and highest pitch: 0 unknown or an empty bar, else 1 + pitch."""
MOVES = IDENTICAL + 1
"""Classes of how a hand's pitches follow those of the bar whose rhythm it repeats: those of `dataset.notes.hand_form`."""
SHIFTS = 2 * MAX_SHIFT + 1
"""Classes of the semitones by which they are moved: the middle one for none."""
REMAINING = 10
"""Classes of bars to the end, this one included: 0 unknown, else their number, at most 9."""

COLUMNS: dict[str, tuple[str, int]] = {
    "level": ("level", LEVELS),
    "onsets": ("onsets", ONSETS),  # in the bar of the last onset, those still to come
    "density": ("density", DENSITIES),
    "top": ("range", RANGES),
    "bottom": ("range", RANGES),
    "remaining": ("remaining", REMAINING),
    "scale": ("scale", character.SCALES),
    "voices": ("voices", character.VOICES),
    "right_sustain": ("sustain", character.SUSTAINS),
    "left_sustain": ("sustain", character.SUSTAINS),
    "right_length": ("length", character.LENGTHS),
    "left_length": ("length", character.LENGTHS),
    "repeats": ("motion", character.MOTIONS),
    "steps": ("motion", character.MOTIONS),
    "runs": ("motion", character.MOTIONS),
    "loudness": ("loudness", character.LOUDNESSES),
    "accents": ("accents", character.ACCENTS),
    "notes": ("notes", character.NOTES),  # in the bar of the last onset, those still to come
    "right_detached": ("rate", character.RATES),
    "right_overlapping": ("rate", character.RATES),
    "left_detached": ("rate", character.RATES),
    "left_overlapping": ("rate", character.RATES),
    "semitones": ("rate", character.RATES),
    "octaves": ("rate", character.RATES),
    "triads": ("rate", character.RATES),
    "fullness": ("fullness", character.FULLNESSES),
    "top_leaps": ("rate", character.RATES),
    "bottom_repeats": ("rate", character.RATES),
    "bottom_steps": ("rate", character.RATES),
    "bottom_leaps": ("rate", character.RATES),
    "chroma": ("chroma", character.CHROMAS),
    "left_level": ("level", LEVELS),  # likeness of the hand's rhythm to that of its source
    "right_level": ("level", LEVELS),
    "left_move": ("move", MOVES),
    "right_move": ("move", MOVES),
    "left_top": ("range", RANGES),
    "right_bottom": ("range", RANGES),
    "left_density": ("density", DENSITIES),
    "right_density": ("density", DENSITIES),
    "left_notes": ("notes", character.NOTES),  # in the bar of the last onset, those still to come
    "right_notes": ("notes", character.NOTES),
    "right_turns": ("motion", character.MOTIONS),
    "right_steps": ("motion", character.MOTIONS),
    "left_chroma": ("chroma", character.CHROMAS),
    "right_chroma": ("chroma", character.CHROMAS),
    "top_reached": ("reached", character.REACHED),  # from here on, what of the bar is struck already
    "bottom_reached": ("reached", character.REACHED),
    "missing": ("chroma", character.CHROMAS),
}
"""What is told of a bar: its kind, which has an embedding, and the number of its classes."""

HANDS = ("left", "right")
_TEXTURE = (
    *("notes", "top_reached", "bottom_reached", "voices", "right_sustain", "left_sustain", "repeats", "steps", "runs"),
    *("right_detached", "right_overlapping", "left_detached", "left_overlapping"),
)
_HANDS = ("left_level", "right_level", "left_density", "right_density", "left_notes", "right_notes")
_LINES = ("semitones", "octaves", "triads", "fullness", "top_leaps", "bottom_repeats", "bottom_steps", "bottom_leaps")
TOLD = {
    "bar": ("level", "onsets", "density", "top", "bottom", "remaining", *_TEXTURE, *_HANDS),
    "coming": ("level", "onsets", "density", "top", "bottom", "left_level", "right_level"),
    "own": (
        *("level", "density", "scale", "top", "bottom", "left_top", "right_bottom", "remaining", *_TEXTURE, *_HANDS),
        *("left_move", "right_move", "right_turns", "right_steps"),
        *(
            "right_length",
            "left_length",
            "loudness",
            "accents",
            *_LINES,
            "chroma",
            "missing",
            "left_chroma",
            "right_chroma",
        ),
    ),
}
"""COLUMNS that are told of the bar of the last onset, of the bar after it, and of the note's own bar."""

INPUTS = {
    f"{when}{'' if name == COLUMNS[name][0] else name}_{COLUMNS[name][0]}": COLUMNS[name][1]
    for when, names in TOLD.items()
    for name in names
}
"""Columns of events that follow the plan, such as `owntop_range`, and their number of classes."""

BEFORE = len(TOLD["bar"]) + len(TOLD["coming"])
"""Number of INPUTS that are known before the note's time."""

PITCHED = [at for at, name in enumerate(INPUTS) if name.endswith("_range")]
"""Columns of INPUTS that move with a transposition."""

SCALED = [at for at, name in enumerate(INPUTS) if name.endswith("_scale")]
"""Columns of INPUTS that move within the octave with a transposition."""

CHROMA = [at for at, name in enumerate(INPUTS) if name.endswith("_chroma")]
"""Columns of INPUTS with sets of pitch classes: those of the note's bar, those of them that are not struck yet, and those
of each hand."""


class SourceColumns(NamedTuple):
    """Columns of a plan that say which earlier bar each bar follows, and how."""

    lag: str  # bars back to the source, 0 for none
    level: str  # likeness to it
    move: str | None = None  # how the pitches of a hand follow it
    shift: str | None = None  # by how much they are moved


FORM = (
    SourceColumns("lag", "level"),
    SourceColumns("rhythm_lag", "rhythm_level"),
    *(SourceColumns(*(f"{hand}_{name}" for name in ("lag", "level", "move", "shift"))) for hand in HANDS),
)
"""Those of the bar, of its rhythm, and of the rhythm of each hand."""

SOURCE_COLUMNS = frozenset(name for columns in FORM for name in columns if name is not None)
"""All of them."""

NO_SHIFT = MAX_SHIFT
"""The class of SHIFTS for pitches that are not moved."""
MORE_CLASSES = {
    **dict.fromkeys(("onsets", "notes", "left_notes", "right_notes"), 2**15),
    **{"rhythm_level": LEVELS, "left_shift": SHIFTS, "right_shift": SHIFTS},
    **dict.fromkeys(("times", "durations"), 2**character.VALUE_BITS),
}
"""Number of classes in a plan of columns that are told otherwise, or not at all."""


def is_left(pitch: Any, left_top: Any, right_bottom: Any) -> Any:
    """Return which pitches the left hand plays: those that are nearer to its highest one than to the right hand's lowest.

    `left_top` and `right_bottom` are columns of a plan, 1 + pitch, 0 for a hand without notes. None where nothing is
    planned. Arrays of NumPy or Keras.
    """
    return (left_top > 0) & ((right_bottom == 0) | (2 * (pitch + 1) < left_top + right_bottom))
