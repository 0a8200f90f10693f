"""What a run was trained on, kept in the run's own folder: every training piece's notes as passages are looked for, and whose they are.

So a run can say what was copied from whom wherever its folder lies, and a sampler can keep from copying it.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catalog.errors import TrainingError
from dataset.notes import tick_to_seconds
from training.encoding import classes
from training.events import PITCH, bar_of
from training.passages import Index, Line

if TYPE_CHECKING:
    from dataset.corpus import CorpusPiece


@dataclass(frozen=True, slots=True)
class Source:
    """One piece that passages may come from, with its tempos and time signatures as `Notes` has them."""

    title: str
    game: str
    series: str
    sequencer: str
    sha256: str
    tempos: tuple[tuple[int, float], ...]
    time_signatures: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, eq=False)
class Sources:
    """Pieces, with onset (ticks) and pitch of their notes one piece after the other, and where each piece begins and ends."""

    pieces: tuple[Source, ...]
    onset: npt.NDArray[np.int32]
    pitch: npt.NDArray[np.uint8]
    first: npt.NDArray[np.int64]  # [pieces + 1]

    @classmethod
    def of(cls, pieces: "Sequence[CorpusPiece]") -> "Sources":
        """Return the pieces as sources, in their order."""
        told, onsets, pitches = [], [np.zeros(0, np.int32)], [np.zeros(0, np.uint8)]
        for piece in pieces:
            rows, onset = classes(piece.notes)
            onsets.append(onset)
            pitches.append(rows[:, PITCH].astype(np.uint8))
            whose = piece.title, piece.game, piece.series, piece.sequencer or "", piece.sha256
            told.append(Source(*whose, piece.notes.tempos, piece.notes.time_signatures))
        first = np.cumsum([len(onset) for onset in onsets])
        return cls(tuple(told), np.concatenate(onsets), np.concatenate(pitches), first.astype(np.int64))

    @cached_property
    def index(self) -> Index:
        """The pieces as passages are looked for in them."""
        spans = [slice(int(a), int(b)) for a, b in zip(self.first[:-1], self.first[1:], strict=True)]
        return Index([Line.at(self.onset[span], self.pitch[span]) for span in spans])

    def place(self, piece: int, note: int) -> tuple[int, float]:
        """Return where a note of a piece stands: the number of its bar, from 1, and seconds from the beginning of its file."""
        tick = int(self.onset[self.first[piece] + note])
        source = self.pieces[piece]
        return bar_of(tick, source.time_signatures), float(tick_to_seconds(source.tempos, [tick])[0])

    def to_bytes(self) -> bytes:
        """Return the sources as the bytes of one file, the same for the same sources."""
        told = json.dumps([asdict(piece) for piece in self.pieces], ensure_ascii=False).encode()
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, onset=self.onset, pitch=self.pitch, first=self.first, pieces=np.frombuffer(told, np.uint8)
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, path: Path) -> "Sources":
        """Return what `to_bytes` gave. Raises TrainingError where there is no such file, or it is damaged."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
                told: list[dict[str, Any]] = json.loads(held["pieces"].tobytes())
                pieces = tuple(
                    Source(
                        **{
                            **piece,
                            "tempos": tuple(map(tuple, piece["tempos"])),
                            "time_signatures": tuple(map(tuple, piece["time_signatures"])),
                        }
                    )
                    for piece in told
                )
                return cls(pieces, held["onset"], held["pitch"], held["first"])
        except FileNotFoundError:
            raise TrainingError(
                f"{path}: missing, so nobody can say what is copied; train the run again, or compose with --max-copy 0"
            ) from None
        except (ValueError, KeyError, OSError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise TrainingError(f"{path}: damaged ({error}); train the run again") from None
