"""The account of the note-ons of a corpus: read = kept + dropped, by reason.

And how many of its files are cut short.

In: the measures of its pieces. Out: totals. Pure functions.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dataset.measures.measure import read_dropped


@dataclass(frozen=True, slots=True)
class NoteAccount:
    """Note-ons of all files of a corpus; `read` is `kept` plus all of `dropped`."""

    read: int  # in the bytes of the files
    kept: int  # notes of the corpus
    dropped: Mapping[str, int]  # by reason, the most frequent first
    unended: int  # of those read, without a note-off of their own
    cut_short: int  # files that end within a track: what came after is in none of these numbers


def account_of(measures: pa.Table) -> NoteAccount | None:
    """Return the account of a table of measures, None if an earlier version made it."""
    if (
        not {"note_ons", "dropped", "unended_notes", "cut_short"} <= set(measures.column_names)
        or measures["note_ons"].null_count
    ):
        return None
    dropped: Counter[str] = Counter()
    for text in measures["dropped"].drop_null().to_pylist():
        dropped.update(read_dropped(text))
    counted = ("note_ons", "notes", "unended_notes", "cut_short")
    read, kept, unended, cut_short = (pc.sum(measures[name]).as_py() or 0 for name in counted)
    return NoteAccount(read, kept, dict(dropped.most_common()), unended, cut_short)
