"""Find related pieces, with the evidence. Pure.

bytes      the same file
notes      onsets (from the first note), pitches and durations are equal on the grid of 1/24 quarter
near       NEAR of the notes of the shorter piece match the longer one, and half of the longer's match the shorter, in any
           key, tempo, velocity and resolution: trimmed, repeats unrolled, tracks merged, a few notes changed
contained  CONTAINED of the notes of the shorter piece match the longer one, which has much else: a medley
work       versions of one theme: a good part of the notes matches, or titles in one game agree (see
           dataset.duplicates.title_match)
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from catalog.base.console import Report, stage
from dataset.components import components
from dataset.duplicates.alignment import Alignment, PreparedPiece, align
from dataset.duplicates.candidates import candidate_pairs
from dataset.duplicates.shingles import shingles_of
from dataset.duplicates.title_match import theme_of
from dataset.notes.model import Notes

FINGERPRINT_DIGITS = 16  # 64 bits: a chance of one in forty million of a collision among a million pieces
NEAR, NEAR_LONGER = 0.9, 0.5
CONTAINED = 0.8
WORK = 0.3  # of the notes of the shorter piece, whatever the titles
WORK_OF_ONE_SERIES = 0.2  # series quote themselves; between series so small a share is chance or a common figure
CACHE_SIZE = 4096  # prepared pieces in memory
MAX_PER_TITLE = 64  # pieces of one game and title that are all compared with each other


class Relation(StrEnum):
    """How two pieces are related, the closest relation first."""

    BYTES = "bytes"
    NOTES = "notes"
    NEAR = "near"
    CONTAINED = "contained"
    WORK = "work"


EXACT = (Relation.BYTES, Relation.NOTES)
SAME_NOTES = frozenset(Relation) - {Relation.WORK}


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A piece to relate: its notes and its catalog entry."""

    sha256: str
    notes: Notes
    game: str
    series: str
    title: str
    sequencer: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence that two pieces, by index, are related.

    Of contained pieces `first` is the whole and `second` the part; of near ones and works `first` is the longer. If
    only the titles relate two versions of a work, `notes` and `share` are 0.
    """

    first: int
    second: int
    relation: Relation
    share: float  # of the notes of `second` that match `first`, 0-1
    notes: int  # number of matching notes
    transposition: int = 0  # semitones to add to `second` to get `first`
    tempo_ratio: float = 1.0  # ticks of `first` per tick of `second`
    offset_first: int = 0  # ticks from the start of the file to the start of the match
    offset_second: int = 0


def fingerprint(notes: Notes) -> str:
    """Return 16 hexadecimal digits that are equal for the same notes.

    Notes are the same as defined above, regardless of velocity.
    """
    digest = hashlib.sha256()
    first = notes.onset[:1].sum()
    for column, kind in ((notes.onset - first, "<i4"), (notes.pitch, "u1"), (notes.duration, "<i4")):
        digest.update(column.astype(kind).tobytes())
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def relate(pieces: Sequence[Candidate], report: Report = lambda done, total: None) -> list[Link]:
    """Return every link between `pieces`, sorted by their indices.

    Pieces with the same notes are linked to the best of them (see `keep_best`), which represents them in the search.
    """
    same: defaultdict[str, list[int]] = defaultdict(list)
    for index in _by_preference(pieces):
        same[fingerprint(pieces[index].notes)].append(index)
    links: list[Link] = []
    for best, *others in same.values():
        for index in others:
            relation = Relation.BYTES if pieces[index].sha256 == pieces[best].sha256 else Relation.NOTES
            begins = (int(pieces[each].notes.onset[:1].sum()) for each in (best, index))
            links.append(Link(best, index, relation, 1.0, len(pieces[index].notes), 0, 1.0, *begins))
    distinct = sorted(best for best, *_ in same.values())
    found = candidate_pairs(_hashes(pieces, distinct, stage(report, "indexing")))
    pairs = {
        (distinct[one], distinct[other]) for one, other in zip(found.first.tolist(), found.second.tolist(), strict=True)
    }
    pairs |= _pairs_of_same_title(pieces, distinct)

    @lru_cache(maxsize=CACHE_SIZE)
    def prepared(index: int) -> PreparedPiece:
        return PreparedPiece.of(pieces[index].notes)

    for done, (one, other) in enumerate(sorted(pairs), start=1):
        short, long = sorted((one, other), key=lambda index: (len(pieces[index].notes), pieces[index].sha256))
        link = _link(pieces, long, short, align(prepared(long), prepared(short)))
        if link is not None:
            links.append(link)
        report(done, len(pairs))
    return sorted(links, key=lambda link: (min(link.first, link.second), max(link.first, link.second)))


def _hashes(pieces: Sequence[Candidate], indices: Sequence[int], report: Report) -> Iterator[NDArray[np.uint64]]:
    """Yield the hashes of the shingles of each piece."""
    for done, index in enumerate(indices, start=1):
        yield shingles_of(pieces[index].notes).hash
        report(done, len(indices))


def keep_best(
    pieces: Sequence[Candidate], links: Iterable[Link], drop: Iterable[Relation]
) -> dict[int, tuple[int, Link]]:
    """Return {index of a piece to leave out: (index kept instead, link)}.

    Only links of the relations in `drop` count. The better piece is kept: one with a named sequencer, then one with
    more notes, then the first in the given order. The piece kept is directly linked to the one left out, or has the
    same notes as one that is; chains of links do not count. Of contained pieces only the part is left out.
    """
    dropping = frozenset(drop)
    replaced_by: defaultdict[int, list[tuple[int, Link]]] = defaultdict(list)  # the pieces that could replace each
    for link in links:
        if link.relation in dropping:
            replaced_by[link.second].append((link.first, link))
            if link.relation is Relation.NEAR:
                replaced_by[link.first].append((link.second, link))
    left_out: dict[int, tuple[int, Link]] = {}
    stays: set[int] = set()
    for index in _by_preference(pieces):
        for other, link in replaced_by[index]:
            if link.relation in EXACT:  # the other one is already decided: it is the best with these notes
                left_out[index] = (left_out[other][0] if other in left_out else other, link)
            elif index not in left_out and other in stays:
                left_out[index] = (other, link)
        if index not in left_out:
            stays.add(index)
    return left_out


def one_per_work(
    pieces: Sequence[Candidate], links: Sequence[Link], left_out: Mapping[int, tuple[int, Link]]
) -> dict[int, tuple[int, Link]]:
    """Return {index of a further piece to leave out: (the best piece of its work, link)}.

    A work is what links of all relations connect, over any number of pieces. `left_out` are the pieces that `keep_best`
    leaves out. The link is the first one of the piece, whose other end need not be the piece kept.
    """
    work = components(len(pieces), [(link.first, link.second) for link in links])
    link_of: dict[int, Link] = {}
    for link in links:
        for index in (link.first, link.second):
            link_of.setdefault(index, link)
    best: dict[int, int] = {}
    found: dict[int, tuple[int, Link]] = {}
    for index in _by_preference(pieces):
        if index in left_out:
            continue
        kept = best.setdefault(work[index], index)
        if kept != index:
            found[index] = (kept, link_of[index])
    return found


def _by_preference(pieces: Sequence[Candidate]) -> list[int]:
    """Return the indices of `pieces`, those to keep first."""
    return sorted(range(len(pieces)), key=lambda i: (not pieces[i].sequencer, -len(pieces[i].notes), i))


def _pairs_of_same_title(pieces: Sequence[Candidate], indices: Iterable[int]) -> set[tuple[int, int]]:
    """Return the pairs of pieces with the same game and theme."""
    by_title: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index in indices:
        by_title[pieces[index].game, theme_of(pieces[index].title)].append(index)
    return {pair for same in by_title.values() for pair in combinations(same[:MAX_PER_TITLE], 2)}


def _link(pieces: Sequence[Candidate], long: int, short: int, found: Alignment | None) -> Link | None:
    one, other = pieces[long], pieces[short]
    same_theme = theme_of(one.title) == theme_of(other.title)
    if found is None:
        return Link(long, short, Relation.WORK, 0.0, 0) if same_theme and one.game == other.game else None
    share = found.share_second
    if share >= NEAR and found.share_first >= NEAR_LONGER:
        relation = Relation.NEAR
    elif share >= CONTAINED and found.share_first < NEAR_LONGER:
        relation = Relation.CONTAINED
    elif (
        share >= WORK
        or (one.series == other.series and share >= WORK_OF_ONE_SERIES)
        or (one.game == other.game and same_theme)
    ):
        relation = Relation.WORK
    else:
        return None
    return Link(
        long,
        short,
        relation,
        share,
        found.notes,
        found.transposition,
        found.tempo_ratio,
        found.offset_first,
        found.offset_second,
    )
