"""What a run was trained on, kept in the run's own folder: every training piece's notes as passages are looked for, and whose they are.

So a run can say what was copied from whom wherever its folder lies, and a sampler can keep from copying it.
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
from catalog.storage.checksums import SUMS_FILE, Sums, read_sums, text_of
from catalog.storage.reading import Above0, Positive, Sha256, Tick, read_json
from dataset.notes.timing import tick_to_seconds
from training.events.classes import PITCH, bar_of
from training.events.encoding import classes
from training.novelty.passages import Index, Line

if TYPE_CHECKING:
    from dataset.corpus.corpus import CorpusPiece


@dataclass(frozen=True, slots=True)
class IndexedPiece:
    """One piece that passages may come from, with its tempos and time signatures as `Notes` has them."""

    title: str  # as listed
    game: str  # the slug
    series: str  # the slug
    sequencer: str  # as listed; empty where the source leaves it blank
    sha256: Sha256  # of the MIDI file, hexadecimal
    game_title: str  # title of the game, as listed
    source: str  # where the piece comes from, such as vgmusic
    url: str  # address of the file; of an import, its place in the archive or folder
    tempos: tuple[tuple[Tick, Above0], ...]  # (tick, quarter notes a minute), the first at tick 0
    time_signatures: tuple[tuple[Tick, Positive, Positive], ...]  # (tick, numerator, denominator), the first at tick 0


@dataclass(frozen=True, slots=True)
class _Held:
    """The content of pieces.json."""

    pieces: tuple[IndexedPiece, ...]


PIECES_FILE = "pieces.json"
FORMAT = 3  # raise it when seeds, classes or files change: what is on disk is then made again
INDEX_ARRAYS = ("first", "tick", "pitch", "hashes", "places")
ARRAYS = ("onset", *INDEX_ARRAYS)
WHOLE = ("<i4", "<i8")
KINDS = {"onset": WHOLE, "first": ("<i8",), "tick": WHOLE, "pitch": ("|i1",), "hashes": ("<u8",), "places": WHOLE}
DAMAGED = "damaged: train the run again, or put the folder back as it was"


@dataclass(frozen=True, slots=True, eq=False)
class TrainingIndex:
    """Pieces, the ticks at which their notes begin, one piece after the other, and the index in which passages are looked for."""

    pieces: tuple[IndexedPiece, ...]  # in the corpus's order
    onset: npt.NDArray[np.int32]  # [n], of each note, ticks of 1/24 quarter from the start of its file
    index: Index  # of the same notes

    @classmethod
    def of(cls, pieces: "Sequence[CorpusPiece]") -> "TrainingIndex":
        """Return the pieces as sources, in their order."""
        told, onsets, lines = [], [np.zeros(0, np.int32)], []
        for piece in pieces:
            rows, onset = classes(piece.notes)
            onsets.append(onset)
            lines.append(Line.at(onset, rows[:, PITCH]))
            listed = piece.title, piece.game, piece.series, piece.sequencer or "", piece.sha256
            place = piece.game_title, piece.source, piece.url
            told.append(IndexedPiece(*listed, *place, piece.notes.tempos, piece.notes.time_signatures))
        return cls(tuple(told), np.concatenate(onsets), Index.of(lines))

    def place(self, piece: int, note: int) -> tuple[int, float]:
        """Return where a note of a piece stands: the number of its bar, from 1, and seconds from the beginning of its file."""
        tick = int(self.onset[self.index.first[piece] + note])
        source = self.pieces[piece]
        return bar_of(tick, source.time_signatures), float(tick_to_seconds(source.tempos, [tick])[0])

    def files(self) -> dict[str, bytes]:
        """Return what a folder of sources holds: bytes by file name, the same for the same sources."""
        held = {"format": FORMAT, "pieces": [asdict(piece) for piece in self.pieces]}
        told = json.dumps(held, ensure_ascii=False, indent=0)
        arrays = {"onset": self.onset, **{name: getattr(self.index, name) for name in INDEX_ARRAYS}}
        files = {PIECES_FILE: told.encode(), **{f"{name}.npy": _bytes(array) for name, array in arrays.items()}}
        return {**files, SUMS_FILE: text_of(files).encode()}

    @classmethod
    def open(cls, folder: Path, sums: Sums | None = None) -> "TrainingIndex":
        """Return the sources in a folder whose files have these SHA-256, by name; without `sums`, those that the folder itself lists.

        Raises TrainingError where it is none, is of an older form, or is damaged: a guard that looks in the wrong notes guards nothing.
        """
        try:
            sums = _listed(folder) if sums is None else sums
            held = read_json(folder / PIECES_FILE, _Held, fail=TrainingError, remedy=DAMAGED, version=FORMAT)
            _check_sum(folder / PIECES_FILE, (folder / PIECES_FILE).read_bytes(), sums)
            onset, *arrays = (_array(folder / f"{name}.npy", sums, KINDS[name]) for name in ARRAYS)
        except FileNotFoundError as error:
            raise TrainingError(
                f"{error.filename}: missing, so nobody can say what is copied; train the run again, or compose with --max-copy 0"
            ) from None
        opened = cls(held.pieces, onset, Index(*arrays))
        if wrong := opened._disorder():
            raise TrainingError(f"{folder / f'{wrong[0]}.npy'}: {wrong[1]}; {DAMAGED}")
        return opened

    def _disorder(self) -> tuple[str, str] | None:
        """Return the first array that does not stand as `Index` needs it, and what is wrong; None where all do."""
        index, notes = self.index, len(self.onset)
        first = index.first
        if len(first) != len(self.pieces) + 1 or first[0] != 0 or first[-1] != notes or (np.diff(first) < 0).any():
            return "first", f"does not part {notes} notes into {len(self.pieces)} pieces"
        for name, array in (("tick", index.tick), ("pitch", index.pitch)):
            if len(array) != notes:
                return name, f"{len(array)} notes, onset.npy has {notes}"
        if len(index.hashes) != len(index.places):
            return "places", f"{len(index.places)} places of {len(index.hashes)} seeds"
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
            return "places", f"a place outside its {notes} notes"
        return None


def _listed(folder: Path) -> Sums:
    """Return the SHA-256 of the files of a folder of sources, as its own list has them."""
    listed = read_sums(folder, fail=TrainingError, remedy=DAMAGED)
    if listed is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder / SUMS_FILE))
    return listed


def _check_sum(file: Path, data: bytes, sums: Sums) -> None:
    found, was = hashlib.sha256(data).hexdigest(), sums.get(file.name, frozenset())
    if found not in was:
        raise TrainingError(
            f"{file}: its SHA-256 is {found}, and it was made with {', '.join(was) or 'none'}; {DAMAGED}"
        )


def _array(file: Path, sums: Sums, kinds: tuple[str, ...]) -> npt.NDArray[Any]:
    """Return the array in a file, checked to be of one row, of one of `kinds`, and what it was when it was written."""
    data = file.read_bytes()
    _check_sum(file, data, sums)
    try:
        array: npt.NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise TrainingError(f"{file}: {error}; {DAMAGED}") from None
    if array.ndim != 1 or array.dtype.str not in kinds:
        raise TrainingError(f"{file}: {array.ndim} dimensions of {array.dtype}, not a row of {kinds[0][1:]}; {DAMAGED}")
    return array


def _bytes(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
