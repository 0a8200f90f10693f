"""Novelty figures of a piece: longest passage, copied shares, nearest pieces.

In: the notes of a piece and a training index. Out: figures and passages, as values. Pure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from training.events.encoding import classes
from training.events.fields import bars_at
from training.novelty.passages import NoteLine, Passage, distinct_passages, find
from training.novelty.training_index import TrainingIndex

PASSAGE_LENGTHS = (8, 16, 24)
"""Minimum lengths, in notes, of the passages that shares are computed for."""

DRAFTS, DRAFT_NOTES = 16, 128
"""Drafts whose copying is measured while a network is trained, and their notes."""

COPIED_NOTES = 16
"""Minimum length, one of PASSAGE_LENGTHS, of the passages that count as copied in these."""

NEAREST = 5  # number of nearest pieces that are listed


@dataclass(frozen=True, slots=True)
class Copy:
    """A passage of a piece that also occurs in a training piece.

    Places are those of its first and last note, in both pieces.
    """

    notes: int  # matching notes
    first: int  # note numbers from 0, by onset, then pitch; without repeated pitches at one onset
    last: int
    bars: tuple[int, int]  # as the score numbers them
    seconds: tuple[float, float]
    title: str
    game: str
    sequencer: str
    sha256: str
    there_bars: tuple[int, int]
    there_seconds: tuple[float, float]
    transposition: int  # semitones from the training piece to this one
    ratio: float  # ticks of the training piece per tick of this one


@dataclass(frozen=True, slots=True)
class Nearest:
    """A training piece that shares passages with a piece; `notes` are shared."""

    title: str
    game: str
    sequencer: str
    notes: int


@dataclass(frozen=True, slots=True)
class Novelty:
    """Novelty figures of a piece.

    `shares` are shares of its notes, 0–1, that lie in passages, by the minimum length of the passages.
    """

    notes: int
    longest: int
    shares: dict[int, float]
    copies: tuple[Copy, ...]
    nearest: tuple[Nearest, ...]


def find_copies(sources: TrainingIndex, notes: Notes) -> Novelty:
    """Return the novelty figures of `notes` against `sources`."""
    line = NoteLine.of(notes)
    length = len(line.tick)
    found = find(sources.index, line)
    passages = distinct_passages(sources.index, line, found)
    _, onset = classes(notes)
    seconds = tick_to_seconds(notes.tempos, onset)
    bars = bars_at(onset, notes.time_signatures).tolist()
    return Novelty(
        notes=length,
        longest=found.longest,
        shares={least: float(found.inside(least, length).mean()) if length else 0.0 for least in PASSAGE_LENGTHS},
        copies=tuple(_copy(sources, passage, seconds.tolist(), bars) for passage in passages),
        nearest=_nearest(sources, passages),
    )


def medians(figures: Sequence[Novelty]) -> dict[str, float]:
    """Return medians over several pieces: of the longest passage and of each share.

    Also returns the shares of all their notes together.
    """
    weights = np.array([figure.notes for figure in figures], float)
    medians_by_name = {"longest": float(np.median([figure.longest for figure in figures]))}
    for least in PASSAGE_LENGTHS:
        shares = np.array([figure.shares[least] for figure in figures])
        medians_by_name[f"median share, {least} notes"] = float(np.median(shares))
        medians_by_name[f"share of all notes, {least} notes"] = float((shares * weights).sum() / weights.sum())
    return medians_by_name


def copied_share(figures: Sequence[Novelty]) -> float:
    """Return the share of all notes of several pieces, 0–1, in passages of COPIED_NOTES notes or more; 0 for no notes."""
    total = sum(figure.notes for figure in figures)
    return sum(figure.shares[COPIED_NOTES] * figure.notes for figure in figures) / total if total else 0.0


def _copy(sources: TrainingIndex, passage: Passage, seconds: list[float], bars: list[int]) -> Copy:
    source = sources.pieces[passage.piece]
    begins, ends = (sources.place(passage.piece, note) for note in (passage.there_first, passage.there_last))
    return Copy(
        notes=passage.notes,
        first=passage.first,
        last=passage.last,
        bars=(bars[passage.first], bars[passage.last]),
        seconds=(seconds[passage.first], seconds[passage.last]),
        title=source.title,
        game=source.game,
        sequencer=source.sequencer,
        sha256=source.sha256,
        there_bars=(begins[0], ends[0]),
        there_seconds=(begins[1], ends[1]),
        transposition=passage.transposition,
        ratio=passage.ratio,
    )


def _nearest(sources: TrainingIndex, passages: list[Passage]) -> tuple[Nearest, ...]:
    counted: Counter[int] = Counter()
    for passage in passages:
        counted[passage.piece] += passage.notes
    pieces = [(sources.pieces[number], notes) for number, notes in counted.most_common(NEAREST)]
    return tuple(Nearest(piece.title, piece.game, piece.sequencer, notes) for piece, notes in pieces)
