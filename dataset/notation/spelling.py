"""Spell pitches: C sharp or D flat. Pure.

In: notes and their key; out: a place on the line of fifths (… B♭ F C G D A E B F♯ …) for each note. Each note takes the
name nearest to the key and to the notes around it, after D. Temperley, The Cognition of Basic Musical Structures (MIT
Press, 2001), chapter 5.
"""

import numpy as np
from numpy.typing import NDArray

from dataset.measures.keys import MAJOR_KEYS, MINOR_KEYS
from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

FIFTHS = dict(zip(MAJOR_KEYS, (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5), strict=True)) | dict(
    zip(MINOR_KEYS, (-3, 4, -1, -6, 1, -4, 3, -2, 5, 0, -5, 2), strict=True)
)
"""Sharps, or below 0 flats, of the signature of each key that `keys.key_of` can return."""

LETTERS = "FCGDAEB"
SPAN_TICKS = 4 * TICKS_PER_QUARTER  # how far around a note other notes count
KEY_WEIGHT = 0.4  # of the key, relative to those notes
MAJOR_CENTRE, MINOR_CENTRE = 2.0, 3.0  # fifths above the signature; a minor key has its raised seventh
SHIFTS = np.arange(-6.0, 8.0)  # tried distances of a passage's centre from the key's


def fifths_of(notes: Notes, key: str | None) -> NDArray[np.int64]:
    """Return each note's place on the line of fifths, int64[n].

    C is 0, G 1, F -1, F sharp 6, B flat -2. The centre of a passage is where its pitch classes are closest together,
    near the key.
    """
    if len(notes) == 0:
        return np.empty(0, np.int64)
    signature = FIFTHS[key] if key is not None else 0
    centre = signature + (MINOR_CENTRE if key is not None and key.endswith("minor") else MAJOR_CENTRE)
    centres, classes = centre + SHIFTS, np.arange(12) * 7 % 12
    distance = _nearest(classes[:, None], centres[None, :]) - centres  # [pitch class, centre]
    weight = notes.duration.clip(1, SPAN_TICKS)[:, None] * (notes.pitch[:, None] % 12 == np.arange(12))
    sums = np.concatenate([np.zeros((1, 12)), np.cumsum(weight, axis=0)])
    low = np.searchsorted(notes.onset, notes.onset - SPAN_TICKS)
    high = np.searchsorted(notes.onset, notes.onset + SPAN_TICKS, side="right")
    around = sums[high] - sums[low]
    spread = around @ distance**2 / around.sum(axis=1, keepdims=True)
    best = centres[np.argmin(spread + KEY_WEIGHT * SHIFTS**2, axis=1)]
    return _nearest(classes[notes.pitch % 12], best)


def name_of(fifths: int, pitch: int) -> tuple[str, int, int]:
    """Return (letter, alteration, octave) of a pitch on the line of fifths."""
    letter = LETTERS[(fifths + 1) % 7]
    alter = (fifths + 1) // 7
    return letter, alter, (pitch - alter) // 12 - 1


def signature_of(fifths: int) -> dict[str, int]:
    """Return the alteration of each letter under a signature; flats are below 0."""
    return {letter: (fifths + 6 - place) // 7 for place, letter in enumerate(LETTERS)}


def _nearest(place: NDArray[np.int64], centre: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of each pitch class nearest to `centre`.

    Of two as near it is the flat one.
    """
    return place + 12 * np.ceil((centre - place) / 12 - 0.5).astype(np.int64)
