"""Summarises the sources of a piece's notes by bar: its own earlier bars, and bars of training pieces.

In: the notes of a piece, their `NoteSources`, and the ticks from each note back to the one that it follows, where they
are known. Out: rows of bars that follow the same source, in order, and shares of notes. Pure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from training.events.encoding import classes
from training.events.fields import bars_at
from training.novelty.note_sources import NO_BAR, NoteSources, Numbers, SourceShare
from training.novelty.training_index import IndexedPiece

LEAST_SHARE = 0.5
"""A bar follows a source if at least this share of its notes do."""

Bars = tuple[int, int]
"""First and last bar, as the score numbers them."""


@dataclass(frozen=True, slots=True)
class BarSources:
    """Bars in a row that follow the same sources, bar by bar."""

    bars: Bars
    seconds: tuple[float, float]  # from the first onset to the first one after these bars, or the piece's end
    own: Bars | None  # earlier bars of the piece; None if they follow none
    piece: IndexedPiece | None  # the training piece that they stand beside; None if there is none
    there: Bars | None  # its bars
    passage: int  # matching notes of the longest passage of that piece around their notes; 0 for none
    transposition: int  # semitones from that piece to this one; 0 for none


@dataclass(frozen=True, slots=True)
class PieceSources:
    """Whom the notes of a piece are from. Shares are of its notes, 0–1."""

    own: float | None  # follow a note of an earlier bar of the piece; None if unknown
    beside: float  # stand beside a training piece that can be named
    shared: float  # lie in passages that several training pieces hold
    sequencers: tuple[SourceShare, ...]  # of the training pieces that they stand beside
    bars: tuple[BarSources, ...]  # each bar with notes, in order

    def rows(self) -> tuple[BarSources, ...]:
        """Return all bars, those together that go on with both sources."""
        return _joined(self.bars)

    def own_rows(self) -> tuple[BarSources, ...]:
        """Return the bars that follow earlier bars of the piece, those together that go on with them."""
        bars = _joined([replace(bar, piece=None, there=None, passage=0, transposition=0) for bar in self.bars])
        return tuple(bar for bar in bars if bar.own)

    def their_rows(self) -> tuple[BarSources, ...]:
        """Return the bars that stand beside a training piece, those together that go on with it."""
        return tuple(bar for bar in _joined([replace(bar, own=None) for bar in self.bars]) if bar.piece)


def piece_sources(notes: Notes, found: NoteSources, back: Sequence[int] = ()) -> PieceSources:
    """Return whom the notes of a piece are from.

    `back` are the ticks from each of the last notes to the earlier note that it follows, 0 for none; empty if unknown.
    """
    (_, onset), last = classes(notes), int(notes.end.max(initial=0))
    own = np.full(len(onset), NO_BAR)  # bar that each note follows
    if 0 < len(back) <= len(onset):
        ticks = np.asarray(back)
        origin = onset[-len(back) :] - ticks
        bars = bars_at(origin, notes.time_signatures)
        own[-len(back) :] = np.where((ticks > 0) & (origin >= 0) & (bars < found.bar[-len(back) :]), bars, NO_BAR)
    return PieceSources(
        own=float((own > NO_BAR).mean()) if len(back) else None,
        beside=1 - found.shared - found.alone if len(onset) else 0.0,
        shared=found.shared,
        sequencers=found.by_sequencer(),
        bars=_bars(found, own, tick_to_seconds(notes.tempos, [*onset.tolist(), last]).tolist()),
    )


def _bars(found: NoteSources, own: Numbers, seconds: list[float]) -> tuple[BarSources, ...]:
    """Return what each bar follows; `seconds` [n + 1] are those of the notes, and of the end."""
    begins = np.flatnonzero(np.diff(found.bar, prepend=NO_BAR)).tolist()
    return tuple(
        _bar(found, own, slice(begin, end), (seconds[begin], seconds[end]))
        for begin, end in pairwise([*begins, len(found)])
    )


def _joined(bars: Sequence[BarSources]) -> tuple[BarSources, ...]:
    """Return bars with those together that go on with the sources of the bar before."""
    rows: list[BarSources] = []
    for bar in bars:
        if rows and _goes_on(rows[-1], bar):
            rows[-1] = _both(rows[-1], bar)
        else:
            rows.append(bar)
    return tuple(rows)


def _bar(found: NoteSources, own: Numbers, notes: slice, seconds: tuple[float, float]) -> BarSources:
    """Return what one bar follows; `notes` are those of the bar."""
    bar, mine = int(found.bar[notes.start]), _most(own[notes], 0)
    row = BarSources((bar, bar), seconds, None if mine is None else (mine, mine), None, None, 0, 0)
    number = _most(found.piece[notes], 0)
    if number is None:
        return row
    here = np.flatnonzero(found.piece[notes] == number) + notes.start
    there, moved = (
        Counter(column[here].tolist()).most_common(1)[0][0] for column in (found.there_bar, found.transposition)
    )
    passage = int(found.passage[here].max())
    return replace(row, piece=found.sources.pieces[number], there=(there, there), passage=passage, transposition=moved)


def _most(values: Numbers, least: int) -> int | None:
    """Return the value that at least LEAST_SHARE of the notes have, of those from `least`; None if there is none."""
    [(value, count)] = Counter(values.tolist()).most_common(1)
    return int(value) if value >= least and count >= LEAST_SHARE * len(values) else None


def _goes_on(before: BarSources, row: BarSources) -> bool:
    """Return whether a bar goes on with the sources of the row before."""
    if row.bars[0] != before.bars[1] + 1 or row.transposition != before.transposition:
        return False
    if (before.own and before.own[1] + 1) != (row.own and row.own[0]):
        return False
    if before.piece is None or row.piece is None or before.there is None or row.there is None:
        return before.piece is row.piece
    return before.piece.sha256 == row.piece.sha256 and 0 <= row.there[0] - before.there[1] <= 1


def _both(before: BarSources, row: BarSources) -> BarSources:
    """Return both as one row."""

    def span(first: Bars | None, last: Bars | None) -> Bars | None:
        return None if first is None or last is None else (first[0], last[1])

    return replace(
        before,
        bars=(before.bars[0], row.bars[1]),
        seconds=(before.seconds[0], row.seconds[1]),
        own=span(before.own, row.own),
        there=span(before.there, row.there),
        passage=max(before.passage, row.passage),
    )
