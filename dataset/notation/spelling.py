"""Spell pitches: C sharp or D flat. Pure.

In: notes and their key; out: a place on the line of fifths (… B♭ F C G D A E B F♯ …) for each note. Each note takes the
name nearest to the key and to the notes around it, after D. Temperley, The Cognition of Basic Musical Structures (MIT
Press, 2001), chapter 5, unless it then would move by an interval such as from E sharp to E flat, or by a chromatic semitone
where a diatonic one is possible: a note goes to the next one by a step of the scale, as voice leading is weighed there too.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

Ints = NDArray[np.int32]

LETTERS = "FCGDAEB"
SPAN_TICKS = 4 * TICKS_PER_QUARTER  # how far around a note other notes count
KEY_WEIGHT = 0.4  # of the key, relative to those notes
MAJOR_CENTRE, MINOR_CENTRE = 2.0, 3.0  # fifths above the signature; a minor key has its raised seventh
MAX_FIFTHS, MIN_FIFTHS = 12, -8  # B sharp and F flat
LEADING_NOTE = 8  # fifths of the raised seventh of a minor key above its signature
REACH = 2  # semitones by which a note moves, at most, for its interval to count
PLAIN = 5  # fifths of the steps of a scale: a whole tone has 2, a diatonic semitone 5, a chromatic one 7
LEAVING, COMING = 0.25, 0.125  # what each fifth more costs, to the next note and from the last one
STAYING = 0.05  # the same, to the chord after the next one, of notes of the same pitch
FAR = 6  # fifths from the centre that cost 1; costs grow with their square
SWEEPS = 3  # in which each note is spelled anew
SHIFTS = np.arange(-6.0, 8.0)  # tried distances of a passage's centre from the key's


def fifths_of(notes: Notes, signature: NDArray[np.int64], is_minor: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return each note's place on the line of fifths, int64[n].

    signature, is_minor   int64[n] and bool[n], the key in force at each note: its sharps, or below 0 flats, and its mode

    C is 0, G 1, F -1, F sharp 6, B flat -2. The centre of a passage is where its pitch classes are closest together, near
    the key. A change of key separates passages. Double sharps and flats are left to the keys that have them: the raised
    seventh of G sharp minor, and signatures of six or more flats.
    """
    found = np.empty(len(notes), np.int64)
    if len(notes) == 0:
        return found
    changes = np.flatnonzero((np.diff(signature) != 0) | np.diff(is_minor)) + 1
    for first, last in pairwise([0, *changes.tolist(), len(notes)]):
        own, sharps, minor = slice(first, last), int(signature[first]), bool(is_minor[first])
        centre = sharps + (MINOR_CENTRE if minor else MAJOR_CENTRE)
        places = _spelled(notes.onset[own], notes.duration[own], notes.pitch[own], centre)
        highest = max(MAX_FIFTHS, sharps + LEADING_NOTE) if minor else MAX_FIFTHS
        lowest = MIN_FIFTHS if sharps > -6 else MIN_FIFTHS - 3
        found[own] = places - 12 * (places > highest) + 12 * (places < lowest)
    return found


def _spelled(onset: Ints, duration: Ints, pitch: NDArray[np.uint8], centre: float) -> NDArray[np.int64]:
    """Return the places of notes in one key with this centre."""
    centres, classes = centre + SHIFTS, np.arange(12) * 7 % 12
    distance = _nearest(classes[:, None], centres[None, :]) - centres  # [pitch class, centre]
    weight = duration.clip(1, SPAN_TICKS)[:, None] * (pitch[:, None] % 12 == np.arange(12))
    sums = np.concatenate([np.zeros((1, 12)), np.cumsum(weight, axis=0)])
    low = np.searchsorted(onset, onset - SPAN_TICKS)
    high = np.searchsorted(onset, onset + SPAN_TICKS, side="right")
    around = sums[high] - sums[low]
    spread = around @ distance**2 / around.sum(axis=1, keepdims=True)
    best = centres[np.argmin(spread + KEY_WEIGHT * SHIFTS**2, axis=1)]
    return _moving_by_steps(_nearest(classes[pitch % 12], best), best, onset, pitch)


def _moving_by_steps(
    places: NDArray[np.int64], centre: NDArray[np.float64], onset: Ints, pitch: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Return the places after weighing their distance from each one's centre against the intervals by which notes move."""
    chord = np.cumsum(np.diff(onset, prepend=onset[:1]) > 0, dtype=np.int64)
    moves, stays = _joined(chord, pitch.astype(np.int64), 1, REACH), _joined(chord, pitch.astype(np.int64), 2, 0)
    steps = [(*moves, LEAVING), (*moves[::-1], COMING)]
    for joined in (steps, [*steps, (*stays, STAYING), (*stays[::-1], STAYING)]):  # by steps first, then all alike
        for _ in range(SWEEPS):
            before = places
            for turn in range(3):  # notes are joined to those of the next two chords and of the last two
                tried = places + np.array([[0], [-12], [12]])
                cost = ((tried - centre) / FAR) ** 2
                for own, other, price in joined:
                    cost[:, own] += price * np.maximum(np.abs(tried[:, own] - places[other]) - PLAIN, 0)
                places = np.where(chord % 3 == turn, tried[cost.argmin(axis=0), np.arange(len(places))], places)
            if (places == before).all():
                break
    return places


def _joined(
    chord: NDArray[np.int64], pitch: NDArray[np.int64], step: int, reach: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of notes, `step` chords apart, each the nearest to the other one, at most `reach` semitones away."""
    after, before = (_nearest_in(chord, pitch, of) for of in (step, -step))
    own = np.flatnonzero(after >= 0)
    own = own[before[after[own]] == own]
    own = own[np.abs(pitch[after[own]] - pitch[own]) <= reach]
    return own, after[own]


def _nearest_in(chord: NDArray[np.int64], pitch: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """Return the note of the chord `step` chords later that is nearest to each note, the lower one of two; -1 for none."""
    keys = (chord << 7) + pitch  # ascending
    at = np.searchsorted(keys, keys + (step << 7))
    found, nearest = np.full(len(keys), -1), np.full(len(keys), 128)
    for other in (np.maximum(at - 1, 0), np.minimum(at, len(keys) - 1)):
        distance = np.abs(pitch[other] - pitch)
        is_nearer = (chord[other] == chord + step) & (distance < nearest)
        found, nearest = np.where(is_nearer, other, found), np.where(is_nearer, distance, nearest)
    return found


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
