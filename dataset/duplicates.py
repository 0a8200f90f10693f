"""Which pieces are the same: the same bytes, or the same notes. Pure; near duplicates are not looked for here.

Same notes: onsets (counted from the first note), pitches and durations agree on the grid of 1/24 quarter. Velocity, tempo,
time signature, track, instrument and leading silence play no part: they make another performance or file, not other notes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from dataset.notes import Notes

DUPLICATE_BYTES, DUPLICATE_NOTES = "duplicate_bytes", "duplicate_notes"
FINGERPRINT_DIGITS = 16  # 64 bits: among a million pieces, one chance in forty million that two agree by accident


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the relation looks at: the file's hash, the notes' fingerprint, and whether the listing names a sequencer."""

    sha256: str
    fingerprint: str
    credited: bool


@dataclass(frozen=True, slots=True)
class Duplicate:
    """`kept` is the index of the piece that stays in place of this one; `reason` is duplicate_bytes or duplicate_notes."""

    kept: int
    reason: str


def fingerprint(notes: Notes) -> str:
    """Return 16 hexadecimal digits that are equal for the same notes (as defined above), else different."""
    digest = hashlib.sha256()
    first = notes.onset[:1].sum()
    for column, kind in ((notes.onset - first, "<i4"), (notes.pitch, "u1"), (notes.duration, "<i4")):
        digest.update(column.astype(kind).tobytes())
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def find_duplicates(candidates: Sequence[Candidate]) -> dict[int, Duplicate]:
    """Return {index of a piece to leave out: what stays in its place}.

    Of the pieces with one fingerprint the first that names its sequencer stays, else the first, in the order given; so
    the result depends on that order and on nothing else.
    """
    kept: dict[str, int] = {}
    for index, candidate in enumerate(candidates):
        best = kept.setdefault(candidate.fingerprint, index)
        if candidate.credited and not candidates[best].credited:
            kept[candidate.fingerprint] = index
    duplicates: dict[int, Duplicate] = {}
    for index, candidate in enumerate(candidates):
        best = kept[candidate.fingerprint]
        if index != best:
            same_bytes = candidate.sha256 == candidates[best].sha256
            duplicates[index] = Duplicate(best, DUPLICATE_BYTES if same_bytes else DUPLICATE_NOTES)
    return duplicates
