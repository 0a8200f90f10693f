"""Features of what each hand repeats and of how lines move, which a judge found to give composed music away.

A hand's bar is compared with earlier bars of the same hand: whether it has their rhythm, and if so, whether it has their
shape, there or transposed. A hand's line is the lowest notes of the left hand or the highest of the right one; that of
the right hand is called the melody. Features are shares or bits. What a piece has no case of is unknown, NaN: a share of
no pairs of bars says nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from music_features_cut import Cut, Ints, entropy
from music_features_form import heard_before

BACK = (1, 2, 4)  # bars before that a hand's bar is compared with
LEAST_IN_BAR = 3  # notes that a bar needs to be compared
LEAST_MOVES = 10  # of a line, for its complexity
FIGURE = 5  # notes of a figure, known by its shape
STEP = 2  # semitones of the largest step, and of the largest second
TRITONE = 6
CHANGED = ("transposed", "contour", "reshaped")
"""What a bar with the rhythm of another may have of its pitches: all intervals, all directions, or less."""
STREAM_REACH, STREAM_REST, STREAM_OVERLAP = 12, 96, 2
"""Semitones and ticks from note to note of a stream, and ticks that the earlier one may last too long."""


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """The notes of a hand. A chord is what it strikes at one tick, be it one note."""

    onset: Ints  # [notes]
    duration: Ints
    pitch: Ints
    place: Ints  # ticks from the bar line
    bar: Ints
    first: Ints  # [chords] the lowest note of each
    last: Ints  # [chords] the highest note of each
    line: Ints  # [chords] the outer pitch of each

    @property
    def gap(self) -> Ints:
        """The ticks from each chord to the next, [chords - 1]."""
        return np.diff(self.onset[self.first])


@dataclass(frozen=True, slots=True)
class Bar:
    """A hand's bar, as bytes to compare."""

    rhythm: bytes
    pitches: bytes
    intervals: bytes
    directions: bytes


def hands(piece: Cut) -> dict[str, float]:
    """Return what each hand takes from its earlier bars and figures, and how its chords follow each other."""
    found = {}
    for name in ("left", "right"):
        hand = hand_of(piece, left=name == "left")
        moves = np.diff(hand.line)
        features = {
            **_bars(hand, max(1, piece.bars - 1)),  # the last bar may be cut
            "figures_heard": heard_before(_shape(moves), FIGURE) if len(moves) >= FIGURE - 1 else np.nan,
            "motifs_transposed": _transposed(hand.line),
            "intervals_complexity": complexity(moves),
            "rhythm_complexity": complexity(hand.gap),
            **_chords(hand),
        }
        found |= {f"{name}_{what}": value for what, value in features.items()}
    return found


def melody(piece: Cut) -> dict[str, float]:
    """Return how the melody moves, and how open its next note and the bass's are after those before."""
    line = hand_of(piece, left=False).line
    moves = np.diff(line)
    size = np.abs(moves)
    sign = np.sign(moves[moves != 0])
    pitches = line % 12
    bass = np.diff(hand_of(piece, left=True).line)
    back = (moves[1:] == -moves[:-1]) & (size[1:] > 0) & (size[1:] <= STEP)
    still = size == 0
    return {
        "melody_turns": known(sign[1:] != sign[:-1]),
        "melody_steps": known((size > 0) & (size <= STEP)),
        "melody_wobbles": known(back),  # a step away and back
        "melody_stalls": known(still[2:] & still[1:-1] & still[:-2]),  # a pitch four times
        "melody_tritones": known(size == TRITONE),
        "melody_entropy_after_two": given(pitches[:-2] * 12 + pitches[1:-1], pitches[2:]),
        "bass_intervals_entropy": given(bass[:-1], bass[1:]),  # of each one after the one before
    }


def voices(piece: Cut) -> dict[str, float]:
    """Return how many notes run on as one voice, how their number changes, and which seconds are struck."""
    length = np.array(streams(piece))
    size = piece.struck.sum(axis=1)
    struck = piece.struck
    second = (struck[:, 1:] & struck[:, :-1]).any(axis=1) | (struck[:, 2:] & struck[:, :-2]).any(axis=1)
    return {
        "stream_length": float(length.mean()),
        "streams_single": known(length == 1),
        "sounding_changes": known(np.diff(piece.sounding.sum(axis=1)) != 0),
        "seconds_struck": known(second[size > 1]),  # of chords
        "seconds_bare": known(second[size == 2]),  # of chords of two
    }


def durations(piece: Cut) -> dict[str, float]:
    """Return how far durations follow from the rhythm and from earlier bars, and how many velocities there are."""
    gaps, lengths = [], []
    for left in (True, False):
        hand = hand_of(piece, left=left)
        chord = np.searchsorted(hand.onset[hand.first], hand.onset)
        follows = chord < len(hand.first) - 1
        gaps.append(hand.gap[chord[follows]])
        lengths.append(hand.duration[follows])
    return {
        "duration_given_gap": given(np.concatenate(gaps), np.concatenate(lengths)),
        "repeated_bars_held_anew": _held_anew(piece),
        "velocity_values": float(len(np.unique(piece.velocity))),
    }


def hand_of(piece: Cut, left: bool) -> Hand:
    """Return the notes of one hand."""
    held = piece.left == left
    onset, duration, pitch, place, bar = (
        column[held] for column in (piece.onset, piece.duration, piece.pitch, piece.place, piece.bar)
    )
    first = np.flatnonzero(np.diff(onset, prepend=-1) > 0)
    last = first + np.diff(np.append(first, len(onset))) - 1
    return Hand(onset, duration, pitch, place, bar, first, last, pitch[first if left else last])


def known(flags: npt.ArrayLike) -> float:
    """Return the share of true values, NaN of none."""
    values = np.asarray(flags)
    return float(values.mean()) if values.size else float("nan")


def given(before: Ints, value: Ints) -> float:
    """Return the entropy of values given what comes before each, in bits; NaN of none."""
    if not len(value):
        return float("nan")
    names, code = np.unique(value, return_inverse=True)
    situation = np.unique(before, return_inverse=True)[1]
    return max(0.0, entropy(situation * len(names) + code) - entropy(situation))


def complexity(values: Ints) -> float:
    """Return the complexity of Lempel and Ziv (1976), which is near 0 for a pattern that is repeated.

    That is the number of phrases, each the shortest that has not come before, over what random bits of that length
    tend to. NaN for fewer than LEAST_MOVES values.
    """
    count = len(values)
    if count < LEAST_MOVES:
        return float("nan")
    text = "".join(map(chr, np.unique(values, return_inverse=True)[1].tolist()))
    phrases = start = 0
    while start < count:
        end = start + 1
        while end <= count and text.find(text[start:end], 0, end - 1) >= 0:
            end += 1
        phrases += 1
        start = end
    return float(phrases * np.log2(count) / count)


def streams(piece: Cut) -> list[int]:
    """Return the number of notes of each stream.

    A note continues the nearest stream that has ended, is not long silent and within reach; else it begins one. The
    nearest pairs of a chord's notes and streams are joined first.
    """
    lengths: list[int] = []
    live: list[tuple[int, int, int, int]] = []  # last pitch, onset and end, and number of each stream
    edges = [*piece.first.tolist(), len(piece.pitch)]
    pitches, ends = piece.pitch.tolist(), (piece.onset + piece.duration).tolist()
    for tick, start, stop in zip(piece.ticks.tolist(), edges[:-1], edges[1:], strict=True):
        live = [stream for stream in live if tick - stream[1] <= STREAM_REST]
        near = [
            (abs(pitches[note] - pitch), note, number)
            for note in range(start, stop)
            for pitch, _, end, number in live
            if end <= tick + STREAM_OVERLAP and abs(pitches[note] - pitch) <= STREAM_REACH
        ]
        joined: dict[int, int] = {}
        for _, note, number in sorted(near):
            if note not in joined and number not in joined.values():
                joined[note] = number
        for note in range(start, stop):
            if note not in joined:
                joined[note] = len(lengths)
                lengths.append(0)
            lengths[joined[note]] += 1
        continued = set(joined.values())
        live = [stream for stream in live if stream[3] not in continued]
        live += [(pitches[note], tick, ends[note], number) for note, number in joined.items()]
    return lengths


def _bars(hand: Hand, bars: int) -> dict[str, float]:
    """Return how often a bar has the rhythm of one before it, and how often its pitches then changed in which way."""
    held = [_bar(hand, start, stop) for start, stop in _spans(hand.bar, bars)]
    changes: list[str] = []
    found = {}
    for back in BACK:
        pairs = [(held[bar], held[bar - back]) for bar in range(back, bars)]
        both = [(one, other) for one, other in pairs if one is not None and other is not None]
        found[f"rhythm_same_{back}"] = known([one.rhythm == other.rhythm for one, other in both])
        changes += [_change(one, other) for one, other in both]
    return {**found, **{f"bars_{kind}": known([change == kind for change in changes]) for kind in CHANGED}}


def _spans(bar: Ints, bars: int) -> Iterator[tuple[int, int]]:
    """Return where the notes of each of the first bars begin and stop."""
    return pairwise(np.searchsorted(bar, np.arange(bars + 1)).tolist())


def _bar(hand: Hand, start: int, stop: int) -> Bar | None:
    """Return a bar of a hand, None if it has too few notes to be compared."""
    if stop - start < LEAST_IN_BAR:
        return None
    pitch = hand.pitch[start:stop]
    moves = np.diff(pitch)
    columns = (hand.place[start:stop], pitch, moves, np.sign(moves))
    return Bar(*(column.tobytes() for column in columns))


def _change(one: Bar, other: Bar) -> str:
    """Return how the pitches of two bars of one rhythm differ, "" for no difference or another rhythm."""
    if one.rhythm != other.rhythm or one.pitches == other.pitches:
        return ""
    if one.intervals == other.intervals:
        return "transposed"
    return "contour" if one.directions == other.directions else "reshaped"


def _shape(moves: Ints) -> Ints:
    """Return the direction of each move, twice that of a leap."""
    return np.sign(moves) * np.where(np.abs(moves) > STEP, 2, 1)


def _transposed(line: Ints) -> float:
    """Return the share of motifs of four notes that came before, but only from other pitches.

    One note repeated is no motif.
    """
    pitches, moves = line.tolist(), np.diff(line).tolist()
    seen: dict[tuple[int, ...], set[int]] = {}
    found = []
    for pitch, *motif in zip(pitches, moves, moves[1:], moves[2:], strict=False):
        if any(motif):
            starts = seen.setdefault(tuple(motif), set())
            found.append(bool(starts) and pitch not in starts)
            starts.add(pitch)
    return known(found)


def _chords(hand: Hand) -> dict[str, float]:
    """Return how often a moving chord of two keeps its interval, and a chord the number of its notes."""
    size = hand.last - hand.first + 1
    wide = hand.pitch[hand.last] - hand.pitch[hand.first]
    moving = (size[1:] == 2) & (size[:-1] == 2) & (np.diff(hand.line) != 0)
    change = np.abs(np.diff(wide))[moving]
    return {
        "pairs_near": known(change <= 1),
        "pairs_same": known(change == 0),
        "size_changes": known(np.diff(size) != 0),
    }


def _held_anew(piece: Cut) -> float:
    """Return the share of bars with the onsets and pitches of an earlier bar, but not its durations."""
    bars = max(1, piece.bars - 1)  # the last bar may be cut
    key = piece.place * 128 + piece.pitch
    seen: dict[bytes, bytes] = {}
    anew = []
    for start, stop in _spans(piece.bar, bars):
        if stop - start >= LEAST_IN_BAR:
            struck, held = key[start:stop].tobytes(), piece.duration[start:stop].tobytes()
            if struck in seen:
                anew.append(seen[struck] != held)
            seen[struck] = held
    return known(anew)
