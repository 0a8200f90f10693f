"""Excerpts of pieces for a blind test: all of one length, with one piano, one loudness and no tags.

In: sources of pieces, and a random generator. Out: excerpts in random order, and their sound as MP3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dataset.notes.meter import bars_of
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from training.rendering.audio import RATE, encode_audio, mix_notes
from training.sound.loudness import level_sound

Maker = Literal["person", "computer"]
LEAST_NOTES_A_SECOND = 0.5  # of an excerpt: a pause tells nothing
FADE_S = 1.0  # at the end of an excerpt


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Pieces of one origin, each with a name that the key gives."""

    name: str
    maker: Maker
    pieces: Sequence[tuple[str, Notes]]


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """A part of a piece: its source, the piece's name, where it begins there in seconds, and its notes from tick 0."""

    source: str
    maker: Maker
    piece: str
    start: float
    notes: Notes


def choose_excerpts(source: Source, count: int, seconds: float, rng: np.random.Generator) -> list[Excerpt]:
    """Return excerpts of at most `count` pieces of a source, one a piece, drawn at random.

    Pieces that last less than `seconds`, or have hardly a note, are left out.
    """
    found: list[Excerpt] = []
    for at in rng.permutation(len(source.pieces)).tolist():
        name, notes = source.pieces[at]
        starts = find_starts(notes, seconds)
        if len(starts) and len(found) < count:
            tick = int(rng.choice(starts))
            start = round(float(tick_to_seconds(notes.tempos, tick)), 3)
            found.append(Excerpt(source.name, source.maker, name, start, notes_from(notes, tick, seconds)))
    return found


def find_starts(notes: Notes, seconds: float) -> NDArray[np.int64]:
    """Return the ticks at which an excerpt of `seconds` can begin: with a note, on a bar line if there is such a note.

    There are none if the piece is shorter, or has hardly a note in any such stretch.
    """
    if len(notes) == 0:
        return np.zeros(0, np.int64)
    onsets = np.unique(notes.onset).astype(np.int64)
    begin = tick_to_seconds(notes.tempos, onsets)
    times = tick_to_seconds(notes.tempos, notes.onset)
    last = float(tick_to_seconds(notes.tempos, int(notes.end.max())))
    within = np.searchsorted(times, begin + seconds) - np.searchsorted(times, begin)
    usable = onsets[(begin + seconds <= last + 1e-6) & (within >= LEAST_NOTES_A_SECOND * seconds)]
    lines = [bar.start for bar in bars_of(notes.time_signatures, int(notes.end.max()))]
    on_lines = usable[np.isin(usable, lines)]
    return on_lines if len(on_lines) else usable


def notes_from(notes: Notes, start: int, seconds: float) -> Notes:
    """Return the notes that begin within `seconds` from tick `start`, which becomes tick 0."""
    times = tick_to_seconds(notes.tempos, notes.onset)
    end = float(tick_to_seconds(notes.tempos, start)) + seconds
    kept = np.flatnonzero((notes.onset >= start) & (times < end))
    return replace(
        notes,
        onset=notes.onset[kept] - start,
        duration=notes.duration[kept],
        pitch=notes.pitch[kept],
        velocity=notes.velocity[kept],
        hand=notes.hand[kept],
        pedal_group=notes.pedal_group[kept],
        pedals=tuple((group, max(0, down - start), up - start) for group, down, up in notes.pedals if up > start),
        tempos=tuple((max(0, tick - start), qpm) for tick, qpm in notes.tempos),
        time_signatures=(),
        key_signatures=(),
    )


def excerpt_sound(excerpt: Excerpt, seconds: float, *, soundfont: Path | None = None) -> bytes:
    """Return an excerpt as an MP3 of exactly `seconds`, at -16 LUFS and without tags; its end is faded out."""
    whole = mix_notes(excerpt.notes, soundfont=soundfont)
    sound = np.zeros((round(seconds * RATE), 2), np.float32)
    length = min(len(sound), len(whole))
    sound[:length] = whole[:length]
    fade = min(round(FADE_S * RATE), len(sound))
    sound[len(sound) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return encode_audio(level_sound(sound, RATE), "mp3", RATE)
