"""Finds passages shared with other music, in any key and at several speeds.

In: an index of a corpus's notes, and the notes of a piece. Out: stretches of the piece that occur in the corpus, with
place and transposition. Seed and extend, as in BLAST (Altschul et al. 1990): a seed is six notes with the same
intervals and rhythm as six notes of the index. From there a matching note scores 1, an added or missing one −1, and a
wrong one, which is both, −2. A passage ends at its best score, once the score has fallen by more than four. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.model import Notes
from training.events.encoding import classes
from training.events.fields import EDGES, PITCH, to_class
from training.novelty.seed_hashes import SEED, line_hashes

MIN_PASSAGE_NOTES = 8  # minimum matching notes of a passage
WRONG_PENALTY, MAX_DROP = 1, 4
REACH = 3  # a matching note is one of the next three of the indexed piece
MAX_PLACES = 64  # places followed per seed; of more, an even selection is taken
RATIOS = (1.0, 1 / 2, 2.0, 2 / 3, 3 / 2, 3 / 4, 4 / 3)
"""Speeds that are searched: ticks of the indexed piece per tick of the compared piece."""

EXACT_TICKS, TIME_TOLERANCE = 48, 0.1  # longer times are known by class only; they match within a tenth
_FAR = np.arange(1, REACH + 1)[:, None]
_PIECE_GAP = 1 << 14  # ticks between two pieces of an index; no passage spans them

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a piece that also occurs in an indexed piece.

    Notes `first` to `last` of the piece correspond to notes `there_first` to `there_last` of piece number `piece`.
    `notes` of them match. The indexed piece is transposed by `transposition` semitones and played `ratio` times as
    fast.
    """

    first: int
    last: int
    piece: int
    there_first: int
    there_last: int
    notes: int
    transposition: int
    ratio: float


@dataclass(frozen=True, slots=True, eq=False)
class NoteLine:
    """Notes of a piece in the form in which passages are compared.

    tick [n] (int64) and pitch [n] (int16), sorted by onset, then pitch.
    """

    tick: Numbers
    pitch: Numbers

    @classmethod
    def of(cls, notes: Notes) -> "NoteLine":
        """Return the line of a piece, without repeated pitches at one onset."""
        rows, onset = classes(notes)
        return cls.at(onset, rows[:, PITCH])

    @classmethod
    def at(cls, onset: Numbers, pitch: Numbers) -> "NoteLine":
        """Return the line of notes with these onsets in ticks.

        Times between onsets are rounded to the event classes.
        """
        times = EDGES[to_class(np.diff(onset, prepend=onset[:1]))]
        return cls(np.cumsum(times).astype(np.int64), np.asarray(pitch, np.int16))


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """The notes of many pieces, with a lookup table of seeds.

    The arrays may be memory-mapped.
    """

    first: Numbers  # [pieces + 1], first note of each piece, and the total
    tick: Numbers  # [n], of each note, with gaps between pieces
    pitch: Numbers  # [n], of each note
    hashes: Numbers  # [seeds], sorted
    places: Numbers  # [seeds], first note of each seed

    @classmethod
    def of(cls, lines: Sequence[NoteLine]) -> "Index":
        """Return an index of pieces, numbered in this order."""
        first = np.cumsum([0, *(len(line.tick) for line in lines)], dtype=np.int64)
        ends = np.cumsum(
            [0, *(int(line.tick[-1]) + _PIECE_GAP if len(line.tick) else 0 for line in lines)], dtype=np.int64
        )
        narrow = np.int32 if first[-1] < 2**31 and ends[-1] < 2**31 else np.int64
        tick, pitch = np.zeros(first[-1], narrow), np.zeros(first[-1], np.int8)
        hashes, whole = np.zeros(first[-1], np.uint64), np.zeros(first[-1], bool)
        for line, begin, end, later in zip(lines, first[:-1].tolist(), first[1:].tolist(), ends.tolist(), strict=False):
            tick[begin:end], pitch[begin:end] = line.tick + later, line.pitch
            hashes[begin:end], whole[begin:end] = line_hashes(line.tick, line.pitch, 1.0)
        order = np.argsort(hashes, kind="stable").astype(narrow)
        order = order[whole[order]]
        return cls(first, tick, pitch, hashes[order], order)

    def __len__(self) -> int:
        return len(self.tick)


@dataclass(frozen=True, slots=True, eq=False)
class FoundPassages:
    """The passages of one piece as arrays [passages], unsorted; see `Passage`."""

    first: Numbers
    last: Numbers
    there_first: Numbers  # note numbers of the whole index
    there_last: Numbers
    notes: Numbers
    ratio: Numbers

    def inside(self, least: int, length: int) -> npt.NDArray[np.bool_]:
        """Return which of `length` notes lie in passages of at least `least` notes."""
        enough = self.notes >= least
        ends = np.zeros(length + 1, np.int64)
        np.add.at(ends, self.first[enough], 1)
        np.add.at(ends, self.last[enough] + 1, -1)
        return np.cumsum(ends[:-1]) > 0

    @property
    def longest(self) -> int:
        """Number of matching notes of the longest passage; 0 without passages."""
        return int(self.notes.max(initial=0))


def find(index: Index, line: NoteLine) -> FoundPassages:
    """Return all passages of `line` with at least MIN_PASSAGE_NOTES matching notes.

    A seed with more than MAX_PLACES places is followed from that many of them, so a figure that occurs everywhere is
    reported with some of its places only.
    """
    q, t, ratio = _seeds(index, line)
    right = np.ones(len(q), np.int64)
    ends = []
    for direction, limit in ((1, len(line.tick)), (-1, -1)):
        counted, _, *end = extend(index, line, np.full(len(q), limit), q, t, ratio, direction)
        right += counted
        ends.append(end)
    (last, there_last), (first, there_first) = ends
    table = np.stack([first, last, there_first, there_last, right, np.searchsorted(np.sort(RATIOS), ratio)], axis=1)
    table = np.unique(table[right >= MIN_PASSAGE_NOTES], axis=0)
    first, last, there_first, there_last, right, speed = table.T
    return FoundPassages(first, last, there_first, there_last, right, np.sort(RATIOS)[speed])


def distinct_passages(index: Index, line: NoteLine, found: FoundPassages) -> list[Passage]:
    """Return non-redundant passages in the order of the piece.

    The longest passage is taken first, then each that has MIN_PASSAGE_NOTES notes outside of those taken before.
    """
    covered = np.zeros(len(line.tick), bool)
    chosen = []
    for at in np.lexsort((found.ratio != 1, -found.notes)):
        span = slice(int(found.first[at]), int(found.last[at]) + 1)
        if (~covered[span]).sum() < MIN_PASSAGE_NOTES:
            continue
        covered[span] = True
        piece = int(np.searchsorted(index.first, found.there_first[at], side="right")) - 1
        begin = int(index.first[piece])
        chosen.append(
            Passage(
                first=span.start,
                last=span.stop - 1,
                piece=piece,
                there_first=int(found.there_first[at]) - begin,
                there_last=int(found.there_last[at]) - begin,
                notes=int(found.notes[at]),
                transposition=int(line.pitch[span.start]) - int(index.pitch[found.there_first[at]]),
                ratio=float(found.ratio[at]),
            )
        )
    return sorted(chosen, key=lambda passage: passage.first)


def extend(
    index: Index, line: NoteLine, limit: Numbers, q: Numbers, t: Numbers, ratio: Numbers, direction: int
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Extend matches from notes `q` of the line at places `t` of the index, each [n].

    Extension stops before `limit`. Returns, [n] each: matching notes beyond `q`, their score, and the last matching
    note in line and index.
    """
    shift = line.pitch[q].astype(np.int64) - index.pitch[t]
    now, q, t = q.copy(), q.copy(), t.copy()
    score, right = np.zeros(len(q), np.int64), np.zeros(len(q), np.int64)
    best = [right.copy(), score.copy(), q.copy(), t.copy()]
    live = np.arange(len(q))
    while len(live):
        now[live] += direction
        live = live[now[live] != limit[live]]
        at, previous, there = now[live], q[live], t[live]
        step = reach(
            index,
            there,
            np.abs(line.tick[at] - line.tick[previous]) * ratio[live],
            line.pitch[at] - shift[live],
            direction,
        )
        is_right = step > 0
        q[live], t[live] = np.where(is_right, at, previous), there + step * direction
        score[live] += np.where(is_right, 1 - WRONG_PENALTY * (step - 1), -WRONG_PENALTY)
        right[live] += is_right
        better = live[score[live] > best[1][live]]
        for kept, value in zip(best, (right, score, q, t), strict=True):
            kept[better] = value[better]
        live = live[best[1][live] - score[live] <= MAX_DROP]
    return best[0], best[1], best[2], best[3]


def reach(index: Index, there: Numbers, ticks: Numbers, pitch: Numbers, direction: int = 1) -> Numbers:
    """Return the step from `there` [n] to a note `ticks` away: 1 to REACH, or 0."""
    at = there + _FAR * direction  # [REACH, n]
    at = np.minimum(np.maximum(at, 0), len(index) - 1)
    same = (index.pitch[at] == pitch) & agree(np.abs(index.tick[at] - index.tick[there]), ticks) & (at != there)
    return np.where(same.any(axis=0), same.argmax(axis=0) + 1, 0)


def agree(there: Numbers, ticks: Numbers) -> Numbers:
    """Return whether times match [n], exactly or, if long, within a tenth."""
    same: Numbers = np.abs(there - ticks) <= np.where(there > EXACT_TICKS, TIME_TOLERANCE * there, 0.5)
    return same


def _seeds(index: Index, line: NoteLine) -> tuple[Numbers, Numbers, Numbers]:
    """Return first notes, places and speeds of the first seeds of consecutive ones."""
    kept: list[tuple[Numbers, Numbers, Numbers]] = []
    for ratio in RATIOS:
        hashes, whole = line_hashes(line.tick, line.pitch, ratio)
        if ratio != 1 and len(whole) >= SEED:  # a single chord has no speed
            moves = np.concatenate([[0], np.cumsum(np.diff(line.tick) > 0)])
            whole[: len(moves) - SEED + 1] &= moves[SEED - 1 :] > moves[: len(moves) - SEED + 1]
        q, t = places(index, np.flatnonzero(whole), hashes)
        order = np.lexsort((q, t - q))
        q, t = q[order], t[order]
        goes_on = (np.diff(q) == 1) & (np.diff(t) == 1)
        begins = np.concatenate([[True], ~goes_on])[: len(q)]
        kept.append((q[begins], t[begins], np.full(int(begins.sum()), ratio)))
    q, t, ratios = (np.concatenate(column) for column in zip(*kept, strict=True))
    return q, t, ratios


def places(index: Index, which: Numbers, hashes: Numbers) -> tuple[Numbers, Numbers]:
    """Return pairs of an entry of `which` and a place with the same hash."""
    wanted = hashes[which]
    low = np.searchsorted(index.hashes, wanted, "left")
    found = (index.hashes.take(low, mode="clip") == wanted).nonzero()[0] if len(index.hashes) else which[:0]
    which, wanted, low = which[found], wanted[found], low[found]  # most are not there, so `high` is searched for few
    high = np.searchsorted(index.hashes, wanted, "right")
    count = np.minimum(high - low, MAX_PLACES)
    row = np.repeat(np.arange(len(which)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return which[row], index.places[low[row] + nth * (high - low)[row] // count[row]]
