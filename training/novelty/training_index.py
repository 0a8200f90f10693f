"""Training index: the training pieces of a run, kept in its folder.

Notes are indexed for the search of passages, with the title and author of each piece. With it, a run can list what
was copied wherever its folder is, and the sampler can avoid copies.
"""

import errno
import hashlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catalog.base.errors import TrainingError
from catalog.storage.checksums import SUMS_FILE, Sums, format_sums, read_sums
from catalog.storage.reading import Above0, Positive, Sha256, Tick, read_json
from dataset.notes.timing import tick_to_seconds
from training.events.encoding import classes
from training.events.fields import PITCH, bar_of
from training.novelty.passages import Index, NoteLine

if TYPE_CHECKING:
    from dataset.corpus.corpus import CorpusPiece


@dataclass(frozen=True, slots=True)
class IndexedPiece:
    """A training piece, with tempos and time signatures as in `Notes`."""

    title: str  # as listed
    game: str  # the slug
    series: str  # the slug
    sequencer: str  # as listed; empty where the source leaves it blank
    sha256: Sha256  # of the MIDI file, hexadecimal
    game_title: str  # title of the game, as listed
    source: str  # where the piece comes from, such as vgmusic
    url: str  # address of the file; of an import, its place in the archive or folder
    tempos: tuple[tuple[Tick, Above0], ...]  # (tick, quarter notes per minute), the first at tick 0
    time_signatures: tuple[tuple[Tick, Positive, Positive], ...]  # (tick, numerator, denominator), the first at tick 0


@dataclass(frozen=True, slots=True)
class _PiecesFile:
    """The content of pieces.json."""

    pieces: tuple[IndexedPiece, ...]


PIECES_FILE = "pieces.json"
FORMAT = 4  # increment when seeds, classes or files change; older indexes are rebuilt
INDEX_ARRAYS = ("first", "tick", "pitch", "hashes", "places")
ARRAYS = ("onset", *INDEX_ARRAYS)
INTEGER_TYPES = ("<i4", "<i8")
ARRAY_TYPES = {
    "onset": INTEGER_TYPES,
    "first": ("<i8",),
    "tick": INTEGER_TYPES,
    "pitch": ("|i1",),
    "hashes": ("<u8",),
    "places": INTEGER_TYPES,
}
DAMAGED = "damaged: train the run again, or restore the folder"


@dataclass(frozen=True, slots=True, eq=False)
class TrainingIndex:
    """The training pieces, the onsets of their notes, and the index for passages."""

    pieces: tuple[IndexedPiece, ...]  # in the corpus's order
    onset: npt.NDArray[np.int32]  # [n], of each note, in ticks of 1/24 quarter from the start of its file
    index: Index  # of the same notes

    @classmethod
    def of(cls, pieces: "Sequence[CorpusPiece]") -> "TrainingIndex":
        """Return the index of pieces, in their order."""
        pieces_text, onsets, lines = [], [np.zeros(0, np.int32)], []
        for piece in pieces:
            rows, onset = classes(piece.notes)
            onsets.append(onset)
            lines.append(NoteLine.at(onset, rows[:, PITCH]))
            listed = piece.title, piece.game, piece.series, piece.sequencer or "", piece.sha256
            place = piece.game_title, piece.source, piece.url
            pieces_text.append(IndexedPiece(*listed, *place, piece.notes.tempos, piece.notes.time_signatures))
        return cls(tuple(pieces_text), np.concatenate(onsets), Index.of(lines))

    def joined_with(self, other: "TrainingIndex") -> "TrainingIndex":
        """Return the index of these pieces, and of those of `other` that are not among them."""
        own = {piece.sha256 for piece in self.pieces}
        more = [number for number, piece in enumerate(other.pieces) if piece.sha256 not in own]
        lines, onsets = [], []
        for held, which in ((self, range(len(self.pieces))), (other, more)):
            for number in which:
                notes = slice(held.index.first[number], held.index.first[number + 1])
                tick = np.asarray(held.index.tick[notes], np.int64)
                lines.append(NoteLine(tick - tick[:1], np.asarray(held.index.pitch[notes], np.int16)))
                onsets.append(held.onset[notes])
        pieces = (*self.pieces, *(other.pieces[number] for number in more))
        return TrainingIndex(pieces, np.concatenate(onsets), Index.of(lines))

    def place(self, piece: int, note: int) -> tuple[int, float]:
        """Return the bar number of a note of a piece, as the score has it, and its time in seconds."""
        tick = int(self.onset[self.index.first[piece] + note])
        source = self.pieces[piece]
        return bar_of(tick, source.time_signatures), float(tick_to_seconds(source.tempos, [tick])[0])

    def files(self) -> dict[str, bytes]:
        """Return the files of an index by name, as bytes; deterministic."""
        held = {"format": FORMAT, "pieces": [asdict(piece) for piece in self.pieces]}
        pieces_text = json.dumps(held, ensure_ascii=False, indent=0)
        arrays = {"onset": self.onset, **{name: getattr(self.index, name) for name in INDEX_ARRAYS}}
        files = {PIECES_FILE: pieces_text.encode(), **{f"{name}.npy": _bytes(array) for name, array in arrays.items()}}
        return {**files, SUMS_FILE: format_sums(files).encode()}

    @classmethod
    def open(cls, folder: Path, sums: Sums | None = None) -> "TrainingIndex":
        """Open the index in a folder and check its files.

        `sums` has the expected SHA-256 by file name; by default, the folder's own list is used. Raises TrainingError
        if the folder has no index, one of an older format, or a damaged one.
        """
        try:
            sums = _listed(folder) if sums is None else sums
            held = read_json(folder / PIECES_FILE, _PiecesFile, fail=TrainingError, remedy=DAMAGED, version=FORMAT)
            _check_sum(folder / PIECES_FILE, (folder / PIECES_FILE).read_bytes(), sums)
            onset, *arrays = (_array(folder / f"{name}.npy", sums, ARRAY_TYPES[name]) for name in ARRAYS)
        except FileNotFoundError as error:
            raise TrainingError(
                f"{error.filename}: missing, so copies cannot be found; train the run again, or compose with --max-copy 0"
            ) from None
        opened = cls(held.pieces, onset, Index(*arrays))
        if wrong := opened._find_inconsistency():
            raise TrainingError(f"{folder / f'{wrong[0]}.npy'}: {wrong[1]}; {DAMAGED}")
        return opened

    def _find_inconsistency(self) -> tuple[str, str] | None:
        """Return the first inconsistent array and what is wrong, or None."""
        index, notes = self.index, len(self.onset)
        first = index.first
        if len(first) != len(self.pieces) + 1 or first[0] != 0 or first[-1] != notes or (np.diff(first) < 0).any():
            return "first", f"does not divide {notes} notes into {len(self.pieces)} pieces"
        for name, array in (("tick", index.tick), ("pitch", index.pitch)):
            if len(array) != notes:
                return name, f"{len(array)} notes, but onset.npy has {notes}"
        if len(index.hashes) != len(index.places):
            return "places", f"{len(index.places)} places for {len(index.hashes)} seeds"
        if (index.tick[1:] < index.tick[:-1]).any():
            return "tick", "not in order"
        fall = np.flatnonzero(self.onset[1:] < self.onset[:-1]) + 1
        if not np.isin(fall, first).all():
            return "onset", "not in order within a piece"
        if (index.pitch < 0).any():
            return "pitch", "a pitch outside 0 to 127"
        if (index.hashes[1:] < index.hashes[:-1]).any():
            return "hashes", "not in order"
        if len(index.places) and not 0 <= index.places.min() <= index.places.max() < notes:
            return "places", f"a place outside the {notes} notes"
        return None


def _listed(folder: Path) -> Sums:
    """Return the SHA-256 of the files in a folder, from its own list."""
    listed = read_sums(folder, fail=TrainingError, remedy=DAMAGED)
    if listed is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder / SUMS_FILE))
    return listed


def _check_sum(file: Path, data: bytes, sums: Sums) -> None:
    found, was = hashlib.sha256(data).hexdigest(), sums.get(file.name, frozenset())
    if found not in was:
        raise TrainingError(f"{file}: its SHA-256 is {found}, expected {', '.join(was) or 'none'}; {DAMAGED}")


def _array(file: Path, sums: Sums, kinds: tuple[str, ...]) -> npt.NDArray[Any]:
    """Return the one-dimensional array in a file, after checking its hash and type."""
    data = file.read_bytes()
    _check_sum(file, data, sums)
    try:
        array: npt.NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise TrainingError(f"{file}: {error}; {DAMAGED}") from None
    if array.ndim != 1 or array.dtype.str not in kinds:
        raise TrainingError(
            f"{file}: {array.ndim} dimensions of {array.dtype}, expected one of {kinds[0][1:]}; {DAMAGED}"
        )
    return array


def _bytes(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
