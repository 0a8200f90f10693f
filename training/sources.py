"""What a run was trained on, kept in the run's own folder: every training piece's notes as passages are looked for, and whose they are.

So a run can say what was copied from whom wherever its folder lies, and a sampler can keep from copying it.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catalog.errors import TrainingError
from catalog.reading import Above0, Positive, Sha256, Tick, read_json
from dataset.notes import tick_to_seconds
from training.encoding import classes
from training.events import PITCH, bar_of
from training.passages import Index, Line

if TYPE_CHECKING:
    from dataset.corpus import CorpusPiece


@dataclass(frozen=True, slots=True)
class Source:
    """One piece that passages may come from, with its tempos and time signatures as `Notes` has them."""

    title: str  # as listed
    game: str  # the slug
    series: str  # the slug
    sequencer: str  # as listed; empty where the source leaves it blank
    sha256: Sha256  # of the MIDI file, hexadecimal
    tempos: tuple[tuple[Tick, Above0], ...]  # (tick, quarter notes a minute), the first at tick 0
    time_signatures: tuple[tuple[Tick, Positive, Positive], ...]  # (tick, numerator, denominator), the first at tick 0


@dataclass(frozen=True, slots=True)
class _Held:
    """The content of pieces.json."""

    pieces: tuple[Source, ...]


PIECES_FILE = "pieces.json"
FORMAT = 1  # raise it when seeds, classes or files change: what is on disk is then made again
INDEX_ARRAYS = ("first", "tick", "pitch", "hashes", "places")


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Pieces, the ticks at which their notes begin, one piece after the other, and the index in which passages are looked for."""

    pieces: tuple[Source, ...]  # in the corpus's order
    onset: npt.NDArray[np.int32]  # [n], of each note, ticks of 1/24 quarter from the start of its file
    index: Index  # of the same notes

    @classmethod
    def of(cls, pieces: "Sequence[CorpusPiece]") -> "Sources":
        """Return the pieces as sources, in their order."""
        told, onsets, lines = [], [np.zeros(0, np.int32)], []
        for piece in pieces:
            rows, onset = classes(piece.notes)
            onsets.append(onset)
            lines.append(Line.at(onset, rows[:, PITCH]))
            whose = piece.title, piece.game, piece.series, piece.sequencer or "", piece.sha256
            told.append(Source(*whose, piece.notes.tempos, piece.notes.time_signatures))
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
        return {PIECES_FILE: told.encode(), **{f"{name}.npy": _bytes(array) for name, array in arrays.items()}}

    @classmethod
    def open(cls, folder: Path) -> "Sources":
        """Return the sources in a folder; arrays are read when they are needed. Raises TrainingError where it is none, or damaged."""
        try:
            held = read_json(
                folder / PIECES_FILE, _Held, fail=TrainingError, remedy="damaged: train the run again", version=FORMAT
            )
            onset, *arrays = (_mapped(folder / f"{name}.npy") for name in ("onset", *INDEX_ARRAYS))
        except FileNotFoundError as error:
            raise TrainingError(
                f"{error.filename}: missing, so nobody can say what is copied; train the run again, or compose with --max-copy 0"
            ) from None
        except (ValueError, KeyError, OSError, TypeError, EOFError) as error:
            raise TrainingError(f"{folder}: damaged ({error}); train the run again") from None
        return cls(held.pieces, onset, Index(*arrays))


def _bytes(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _mapped(file: Path) -> npt.NDArray[Any]:
    """Return an array that is read when it is needed, as a plain one: every cut from a memmap costs more than a cut of an array."""
    return np.asarray(np.load(file, mmap_mode="r"))
