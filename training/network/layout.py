"""Inputs of the network's layers and their widths, for both implementations."""

from collections.abc import Iterable

from training.events import classes as events
from training.events.repeat_models import GUESSES, PITCH_CLASS_SHARES

EMBEDDINGS = {"time": 64, "pitch": 192, "duration": 64, "velocity": 32, "place": 32, "series": 12, "game": 8}
"""Width of the embedding of each input."""

STYLES = ("series", "game")
STYLE_WIDTH = sum(EMBEDDINGS[name] for name in STYLES)

CONFIDENCE_WIDTH = 8
"""Width of the embedding of a guess's confidence."""

ENTERING = (
    *(f"last_{name}" for name in (*events.FIELDS, "place")),
    *("guess_time", "next_pitch", "next_duration", "trust_time", "agree_time", "tones"),
)
"""Inputs of the recurrent layers at each step: the last note, and predictions of the next one."""

HEADS = {
    "time": ("guess_time", "trust_time", "agree_time", "series", "game"),
    "pitch": ("time", "place", "guess_pitch", "trust_pitch", "agree_pitch", "tones", "series", "game"),
    "duration": ("time", "pitch", "place", "guess_duration", "trust_duration", "agree_duration", "series", "game"),
    "velocity": (
        *("time", "pitch", "duration", "place", "guess_velocity", "trust_velocity", "agree_velocity", "series", "game"),
    ),
}
"""Inputs of each output besides the LSTM: earlier fields of the same note, and the guesses at the field. Each guess adds a
learned gain to the logit of its class, so that the network learns to copy quickly."""


EXTRA_SCORES = {"time": 0, "pitch": 2, "duration": 0, "velocity": 0}
"""Additional scores of an output: the gains of the two pitch class memories."""


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
