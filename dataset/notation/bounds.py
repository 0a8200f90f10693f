"""How large a piece may be to be written as a score: a file of a hundred bytes can say a hundred thousand bars of silence.

In: `Notes`; out: nothing, or an error that says the size, the most that is written, and what to do. Nothing is made to find out.
"""

import numpy as np

from catalog.base.errors import DatasetError
from dataset.notes.meter import bars_of, count_bars
from dataset.notes.model import Notes

# the real section has 433 and 25,760 at most; a score of so many heads takes a minute to draw
MAX_BARS, MAX_HEADS = 4_000, 60_000


def check_size(notes: Notes) -> None:
    """Raise DatasetError where a score of `notes` would have more bars or note heads than are written."""
    if not len(notes):
        return
    last = int(notes.end.max())
    bars = count_bars(notes.time_signatures, last)
    if bars > MAX_BARS:
        raise DatasetError(
            f"the piece has {bars:,} bars, and a score is written of {MAX_BARS:,} at most: shorten it, or take out its silence"
        )
    firsts = [bar.start for bar in bars_of(notes.time_signatures, last)]
    cuts = np.unique(np.concatenate([notes.onset, notes.end, firsts]))  # where a voice may have to tie
    heads = int((np.searchsorted(cuts, notes.end) - np.searchsorted(cuts, notes.onset)).sum())
    if heads > MAX_HEADS:
        raise DatasetError(
            f"the piece's {len(notes):,} notes overlap so that they need {heads:,} note heads, and a score is written of "
            f"{MAX_HEADS:,} at most: shorten it, or its notes"
        )
