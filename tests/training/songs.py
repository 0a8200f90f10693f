"""Synthetic music. Nothing that is slow to import is imported here: processes of tests make it, too."""

import numpy as np

from dataset.notes.model import Notes


def song(number: int, bars: int = 16) -> Notes:
    """A looping two-handed piece in 3/4 or 4/4, different for each number.

    On each beat a bass note and a chord, above them a melody.
    """
    rng = np.random.default_rng(number)
    beats = 3 + number % 2
    scale = np.array([0, 2, 4, 5, 7, 9, 11])
    loop = [60 + int(scale[rng.integers(7)]) + 12 for _ in range(4 * beats)]
    onset, duration, pitch = [], [], []
    for bar in range(bars):
        for beat in range(beats):
            tick = (bar * beats + beat) * 24
            onset += [tick, tick, tick + 12]
            duration += [24, 12, 6]
            top = loop[(bar % 4) * beats + beat]
            pitch += [36 + int(scale[bar % 7]), top, top + 2]
    return Notes(
        np.array(onset),
        np.array(duration),
        np.array(pitch),
        np.full(len(onset), 80) + np.arange(len(onset)) % 16,
        ((0, 100.0 + number),),
        ((0, beats, 4),),
    )
