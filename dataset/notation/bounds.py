"""Limits on the size of a score.

A MIDI file of a hundred bytes can contain a hundred thousand bars of silence. In: `Notes`; out: nothing, or an error
with the size, the limit and a remedy. The size is computed without making the score.
"""

import numpy as np

from catalog.base.errors import DatasetError
from dataset.notes.meter import bars_of, count_bars
from dataset.notes.model import Notes

# the largest pieces of VGMusic's piano section have 433 and 25,760; a score of this many heads takes a minute to draw
MAX_BARS, MAX_HEADS = 4_000, 60_000


def check_size(notes: Notes) -> None:
    """Raise DatasetError if a score would have too many bars or note heads."""
    if not len(notes):
        return
    last = int(notes.end.max())
    bars = count_bars(notes.time_signatures, last)
    if bars > MAX_BARS:
        raise DatasetError(
            f"the piece has {bars:,} bars, and a score may have at most {MAX_BARS:,}: shorten it, or remove its silence"
        )
    firsts = [bar.start for bar in bars_of(notes.time_signatures, last)]
    cuts = np.unique(np.concatenate([notes.onset, notes.end, firsts]))  # where a voice may need a tie
    heads = int((np.searchsorted(cuts, notes.end) - np.searchsorted(cuts, notes.onset)).sum())
    if heads > MAX_HEADS:
        raise DatasetError(
            f"the piece's {len(notes):,} overlapping notes need {heads:,} note heads, and a score may have "
            f"at most {MAX_HEADS:,}: shorten the piece or its notes"
        )
