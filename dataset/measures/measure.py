"""Compute the measures of a piece: the columns of the catalog's MEASURES.

In: the notes of one file. Out: `Measures`. Pure functions, vectorised over the notes; `dataset.parse` runs them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset.measures import texture
from dataset.measures.file_texts import texts_of
from dataset.measures.keys import key_of, pitch_class_entropy, scale_consistency
from dataset.measures.loops import loop_share
from dataset.midi.midi_reader import Reading
from dataset.notes.hands import hands_of
from dataset.notes.loop import find_loop
from dataset.notes.model import LEFT, Notes, beats, seconds
from dataset.notes.timing import TICKS_PER_QUARTER, tick_to_seconds


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of one piece; catalog.schema.MEASURES has their units and ranges."""

    notes: int
    tracks: int
    duration_s: float | None = None
    beats: float | None = None
    tempo_bpm: float | None = None
    time_signature: str | None = None
    key: str | None = None
    pitch_low: int | None = None
    pitch_high: int | None = None
    pitches: int = 0
    pitch_class_entropy: float | None = None
    scale_consistency: float | None = None
    polyphony: float | None = None
    polyphony_rate: float | None = None
    empty_beat_rate: float | None = None
    groove_consistency: float | None = None
    loop_share: float | None = None
    loop_start: int | None = None
    loop_bars: int | None = None
    note_density: float | None = None
    left_share: float | None = None
    piano_share: float | None = None
    drum_share: float | None = None
    on_grid: float | None = None
    grid_error: float | None = None
    pedal_share: float | None = None
    note_ons: int | None = None
    dropped_notes: int | None = None
    dropped: str | None = None
    unended_notes: int | None = None
    cut_short: int | None = None
    texts: str | None = None
    copyright: str | None = None
    licence_conflict: int | None = None


UNREADABLE = Measures(notes=0, tracks=0)


def measure(reading: Reading) -> Measures:
    """Return the measures of a piece.

    Without pitched notes only the counts, the texts and `drum_share` are known.
    """
    notes, count = reading.notes, len(reading.notes)
    sounding = count + reading.drum_notes
    drum_share = reading.drum_notes / sounding if sounding else None
    file = _file_measures(reading)
    if count == 0:
        return Measures(notes=0, tracks=reading.tracks, drum_share=drum_share, **file)
    length_s = reading.seconds or seconds(notes)  # every note of the file may have no length
    segments = texture.segments(notes)
    over, under = _dominant(
        notes, [tick for tick, *_ in notes.time_signatures], [(over, under) for _, over, under in notes.time_signatures]
    )
    loop = find_loop(notes)
    bar, rest = divmod(4 * TICKS_PER_QUARTER * over, under)
    return Measures(
        notes=count,
        tracks=reading.tracks,
        duration_s=length_s,
        beats=beats(notes),
        tempo_bpm=_dominant(notes, [tick for tick, _ in notes.tempos], [qpm for _, qpm in notes.tempos]),
        time_signature=f"{over}/{under}",
        key=key_of(notes),
        pitch_low=int(notes.pitch.min()),
        pitch_high=int(notes.pitch.max()),
        pitches=int(np.count_nonzero(np.bincount(notes.pitch))),
        pitch_class_entropy=pitch_class_entropy(notes),
        scale_consistency=scale_consistency(notes),
        polyphony=texture.polyphony(segments),
        polyphony_rate=texture.polyphony_rate(segments),
        empty_beat_rate=texture.empty_beat_rate(notes),
        groove_consistency=None if rest else texture.groove_consistency(notes, bar),
        loop_share=loop_share(notes),
        loop_start=loop.start if loop else None,
        loop_bars=loop.bars if loop else None,
        note_density=count / length_s,
        left_share=float(np.count_nonzero(hands_of(notes) == LEFT)) / count,
        piano_share=reading.piano_notes / count,
        drum_share=drum_share,
        on_grid=reading.on_grid,
        grid_error=reading.grid_error,
        pedal_share=float(np.count_nonzero(notes.sounding > notes.duration)) / count,
        **file,
    )


def _file_measures(reading: Reading) -> dict[str, Any]:
    """Return the measures of every file that can be read: its note-ons and its texts."""
    found = texts_of(reading.texts)
    return {
        "note_ons": reading.note_ons,
        "dropped_notes": sum(reading.dropped.values()),
        "dropped": dropped_text(reading.dropped),
        "unended_notes": reading.unended,
        "cut_short": int(reading.is_cut_short),
        "texts": found.texts,
        "copyright": found.copyright,
        "licence_conflict": int(found.is_restricted),
    }


def dropped_text(dropped: Mapping[str, int]) -> str | None:
    """Return note-ons by reason as "drums 120, other_instruments 7"."""
    return ", ".join(f"{reason} {count}" for reason, count in sorted(dropped.items()) if count) or None


def read_dropped(text: str | None) -> dict[str, int]:
    """Return the note-ons by reason in a text from `dropped_text`.

    Raises ValueError for other text.
    """
    parts = [part.rpartition(" ") for part in text.split(", ")] if text else []
    return {reason: int(count) for reason, _, count in parts}


def _dominant(notes: Notes, ticks: list[int], values: list[Any]) -> Any:
    """Return the value in force for the longest time; of equals the earlier one.

    Time is counted in seconds from the first onset to the last end.
    """
    if len(values) == 1:
        return values[0]
    first, last = int(notes.onset[0]), int(notes.end.max())
    bounds = tick_to_seconds(notes.tempos, np.clip([*ticks, last], first, last))
    seconds_of: dict[Any, float] = {}
    for value, length in zip(values, np.diff(bounds).tolist(), strict=True):
        seconds_of[value] = seconds_of.get(value, 0.0) + length
    return max(seconds_of, key=lambda value: seconds_of[value])
