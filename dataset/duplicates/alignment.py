"""Align two pieces: find the keys, tempos and offsets at which they match.

Shared shingles vote for a transposition and a tempo ratio, then for offsets. At every offset (a repeat, a cut, a place
in a medley) notes of the same pitch within TOLERANCE ticks are matched. A match counts only if the notes around it
match too, so that chance hits in dense or chromatic music do not count as similarity.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.duplicates.shingles import Shingles, shingles_of
from dataset.notes.model import Notes

TOLERANCE = 2  # ticks: a jitter of one, and rounding
MAX_OFFSETS = 24  # offsets tried
MAX_KEYS_AND_TEMPOS = 3  # pairs of transposition and ratio tried
CONTEXT_NOTES = 10  # neighbours on each side, of which ...
MIN_CONTEXT_SHARE = 0.7  # ... this share must match
MIN_RUN = 8  # notes that an offset must add to be used
MAX_OCCURRENCES = 8  # of one shingle in a piece that vote, so that a drone does not outvote a tune
SIMPLE_RATIOS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0, 4 / 3, 3 / 2, 2.0, 3.0, 4.0)  # ratios of note values
RATIO_TOLERANCE = 0.015  # a ratio this close to a simple one is replaced by it
_ONSET_BITS = 26


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPiece:
    """A piece prepared for comparison: shingles and notes, sorted."""

    notes: Notes
    shingles: Shingles
    by_hash: NDArray[np.intp]
    hash: NDArray[np.uint64]  # sorted
    by_place: NDArray[np.intp]
    place: NDArray[np.int64]  # pitch and onset in one number, sorted

    @classmethod
    def of(cls, notes: Notes) -> "PreparedPiece":
        """Return `notes` prepared for comparison."""
        shingles = shingles_of(notes)
        by_hash = np.argsort(shingles.hash, kind="stable")
        place = (notes.pitch.astype(np.int64) << _ONSET_BITS) + notes.onset
        by_place = np.argsort(place, kind="stable")
        return cls(notes, shingles, by_hash, shingles.hash[by_hash], by_place, place[by_place])


@dataclass(frozen=True, slots=True)
class Alignment:
    """How `second` matches `first`; shares are of the notes of each that match, 0-1."""

    share_first: float
    share_second: float
    notes: int  # matching notes of `second`
    transposition: int  # semitones to add to `second`
    tempo_ratio: float  # ticks of `first` per tick of `second`
    offset_first: int  # ticks: where the match starts in each
    offset_second: int


@dataclass(frozen=True, slots=True, eq=False)
class _Votes:
    """Pairs of equal shingles, one entry each."""

    first: NDArray[np.int64]  # onset in `first`
    second: NDArray[np.int64]  # onset in `second`
    interval: NDArray[np.int64]
    ratio: NDArray[np.float64]
    weight: NDArray[np.float64]  # the entries of one shingle add up to 1


def align(first: PreparedPiece, second: PreparedPiece) -> Alignment | None:
    """Return the best alignment of two pieces, or None if too few notes match."""
    votes = _vote(first, second)
    if len(votes.first) == 0:
        return None
    bins = np.round(np.log2(votes.ratio) * 24).astype(np.int64)
    kinds, kind = np.unique((votes.interval << 12) + bins, return_inverse=True)
    best = None
    for choice in np.argsort(-np.bincount(kind, votes.weight), kind="stable")[:MAX_KEYS_AND_TEMPOS]:
        chosen = kind == choice
        found = _fit(first, second, votes, int(kinds[choice] + (1 << 11) >> 12), _ratio(votes, chosen))
        if found and (best is None or _score(found) > _score(best)):
            best = found
    return best


def _score(found: Alignment) -> float:
    return found.share_first + found.share_second


def _vote(first: PreparedPiece, second: PreparedPiece) -> _Votes:
    low = np.searchsorted(first.hash, second.shingles.hash, "left")
    high = np.searchsorted(first.hash, second.shingles.hash, "right")
    pair_counts = np.minimum(high - low, MAX_OCCURRENCES)
    # rank of each shingle among equal ones, so that repeats at the same position vote for each other
    rank = np.empty(len(pair_counts), np.int64)
    rank[second.by_hash] = np.arange(len(pair_counts)) - np.searchsorted(second.hash, second.hash, "left")
    start = low + np.clip(rank - MAX_OCCURRENCES // 2, 0, high - low - pair_counts)
    second_index = np.repeat(np.arange(len(pair_counts)), pair_counts)
    first_index = first.by_hash[
        np.repeat(start - np.cumsum(pair_counts) + pair_counts, pair_counts) + np.arange(pair_counts.sum())
    ]
    one, other = first.shingles, second.shingles
    return _Votes(
        one.onset[first_index],
        other.onset[second_index],
        one.pitch[first_index] - other.pitch[second_index],
        one.span[first_index] / other.span[second_index],
        1.0 / pair_counts[second_index],
    )


def _ratio(votes: _Votes, chosen: NDArray[np.bool_]) -> float:
    """Return the tempo ratio of the chosen votes.

    It comes from the distances between shingles that occur once, if there are enough, otherwise from the spans of
    shingles.
    """
    ratio = float(np.median(votes.ratio[chosen]))
    once = np.flatnonzero(chosen & (votes.weight == 1.0))
    once = once[np.argsort(votes.second[once], kind="stable")]
    half = len(once) // 2
    if half >= 4:
        over = votes.second[once[half:]] - votes.second[once[: len(once) - half]]
        rise = votes.first[once[half:]] - votes.first[once[: len(once) - half]]
        slopes = rise[over > 0] / over[over > 0]
        slopes = slopes[np.abs(slopes / ratio - 1) < 2 * RATIO_TOLERANCE]  # the others span a cut or a repeat
        ratio = float(np.median(slopes)) if len(slopes) else ratio
    return next((simple for simple in SIMPLE_RATIOS if abs(ratio / simple - 1) < RATIO_TOLERANCE), ratio)


def _fit(first: PreparedPiece, second: PreparedPiece, votes: _Votes, interval: int, ratio: float) -> Alignment | None:
    """Match `second` with `first` at every offset with enough votes.

    Counts the notes that match.
    """
    same = votes.interval == interval
    offsets = votes.first[same] - ratio * votes.second[same]
    bins, member = np.unique(np.round(offsets / (2 * TOLERANCE - 1)), return_inverse=True)
    support = np.bincount(member, votes.weight[same], len(bins))
    pitch = (second.notes.pitch.astype(np.int64) + interval) << _ONSET_BITS
    matched, covered = np.zeros(len(second.notes), bool), np.zeros(len(first.notes), bool)
    for choice in np.argsort(-support, kind="stable")[:MAX_OFFSETS]:
        onset = np.rint(second.notes.onset * ratio + np.median(offsets[member == choice])).astype(np.int64)
        target = pitch + onset
        near = np.searchsorted(first.place, target - TOLERANCE)
        inside = np.minimum(near, len(first.place) - 1)
        hit = (np.abs(first.place[inside] - target) <= TOLERANCE) & (onset >= -TOLERANCE)
        hit &= _in_matching_context(hit)
        if np.count_nonzero(hit & ~matched) + np.count_nonzero(~covered[first.by_place[inside[hit]]]) >= MIN_RUN:
            matched |= hit
            covered[first.by_place[inside[hit]]] = True
    if not matched.any():
        return None
    return Alignment(
        share_first=float(covered.mean()),
        share_second=float(matched.mean()),
        notes=int(matched.sum()),
        transposition=interval,
        tempo_ratio=ratio,
        offset_first=int(first.notes.onset[covered][0]),
        offset_second=int(second.notes.onset[matched][0]),
    )


def _in_matching_context(hit: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return for each note whether enough of its neighbours in time match."""
    total = np.concatenate([[0], np.cumsum(hit)])
    here = np.arange(len(hit))
    low, high = np.maximum(here - CONTEXT_NOTES, 0), np.minimum(here + CONTEXT_NOTES + 1, len(hit))
    return np.asarray(total[high] - total[low] >= MIN_CONTEXT_SHARE * (high - low))
