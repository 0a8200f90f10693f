"""Names the training piece that each note of a piece stands beside.

In: a training index, and the notes of a piece. Out: for each note the training piece with the longest passage around
it, in any key and at several speeds, its bar there, and shares of notes by piece and by sequencer. Where several pieces
hold the longest passage, one at the same pitches and speed is named, or else none. Pure.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.model import Notes
from training.events.encoding import classes
from training.events.fields import bars_at
from training.novelty.passages import FoundPassages, Index, NoteLine, find
from training.novelty.training_index import IndexedPiece, TrainingIndex

NO_PIECE, SEVERAL = -1, -2
"""In place of a piece's number: no passage of a training piece is around the note; several pieces hold it."""
NO_BAR = -1
"""In place of a bar's number."""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class SourceShare:
    """The share of a piece's notes that stand beside one training piece, or beside those of one sequencer."""

    name: str  # SHA-256 of the training piece, or the sequencer as listed; empty for unnamed ones
    notes: int
    share: float  # of the notes of the piece, 0–1
    learned: float  # the training piece's or the sequencer's share of all training notes, 0–1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Notes in a row that stand beside the same passage of a training piece.

    Notes are numbered from 0, by onset, then pitch, without repeated pitches at one onset.
    """

    first: int
    last: int
    bars: tuple[int, int]  # of the first and the last note, as the score numbers them
    piece: IndexedPiece
    there_bars: tuple[int, int]  # their bars in the training piece
    passage: int  # matching notes of the passage, with those before and after the stretch
    transposition: int  # semitones from the training piece to this one


@dataclass(frozen=True, slots=True, eq=False)
class NoteSources:
    """The source of each note [n], numbered as in `Stretch`.

    bar            int32, its bar, as the score numbers it
    piece          int32, number of the training piece; NO_PIECE or SEVERAL for none
    number         int64, number of the longest passage around it, -1 for none
    there_bar      int32, its bar in the training piece; NO_BAR for none
    passage        int64, matching notes of that passage, 0 for none
    transposition  int16, semitones from the training piece to the note
    """

    sources: TrainingIndex
    bar: Numbers
    piece: Numbers
    number: Numbers
    there_bar: Numbers
    passage: Numbers
    transposition: Numbers

    @classmethod
    def of(cls, sources: TrainingIndex, notes: Notes) -> "NoteSources":
        """Return the sources of the notes of a piece."""
        line = NoteLine.of(notes)
        found = find(sources.index, line)
        nearest, passage, is_shared = _nearest(sources.index, line, found)
        _, onset = classes(notes)
        piece, there_bar = np.full(len(onset), NO_PIECE, np.int32), np.full(len(onset), NO_BAR, np.int32)
        transposition = np.zeros(len(onset), np.int16)
        for at in np.unique(nearest[nearest >= 0]).tolist():
            here = np.flatnonzero((nearest == at) & ~is_shared)
            first, there_first, there_last = (
                int(column[at]) for column in (found.first, found.there_first, found.there_last)
            )
            number = _piece_of(sources.index, there_first)
            tick = sources.onset[there_first] + np.round((onset[here] - onset[first]) * found.ratio[at])
            tick = np.minimum(tick, sources.onset[there_last])
            piece[here], there_bar[here] = number, bars_at(tick, sources.pieces[number].time_signatures)
            transposition[here] = int(line.pitch[first]) - int(sources.index.pitch[there_first])
        piece[is_shared] = SEVERAL
        bar = bars_at(onset, notes.time_signatures)
        return cls(sources, bar, piece, nearest, there_bar, passage, transposition)

    def __len__(self) -> int:
        return len(self.piece)

    @property
    def shared(self) -> float:
        """Share of the notes, 0–1, whose longest passage several training pieces hold."""
        return float((self.piece == SEVERAL).mean()) if len(self) else 0.0

    @property
    def alone(self) -> float:
        """Share of the notes, 0–1, that lie in no passage of a training piece."""
        return float((self.piece == NO_PIECE).mean()) if len(self) else 0.0

    def by_piece(self) -> tuple[SourceShare, ...]:
        """Return the shares of notes by training piece, the largest first."""
        return self._shares([piece.sha256 for piece in self.sources.pieces])

    def by_sequencer(self) -> tuple[SourceShare, ...]:
        """Return the shares of notes by sequencer, the largest first."""
        return self._shares([piece.sequencer for piece in self.sources.pieces])

    def stretches(self) -> tuple[Stretch, ...]:
        """Return the notes with a named source as stretches, in order."""
        is_new = (np.diff(self.number, prepend=-2) != 0) | (np.diff(self.piece, prepend=SEVERAL) != 0)
        begins = np.flatnonzero(is_new)
        ends = np.append(begins, len(self))[1:] - 1
        return tuple(
            Stretch(
                first,
                last,
                (int(self.bar[first]), int(self.bar[last])),
                self.sources.pieces[self.piece[first]],
                (int(self.there_bar[first]), int(self.there_bar[last])),
                int(self.passage[first]),
                int(self.transposition[first]),
            )
            for first, last in zip(begins.tolist(), ends.tolist(), strict=True)
            if self.piece[first] >= 0
        )

    def _shares(self, names: list[str]) -> tuple[SourceShare, ...]:
        """Return shares by the name of each training piece."""
        lengths = np.diff(self.sources.index.first).tolist()
        learned: Counter[str] = Counter()
        for name, length in zip(names, lengths, strict=True):
            learned[name] += length
        counted = Counter(names[number] for number in self.piece[self.piece >= 0].tolist())
        total = max(1, sum(lengths))
        return tuple(
            SourceShare(name, notes, notes / len(self), learned[name] / total)
            for name, notes in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        )


def _piece_of(index: Index, note: int) -> int:
    """Return the number of the piece that a note of the index belongs to."""
    return int(np.searchsorted(index.first, note, side="right")) - 1


def _nearest(index: Index, line: NoteLine, found: FoundPassages) -> tuple[Numbers, Numbers, Numbers]:
    """Return for each note of `line` the number of the nearest passage around it, and its matching notes.

    Also returns whether passages of several pieces are equally near. Number −1 and 0 notes stand for none.
    """
    pieces = np.searchsorted(index.first, found.there_first, side="right") - 1
    is_moved = line.pitch[found.first] != index.pitch[found.there_first]
    nearness = found.notes * 4 + (found.ratio == 1) * 2 + ~is_moved
    at, best = np.full(len(line.tick), -1, np.int64), np.zeros(len(line.tick), np.int64)
    is_shared = np.zeros(len(line.tick), bool)
    for number in np.lexsort((pieces, nearness)).tolist():
        span = slice(int(found.first[number]), int(found.last[number]) + 1)
        is_nearer = best[span] < nearness[number]
        is_shared[span] = ~is_nearer & (is_shared[span] | (pieces[at[span]] != pieces[number]))
        at[span] = np.where(is_nearer, number, at[span])
        best[span] = nearness[number]
    return at, best // 4, is_shared
