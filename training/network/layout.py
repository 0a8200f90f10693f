"""Which inputs the network's layers have, and how wide each is: what the network in Keras and the one in NumPy agree on."""

from collections.abc import Iterable

from training.events import classes as events
from training.events.repeat_models import GUESSES, PITCH_CLASS_SHARES

EMBEDDINGS = {"time": 64, "pitch": 192, "duration": 64, "velocity": 32, "place": 32, "series": 12, "game": 8}
"""Width of the embedding of each input."""

STYLES = ("series", "game")
STYLE_WIDTH = sum(EMBEDDINGS[name] for name in STYLES)

CONFIDENCE_WIDTH = 8
"""Width of the embedding of the trust in one guess."""

ENTERING = (
    *(f"last_{name}" for name in (*events.FIELDS, "place")),
    *("guess_time", "next_pitch", "next_duration", "trust_time", "agree_time", "tones"),
)
"""What the recurrent layers see at each step: the last note, and what is foreseen of the coming one."""

HEADS = {
    "time": ("guess_time", "trust_time", "agree_time", "series", "game"),
    "pitch": ("time", "place", "guess_pitch", "trust_pitch", "agree_pitch", "tones", "series", "game"),
    "duration": ("time", "pitch", "place", "guess_duration", "trust_duration", "agree_duration", "series", "game"),
    "velocity": (
        *("time", "pitch", "duration", "place", "guess_velocity", "trust_velocity", "agree_velocity", "series", "game"),
    ),
}
"""What each output sees beside the LSTM: fields of the note itself that come before it in the factorisation, and the guesses at
it. A class that is guessed gets a gain on its logit, learned for each guess: so the network learns to copy within seconds."""


EXTRA_SCORES = {"time": 0, "pitch": 2, "duration": 0, "velocity": 0}
"""Scores of an output beyond its classes and the gains of its guesses: what the two memories of pitch classes are worth."""


def inputs_width(names: Iterable[str]) -> int:
    """Return the width of these inputs side by side."""
    total = 0
    for name in names:
        if name == "tones":
            total += PITCH_CLASS_SHARES
            continue
        kind, _, field = name.rpartition("_")
        count = GUESSES.get(field, 0)
        total += {"trust": count * CONFIDENCE_WIDTH, "agree": count * (count - 1) // 2}.get(kind) or EMBEDDINGS[field]
    return total
