"""Passages that music shares with other music, in any key and at another speed, found note by note.

In: the notes of a corpus as an index, and the notes of a piece. Out: which stretches of the piece stand in the corpus, where, and in
which transposition. Seed and extend, as in BLAST (Altschul et al. 1990): six notes that stand in the index, by their intervals and
their rhythm, are a seed; from there a right note counts 1, an added or a missing one −1, and a wrong one, which is both, −2; a passage
ends where it was best before it fell by more than four. Pure: nothing is read or written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.model import Notes
from training.events.classes import EDGES, PITCH, to_class
from training.events.encoding import classes

SEED = 6  # notes
MIN_PASSAGE_NOTES = 8  # right notes of a passage that is told of
WRONG_PENALTY, MAX_DROP = 1, 4
REACH = 3  # a right note is the next of the indexed piece, or one of the two after it
MAX_PLACES = 64  # places of a seed that are followed; more are taken evenly out of all
RATIOS = (1.0, 1 / 2, 2.0, 2 / 3, 3 / 2, 3 / 4, 4 / 3)
"""Speeds at which a passage is looked for: ticks of the indexed piece for one of the piece that is asked about."""

EXACT_TICKS, TIME_TOLERANCE = 48, 0.1  # longer times are known as classes only: they agree within a tenth
_PIECE_GAP = 1 << 14  # ticks between two pieces of an index: more than any passage can leave out
_BASE = np.uint64(0x9E3779B97F4A7C15)

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Passage:
    """Notes `first` … `last` of a piece that stand in piece number `piece` of the index, as its notes `there_first` … `there_last`.

    `notes` of them are right; the indexed piece moved by `transposition` semitones, and played `ratio` times as fast, is what is heard.
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
    """Notes in a row as passages are compared by: tick [n] (int64) and pitch [n] (int16), from onset to onset, then upwards."""

    tick: Numbers
    pitch: Numbers

    @classmethod
    def of(cls, notes: Notes) -> "NoteLine":
        """Return the line of a piece, no pitch twice at one onset."""
        rows, onset = classes(notes)
        return cls.at(onset, rows[:, PITCH])

    @classmethod
    def at(cls, onset: Numbers, pitch: Numbers) -> "NoteLine":
        """Return the line of notes at these onsets in ticks; the times between them become those of the network's classes."""
        times = EDGES[to_class(np.diff(onset, prepend=onset[:1]))]
        return cls(np.cumsum(times).astype(np.int64), np.asarray(pitch, np.int16))


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """The notes of many pieces, and where each seed stands among them. The arrays may be mapped from files."""

    first: Numbers  # [pieces + 1], where each piece begins and the last ends
    tick: Numbers  # [n], of each note; far apart from piece to piece
    pitch: Numbers  # [n], of each note
    hashes: Numbers  # [seeds], in order
    places: Numbers  # [seeds], the notes at which those seeds begin

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
            hashes[begin:end], whole[begin:end] = _hashes(_steps(line.tick, line.pitch, 1.0))
        order = np.argsort(hashes, kind="stable").astype(narrow)
        order = order[whole[order]]
        return cls(first, tick, pitch, hashes[order], order)

    def __len__(self) -> int:
        return len(self.tick)


@dataclass(frozen=True, slots=True, eq=False)
class FoundPassages:
    """The passages of one piece, an array entry each; every field [passages] as in `Passage`, in no order."""

    first: Numbers
    last: Numbers
    there_first: Numbers  # places in the whole index
    there_last: Numbers
    notes: Numbers
    ratio: Numbers

    def inside(self, least: int, length: int) -> npt.NDArray[np.bool_]:
        """Return which of a piece's `length` notes lie inside a passage of `least` right notes or more."""
        enough = self.notes >= least
        ends = np.zeros(length + 1, np.int64)
        np.add.at(ends, self.first[enough], 1)
        np.add.at(ends, self.last[enough] + 1, -1)
        return np.cumsum(ends[:-1]) > 0

    @property
    def longest(self) -> int:
        """How many right notes the longest passage has, 0 where there is none."""
        return int(self.notes.max(initial=0))


def find(index: Index, line: NoteLine) -> FoundPassages:
    """Return every passage of `line` with LEAST right notes or more that stands in the index.

    A seed of more than MOST_PLACES places is followed from so many of them, so what is told of a figure that stands everywhere is one
    of its places, not all.
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
    """Return the passages to tell of, in the order of the piece: the longest, then what has LEAST notes outside of those before."""
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
    """Go on from notes `q` of the line that stand at places `t` of the index, each [n], until `limit` (not reached itself).

    Return [n] each: how many notes beyond are right, the score they come to, and where in line and index the last of them stands.
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
    """Return how many places from `there` [n] the note of that pitch, `ticks` away, stands: 1 to REACH, 0 where it does not."""
    step = np.zeros(len(there), np.int64)
    for far in range(REACH, 0, -1):
        at = np.clip(there + far * direction, 0, len(index) - 1)
        same = (index.pitch[at] == pitch) & agree(np.abs(index.tick[at] - index.tick[there]), ticks) & (at != there)
        step[same] = far
    return step


def agree(there: Numbers, ticks: Numbers) -> Numbers:
    """Return whether times are the same, [n]: exactly where they are short, within a tenth where they are known as classes."""
    same: Numbers = np.abs(there - ticks) <= np.where(there > EXACT_TICKS, TIME_TOLERANCE * there, 0.5)
    return same


def _seeds(index: Index, line: NoteLine) -> tuple[Numbers, Numbers, Numbers]:
    """Return where seeds of the line begin, where they stand, and at which speed: one for each run of them that goes on side by side."""
    kept: list[tuple[Numbers, Numbers, Numbers]] = []
    for ratio in RATIOS:
        hashes, whole = _hashes(_steps(line.tick, line.pitch, ratio))
        if ratio != 1:  # a chord alone has no speed
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
    """Return pairs of `which` and a place of the index whose seed has the same hash as `hashes[which]`."""
    wanted = hashes[which]
    low, high = np.searchsorted(index.hashes, wanted, "left"), np.searchsorted(index.hashes, wanted, "right")
    count = np.minimum(high - low, MAX_PLACES)
    row = np.repeat(np.arange(len(which)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return which[row], index.places[low[row] + nth * (high - low)[row] // count[row]]


def _steps(tick: Numbers, pitch: Numbers, ratio: float) -> Numbers:
    """Return the step to each note of a piece, interval and class of time in one number, 1 or more: int64 [n]."""
    interval = np.diff(pitch.astype(np.int64), prepend=pitch[:1]) + 128
    time = np.clip(np.diff(tick, prepend=tick[:1]) * ratio, 0, EDGES[-1])
    return 1 + interval * len(EDGES) + to_class(time)


def _hashes(steps: Numbers) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return a hash for the seed that begins at each note of a piece, uint64 [n], and whether there is a whole one."""
    mixed, count = _mixed(steps), max(0, len(steps) - SEED + 1)
    hashes, whole = np.zeros(len(steps), np.uint64), np.zeros(len(steps), bool)
    whole[:count] = True
    for step in range(1, SEED):
        hashes[:count] = hashes[:count] * _BASE + mixed[step : step + count]
    return hashes, whole


def hash_of(interval: Numbers, time: Numbers) -> Numbers:
    """Return the hash of seeds, uint64 [n], of the intervals and the classes of time between their notes, each [n, SEED - 1]."""
    mixed, hashes = _mixed(1 + (interval + 128) * len(EDGES) + time), np.zeros(len(interval), np.uint64)
    for step in range(SEED - 1):
        hashes = hashes * _BASE + mixed[:, step]
    return hashes


def _mixed(steps: Numbers) -> Numbers:
    """Return 64 bits for each step that say nothing of how near two steps are (splitmix64, Steele et al. 2014)."""
    mixed: Numbers = steps.astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0x94D049BB133111EB)
    return mixed
