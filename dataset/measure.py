"""What the notes of a piece say of it: the columns of the catalog's MEASURES, from one reading of a file.

Pure functions, vectorised over the notes. Which pieces are measured, and in which processes, is `dataset.parse`'s business.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.notes import Notes, Reading, beats, seconds, tick_to_seconds

# Krumhansl and Kessler's probe-tone ratings, C major and C minor, as in C. L. Krumhansl, Cognitive Foundations of Musical
# Pitch (Oxford University Press, 1990), p. 30; the key-finding method that correlates them with durations is its chapter 4.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
MAJOR_KEYS = tuple(f"{tonic} major" for tonic in ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"])
MINOR_KEYS = tuple(f"{tonic} minor" for tonic in ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"])


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of one piece; names, units and ranges are those of catalog.schema.MEASURES.

    `pitches`, the number of different pitches, is for the filters and stays out of the catalog.
    """

    notes: int
    tracks: int
    duration_s: float | None = None
    beats: float | None = None
    tempo_bpm: float | None = None
    time_signature: str | None = None
    key: str | None = None
    pitch_low: int | None = None
    pitch_high: int | None = None
    polyphony: float | None = None
    note_density: float | None = None
    piano_share: float | None = None
    drum_share: float | None = None
    grid_error: float | None = None
    pitches: int = 0


UNREADABLE = Measures(notes=0, tracks=0)


def measure(reading: Reading) -> Measures:
    """Return the measures of a piece; of one without notes (but drums) only the counts and `drum_share` are known."""
    notes, count = reading.notes, len(reading.notes)
    sounding = count + reading.drum_notes
    drum_share = reading.drum_notes / sounding if sounding else None
    if count == 0:
        return Measures(notes=0, tracks=reading.tracks, drum_share=drum_share)
    length_s = seconds(notes)
    return Measures(
        notes=count,
        tracks=reading.tracks,
        duration_s=length_s,
        beats=beats(notes),
        tempo_bpm=_longest(notes, [tick for tick, _ in notes.tempos], [qpm for _, qpm in notes.tempos]),
        time_signature=_longest(
            notes,
            [change[0] for change in notes.time_signatures],
            [f"{over}/{under}" for _, over, under in notes.time_signatures],
        ),
        key=key_of(notes),
        pitch_low=int(notes.pitch.min()),
        pitch_high=int(notes.pitch.max()),
        polyphony=polyphony(notes),
        note_density=count / length_s,
        piano_share=reading.piano_notes / count,
        drum_share=drum_share,
        grid_error=reading.grid_error,
        pitches=int(np.count_nonzero(np.bincount(notes.pitch))),
    )


def key_of(notes: Notes) -> str | None:
    """Return the key whose profile correlates best with the time that each pitch class sounds, such as "F# minor".

    Krumhansl and Schmuckler's method (source above). None where every pitch class sounds for the same time. Drums are no
    part of `Notes`; velocity plays no part.
    """
    weight = np.bincount(notes.pitch % 12, notes.duration, 12)
    weight = weight - weight.mean()
    norm = float(np.sqrt(weight @ weight))
    if norm < 1e-9:
        return None
    best = int(np.argmax(_PROFILES @ (weight / norm)))
    return (MAJOR_KEYS + MINOR_KEYS)[best]


def polyphony(notes: Notes) -> float:
    """Return the mean number of notes that sound together while any note sounds, weighted by beats; >= 1."""
    ends = np.maximum.accumulate(notes.end)
    silent = np.maximum(notes.onset[1:] - ends[:-1], 0).sum()
    covered = int(ends[-1]) - int(notes.onset[0]) - int(silent)
    return float(notes.duration.sum(dtype=np.int64)) / covered


def _profiles() -> NDArray[np.float64]:
    """Return the 24 profiles, rows of mean 0 and length 1: the twelve major keys from C up, then the minor ones."""
    rows = np.array([np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


_PROFILES = _profiles()


def _longest(notes: Notes, ticks: list[int], values: list[Any]) -> Any:
    """Return the value in force for the most seconds between the first onset and the last end; the earlier one of equals."""
    if len(values) == 1:
        return values[0]
    first, last = int(notes.onset[0]), int(notes.end.max())
    bounds = tick_to_seconds(notes.tempos, np.clip([*ticks, last], first, last))
    held: dict[Any, float] = {}
    for value, length in zip(values, np.diff(bounds).tolist(), strict=True):
        held[value] = held.get(value, 0.0) + length
    return max(held, key=lambda value: held[value])
