"""Altered copies of pieces, of ten kinds, seeded, to test duplicate search."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dataset.components import components
from dataset.duplicates.relations import SAME_NOTES, Candidate, Link, fingerprint, relate
from dataset.midi.midi_reader import read_midi
from dataset.midi.smf import file_of, meta, track_of
from dataset.notes.model import Notes

Random = np.random.Generator
Change = Callable[[Notes, Sequence[Notes], Random], Notes]


def transposed(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Transpose by up to eleven semitones."""
    low, high = -int(notes.pitch.min()), 127 - int(notes.pitch.max())
    steps = [step for step in range(max(low, -11), min(high, 11) + 1) if step]
    return Notes.of(notes.onset, notes.duration, notes.pitch.astype(int) + random.choice(steps), notes.velocity)


def retimed(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Change the tempo by writing other note values: double, half, three quarters …"""
    ratio = float(random.choice([0.5, 0.75, 0.9, 1.1, 4 / 3, 1.5, 2.0]))
    onset, end = np.rint(notes.onset * ratio), np.rint(notes.end * ratio)
    tempos = [(round(tick * ratio), min(qpm * ratio, 900.0)) for tick, qpm in notes.tempos]
    return Notes.of(onset, np.maximum(end - onset, 1), notes.pitch, notes.velocity, tempos)


def rescaled(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Change the file's resolution, which rounds the times of notes."""
    division = int(random.choice([32, 50, 96, 100, 120, 220, 384, 1024]))
    return read_midi(one_track(notes, division))


def revoiced(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Change the velocities."""
    return Notes.of(notes.onset, notes.duration, notes.pitch, random.integers(1, 128, len(notes)))


def merged(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Put all notes on one track and channel.

    Overlapping notes of one pitch then end differently.
    """
    return read_midi(one_track(notes, 480))


def jittered(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Move every onset and length by up to one tick."""
    onset = np.maximum(notes.onset + random.integers(-1, 2, len(notes)), 0)
    return Notes.of(
        onset, np.maximum(notes.duration + random.integers(-1, 2, len(notes)), 1), notes.pitch, notes.velocity
    )


def trimmed(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Keep three fifths of the notes, from any position."""
    count = max(1, round(0.6 * len(notes)))
    start = int(random.integers(0, len(notes) - count + 1))
    part = slice(start, start + count)
    return Notes.of(notes.onset[part], notes.duration[part], notes.pitch[part], notes.velocity[part])


def corrected(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Change the pitch of, move or delete one note in twenty."""
    kind = np.where(random.random(len(notes)) < 0.05, random.integers(1, 4, len(notes)), 0)
    pitch = np.clip(notes.pitch + np.where(kind == 1, random.integers(1, 5, len(notes)), 0), 0, 127)
    onset = notes.onset + np.where(kind == 2, random.integers(3, 12, len(notes)), 0)
    stays = kind != 3
    return Notes.of(onset[stays], notes.duration[stays], pitch[stays], notes.velocity[stays])


def unrolled(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Repeat a passage of between a fifth and half of the piece."""
    length = int(random.integers(len(notes) // 5, len(notes) // 2 + 1))
    start = int(random.integers(0, len(notes) - length + 1))
    cut = notes.onset[min(start + length, len(notes) - 1)] if length else notes.onset[start]
    shift = int(cut) - int(notes.onset[start])
    again = slice(start, start + length)
    onset = np.concatenate(
        [notes.onset[: start + length], notes.onset[again] + shift, notes.onset[start + length :] + shift]
    )
    rest = (
        np.concatenate([column[: start + length], column[again], column[start + length :]])
        for column in (notes.duration, notes.pitch, notes.velocity)
    )
    return Notes.of(onset, *rest)


def in_a_medley(notes: Notes, others: Sequence[Notes], random: Random) -> Notes:
    """Put the whole piece between three others."""
    parts = list(others)
    parts.insert(int(random.integers(0, len(parts) + 1)), notes)
    columns, start = [], 0
    for part in parts:
        columns.append((part.onset - part.onset[0] + start, part.duration, part.pitch, part.velocity))
        start += int(part.end.max() - part.onset[0]) // 24 * 24 + 48
    return Notes.of(*(np.concatenate(column) for column in zip(*columns, strict=True)))


KINDS: dict[str, tuple[Change, float]] = {  # and the minimum recall
    "transposition": (transposed, 0.99),
    "tempo": (retimed, 0.99),
    "resolution": (rescaled, 0.99),
    "velocity": (revoiced, 0.99),
    "track merge": (merged, 0.99),
    "jitter of one tick": (jittered, 0.99),
    "trim to 60 %": (trimmed, 0.95),
    "5 % of notes changed": (corrected, 0.95),
    "repeat unrolled": (unrolled, 0.95),
    "within a medley": (in_a_medley, 0.95),
}


def one_track(notes: Notes, division: int) -> bytes:
    """Write a file of one track at this division, by the simplest method.

    Overlapping notes of one pitch end each other.
    """
    events: list[tuple[int, int, bytes]] = []
    for onset, end, pitch, velocity in zip(
        notes.onset.tolist(), notes.end.tolist(), notes.pitch.tolist(), notes.velocity.tolist(), strict=True
    ):
        begin, stop = round(onset * division / 24), max(round(end * division / 24), round(onset * division / 24) + 1)
        events += [(begin, 1, bytes([0x90, pitch, velocity])), (stop, 0, bytes([0x80, pitch, 64]))]
    events.sort()
    return file_of(
        [track_of([(0, meta(0x51, (500_000).to_bytes(3, "big")))] + [(t, m) for t, _, m in events])], division
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results for one kind of change."""

    kind: str
    copies: int
    found: int
    links: int  # between a copy and any other piece, claiming common notes
    false: int  # of these, with a piece that is no kin of the original
    relations: dict[str, int]
    missed: tuple[str, ...]

    @property
    def recall(self) -> float:
        return self.found / self.copies

    @property
    def precision(self) -> float:
        return 1 - self.false / self.links if self.links else 1.0


def plant(pieces: Sequence[Candidate], kin: Sequence[set[int]], kind: str, copies: int, seed: int) -> Outcome:
    """Hide altered copies of `copies` of the pieces, relate all, and count.

    `kin` are the known related pieces of each piece.
    """
    random = np.random.default_rng([seed, sorted(KINDS).index(kind)])
    change, _ = KINDS[kind]
    originals = random.choice(len(pieces), copies, replace=copies > len(pieces))
    every = [piece.notes for piece in pieces]
    hidden, families = list(pieces), []
    for number, original in enumerate(originals.tolist()):
        others = random.choice(len(pieces), 3, replace=False).tolist()
        notes = change(every[original], [every[other] for other in others], random)
        families.append(
            kin[original].union(*(kin[other] for other in others)) if change is in_a_medley else kin[original]
        )
        hidden.append(
            Candidate(f"copy {number}", notes, f"copy-{number}", f"copy-{number}", f"Copy {number}", "A Copyist")
        )
    links = [link for link in relate(hidden) if link.relation in SAME_NOTES]
    return _judged(kind, pieces, originals.tolist(), families, links)


def _judged(
    kind: str,
    pieces: Sequence[Candidate],
    originals: Sequence[int],
    families: Sequence[set[int]],
    links: Sequence[Link],
) -> Outcome:
    count = len(pieces)
    relations: dict[str, int] = {}
    prints = [fingerprint(piece.notes) for piece in pieces]  # what has the same notes is linked by its best
    hit: set[int] = set()
    claimed = false = 0
    for link in links:
        copy, other = max(link.first, link.second), min(link.first, link.second)
        if copy < count:
            continue
        claimed += 1
        family = families[other - count] if other >= count else {other}
        if other < count and prints[other] == prints[originals[copy - count]]:
            hit.add(copy)
            relations[link.relation.value] = relations.get(link.relation.value, 0) + 1
        elif not family & families[copy - count]:
            false += 1
    missed = tuple(pieces[original].title for n, original in enumerate(originals) if n + count not in hit)
    return Outcome(kind, len(originals), len(hit), claimed, false, relations, missed)


def kin_of(pieces: Sequence[Candidate], links: Sequence[Link]) -> list[set[int]]:
    """Return for each piece the pieces it is related to, by any chain of relations."""
    first = components(len(pieces), [(link.first, link.second) for link in links])
    families: dict[int, set[int]] = {}
    for index, group in enumerate(first):
        families.setdefault(group, set()).add(index)
    return [families[group] for group in first]
