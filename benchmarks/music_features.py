"""About 170 features of a piece's first notes, for `told_apart.py`.

`features` takes a piece and returns numbers by name: rhythm, meter, loudness, pitch, harmony, lines, texture, repetition,
what each hand repeats, melody, voices and durations, each group in one function. They are computed from onsets,
durations, pitches, velocities and time signatures alone; hands are the project's estimate, and what a file says of
hands and pedal is dropped, so that composed pieces and people's pieces are treated alike. A feature that a piece has no
case of, or too few bars for, is NaN.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]  # for `python -m benchmarks.told_apart`

from music_features_cut import cut  # noqa: E402 - modules of this folder
from music_features_form import repetition, texture  # noqa: E402
from music_features_hands import durations, hands, melody, voices  # noqa: E402
from music_features_pitch import harmony, lines, pitch  # noqa: E402
from music_features_time import loudness, meter, rhythm  # noqa: E402

from dataset.notes.model import Notes  # noqa: E402

FIRST = 300
"""Notes of a piece that are looked at."""
GROUPS = (rhythm, meter, loudness, pitch, harmony, lines, texture, repetition, hands, melody, voices, durations)


def features(notes: Notes, first: int = FIRST) -> dict[str, float]:
    """Return the features of the first `first` notes.

    Raises ValueError for fewer than 32 notes.
    """
    piece = cut(notes, first)
    return {name: value for group in GROUPS for name, value in group(piece).items()}
