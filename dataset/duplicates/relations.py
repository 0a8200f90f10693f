"""Which pieces belong together, and on what evidence: the same bytes, the same notes, nearly the same, one within the other,
or the same work in other notes. Pure.

bytes      the same file
notes      onsets (counted from the first note), pitches and durations agree on the grid of 1/24 quarter
near       NEAR of the notes of the shorter stand in the longer, and half of the longer's in the shorter, in any key, tempo,
           velocity and resolution: trimmed, repeats unrolled, tracks merged, a few notes changed
contained  CONTAINED of the notes of the shorter stand in the longer, which has much else: a medley
work       versions of one theme: a good part of the notes is shared, or titles in one game agree (see dataset.duplicates.title_match)
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import combinations

from catalog.base.console import Report
from dataset.duplicates.alignment import Alignment, PreparedPiece, align
from dataset.duplicates.candidates import candidate_pairs
from dataset.duplicates.shingles import shingles_of
from dataset.duplicates.title_match import theme_of
from dataset.notes.model import Notes

FINGERPRINT_DIGITS = 16  # 64 bits: among a million pieces, one chance in forty million that two agree by accident
NEAR, NEAR_LONGER = 0.9, 0.5
CONTAINED = 0.8
WORK = 0.3  # of the notes of the shorter piece, whatever the titles say
WORK_OF_ONE_SERIES = 0.2  # series quote themselves; between series so few shared notes are chance or a common figure
CACHE_SIZE = 4096  # pieces kept ready for further comparisons
MAX_PER_TITLE = 64  # pieces of one game and title that are compared each with each


class Relation(StrEnum):
    """How two pieces belong together, the closest relation first."""

    BYTES = "bytes"
    NOTES = "notes"
    NEAR = "near"
    CONTAINED = "contained"
    WORK = "work"


EXACT = (Relation.BYTES, Relation.NOTES)
SAME_NOTES = frozenset(Relation) - {Relation.WORK}


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A piece to be related: its notes, and what the listing says of it."""

    sha256: str
    notes: Notes
    game: str
    series: str
    title: str
    sequencer: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence that two pieces, by index, belong together. Of CONTAINED ones `first` is the whole and `second` the part;
    of NEAR ones and works `first` is the longer. Where titles alone tell a work, no notes match and the share is 0."""

    first: int
    second: int
    relation: Relation
    share: float  # of the notes of `second` that stand in `first`, 0-1
    notes: int  # how many these are
    transposition: int = 0  # semitones to add to `second` to get `first`
    tempo_ratio: float = 1.0  # ticks of `first` a tick of `second`
    offset_first: int = 0  # ticks from the start of the file: where the match begins in each
    offset_second: int = 0


def fingerprint(notes: Notes) -> str:
    """Return 16 hexadecimal digits that are equal for the same notes (as defined above), else different."""
    digest = hashlib.sha256()
    first = notes.onset[:1].sum()
    for column, kind in ((notes.onset - first, "<i4"), (notes.pitch, "u1"), (notes.duration, "<i4")):
        digest.update(column.astype(kind).tobytes())
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def relate(pieces: Sequence[Candidate], report: Report = lambda done, total: None) -> list[Link]:
    """Return every link between `pieces`, sorted by their indices.

    Pieces of the same notes are linked to the best of them (see keep_best), which stands for all in the further search.
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
    found = candidate_pairs(shingles_of(pieces[index].notes).hash for index in distinct)
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


def keep_best(
    pieces: Sequence[Candidate], links: Iterable[Link], drop: Iterable[Relation]
) -> dict[int, tuple[int, Link]]:
    """Return {index of a piece to leave out: (the piece that stays in its place, the link that says so)}.

    Only links of the relations in `drop` count. The better piece stays: one whose sequencer is named, then the one with
    more notes, then the first in the order given. A piece is left out only for one that stays itself, and directly linked
    or of the same notes as one that is; never by way of a chain. Of contained ones only the part goes, for the whole.
    """
    dropping = frozenset(drop)
    replaced_by: defaultdict[int, list[tuple[int, Link]]] = defaultdict(list)  # the pieces that each would go for
    for link in links:
        if link.relation in dropping:
            replaced_by[link.second].append((link.first, link))
            if link.relation is Relation.NEAR:
                replaced_by[link.first].append((link.second, link))
    left_out: dict[int, tuple[int, Link]] = {}
    stays: set[int] = set()
    for index in _by_preference(pieces):
        for other, link in replaced_by[index]:
            if link.relation in EXACT:  # the other one was decided before: it is the best of those with these notes
                left_out[index] = (left_out[other][0] if other in left_out else other, link)
            elif index not in left_out and other in stays:
                left_out[index] = (other, link)
        if index not in left_out:
            stays.add(index)
    return left_out


def _by_preference(pieces: Sequence[Candidate]) -> list[int]:
    """Return the indices of `pieces`, those first that should rather stay."""
    return sorted(range(len(pieces)), key=lambda i: (not pieces[i].sequencer, -len(pieces[i].notes), i))


def _pairs_of_same_title(pieces: Sequence[Candidate], indices: Iterable[int]) -> set[tuple[int, int]]:
    """Return the pairs of pieces that have game and theme in common."""
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
