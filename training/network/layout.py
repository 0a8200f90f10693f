"""Inputs of the network's layers and their widths, for both implementations."""

from collections.abc import Iterable

from training.events import classes as events
from training.events import ears, plans
from training.events.repeat_models import GUESSES, PITCH_CLASS_SHARES

EMBEDDINGS = {
    **{"time": 64, "pitch": 192, "duration": 64, "velocity": 32, "place": 32, "series": 12, "game": 8},
    **{"level": 8, "onsets": 12, "density": 8, "range": 12},
}
"""Width of the embedding of each input."""

PLAN_SIZES = {"level": plans.LEVELS, "onsets": plans.ONSETS, "density": plans.DENSITIES, "range": plans.RANGES}
"""Number of classes of what a plan says."""

KNOWN_BEFORE = tuple(plans.INPUTS)[: plans.BEFORE]
OWN = tuple(plans.INPUTS)[plans.BEFORE :]

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
    "time": ("last_place", "guess_time", "trust_time", "agree_time", *KNOWN_BEFORE, "series", "game"),
    "pitch": (
        *("time", "place", *(f"{group}_pitch" for group in ears.COUNTS), "guess_pitch", "trust_pitch", "agree_pitch"),
        *("tones", *OWN, "series", "game"),
    ),
    "duration": (
        *("time", "pitch", "place", "guess_duration", "trust_duration", "agree_duration", *OWN, "series", "game"),
    ),
    "velocity": (
        *("time", "pitch", "duration", "place", "guess_velocity", "trust_velocity", "agree_velocity", "series", "game"),
    ),
}
"""Inputs of each output besides the LSTM: earlier fields of the same note, and the guesses at the field. Each guess adds a
learned gain to the logit of its class, so that the network learns to copy quickly."""


PLACE_SCORES = events.PLACES + events.BEAT
"""Scores of places in the bar and in the beat."""

EXTRA_SCORES = {
    "time": PLACE_SCORES,
    "pitch": 2 + INTERVAL_TABLES * len(ears.COUNTS),
    "duration": PLACE_SCORES,
    "velocity": 0,
}
"""Additional scores of an output.

Time and duration: scores of the places in bar and beat at which the note begins or ends. Pitch: the gains of the two
pitch class memories, and the weights of the interval tables.
"""


def inputs_width(names: Iterable[str]) -> int:
    """Return the total width of these inputs."""
    total = 0
    for name in names:
        if name == "tones":
            total += PITCH_CLASS_SHARES
            continue
        kind, _, field = name.rpartition("_")
        count = GUESSES.get(field, 0)
        total += {"trust": count * CONFIDENCE_WIDTH, "agree": count * (count - 1) // 2}.get(kind) or EMBEDDINGS[field]
    return total
