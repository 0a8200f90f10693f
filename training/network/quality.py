"""Held-out bits per note, total and by field, computed by the NumPy network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog.base.errors import TrainingError
from training.events.batches import EncodedPiece
from training.events.encoding import encode
from training.events.fields import FIELDS
from training.events.vocabulary import UNKNOWN
from training.midi import read_notes
from training.network.inference import NoteNetwork


@dataclass(frozen=True, slots=True)
class Quality:
    """Bits per note: the mean of −log2 p over all notes but each piece's first.

    The coarse ones count times and durations by the 65 coarse classes of earlier versions, whose probability is the sum
    over the exact classes in each. They are lower, and comparable with figures of earlier versions.
    """

    bits_per_note: float
    fields: dict[str, float]
    notes: int
    pieces: int
    bits_per_note_coarse: float
    fields_coarse: dict[str, float]

    def lines(self) -> list[str]:
        """Return the figures as lines for the console."""
        total = f"{self.bits_per_note:.3f} bits per note over {self.notes:,} notes of {self.pieces} pieces"
        differing = ", ".join(
            f"{field} {value:.3f}" for field, value in self.fields_coarse.items() if value != self.fields[field]
        )
        return [
            total,
            *(f"  {field:9}{value:.3f}" for field, value in self.fields.items()),
            f"{self.bits_per_note_coarse:.3f} at the coarse classes of earlier versions"
            + (f" ({differing})" if differing else ""),
        ]


@np.errstate(over="ignore", invalid="ignore")  # the result is checked below
def quality(network: NoteNetwork, pieces: Sequence[EncodedPiece]) -> Quality:
    """Return the quality of `network` on `pieces`.

    Raises TrainingError if there is no note to predict, or if the network gives no finite probabilities.
    """
    notes = sum(len(piece.events) - 1 for piece in pieces)
    if notes < 1:
        raise TrainingError("no notes to evaluate on; choose a split or folder with pieces of at least two notes")
    exact, coarse = network.bits(pieces, coarse=True).sum(axis=1) / notes
    if not (np.isfinite(exact).all() and np.isfinite(coarse).all()):
        raise TrainingError(
            "the network gives no probabilities: its weights are damaged or unusable; train the run again"
        )
    fields, fields_coarse = (dict(zip(FIELDS, mean.tolist(), strict=True)) for mean in (exact, coarse))
    return Quality(float(exact.sum()), fields, notes, len(pieces), float(coarse.sum()), fields_coarse)


def read_folder(folder: Path) -> tuple[list[EncodedPiece], dict[str, str]]:
    """Read the MIDI files below `folder` as events without style.

    Also returns the reason for each file that cannot be read.
    """
    read, reasons = [], {}
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi") and not p.is_dir()):
        try:
            read.append(read_notes(path))
        except TrainingError as error:
            reasons[str(path)] = str(error).removeprefix(f"{path}: ")
    return [EncodedPiece(events, (UNKNOWN, UNKNOWN)) for events in encode(read)], reasons
