"""Inputs of the NumPy network by name: their columns in what it is told of a note, and inputs that are no classes."""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from training.events import character, ears, encoding, plan_columns
from training.events import fields as events
from training.events.repeat_models import CONFIDENCES, GUESSES
from training.network.layout import in_chroma

Array = npt.NDArray[np.float32]
Classes = npt.NDArray[Any]  # of an integer type

LAST = encoding.COLUMNS
"""What the network is told of a note: its columns of events, from here on those of the note before it, and VOICES."""
VOICES = LAST + events.KNOWN
"""Column of how many notes sound."""
TOLD = VOICES + 1
"""Number of columns of what the network is told of a note."""

OFFSETS = {name: np.arange(count, dtype=np.int32) * CONFIDENCES for name, count in GUESSES.items()}
"""Where the confidences of each guess begin in its field's table."""

_LOG_SHARES = np.log(np.arange(1001, dtype=np.float32) / 1000 + np.float32(0.02)) + np.float32(2.5)

HAS_CLASS: Array = in_chroma(np.arange(character.CHROMAS)[:, None], np.arange(12)).astype(np.float32)
"""Whether each pitch class is in a set of them, [sets, 12]."""

# distinct values for missing guesses: they agree with none
_NO_GUESS = -1 - np.arange(max(GUESSES.values()), dtype=np.int16)
_PAIRS = {name: np.array(list(combinations(range(count), 2))).T for name, count in GUESSES.items()}


def _columns() -> dict[str, slice]:
    """Return the columns, of what the network is told of a note, of each input that is one class or several."""
    one = {name: at for at, name in enumerate((*events.FIELDS, "place"))}
    one |= {f"last_{name}": LAST + at for name, at in one.items()}
    one |= {f"guess_{name}": at.start for name, at in encoding.GUESS.items()}
    one |= {"next_pitch": encoding.NEXT_PITCH, "next_duration": encoding.NEXT_DURATION, "sounding_voices": VOICES}
    for names, group in ((plan_columns.INPUTS, encoding.PLANNED), (ears.LINE, encoding.LINE)):
        one |= {name: group.start + at for at, name in enumerate(names)}
    heard = encoding.HEARD.start
    return {
        **{name: slice(at, at + 1) for name, at in one.items()},
        **{f"trust_{name}": columns for name, columns in encoding.CONFIDENCE.items()},
        **{f"{name}_heard": slice(heard + at, heard + at + count) for name, at, count in ears.GROUPS},
    }


COLUMNS = _columns()


def told(last: Classes, now: Classes) -> Classes:
    """Return what the network is told of notes [..., TOLD], from them and the notes before, [..., encoding.COLUMNS]."""
    rows = np.empty((*now.shape[:-1], TOLD), np.int32)
    rows[..., :LAST], rows[..., LAST:VOICES] = now, last[..., : events.KNOWN]
    count_voices(rows)
    return rows


def count_voices(rows: Classes) -> None:
    """Write how many notes sound into what the network is told [..., TOLD]."""
    (rows[..., encoding.SOUNDING] > 0).sum(axis=-1, out=rows[..., VOICES])


def pitch_class_shares(rows: Classes) -> Array:
    """Return centred log shares of pitch classes, [..., PITCH_CLASS_SHARES]."""
    shares: Array = _LOG_SHARES.take(rows[..., encoding.PITCH_CLASS_SHARES])
    return shares


def numbers(name: str, rows: Classes) -> Array:
    """Return an input that is no class: shares of pitch classes, which guesses agree, or a planned set of pitch classes."""
    if name == "tones":
        return pitch_class_shares(rows)
    kind, _, field = name.rpartition("_")
    if kind != "agree":
        sets: Array = HAS_CLASS.take(rows[..., COLUMNS[name].start], axis=0)
        return sets
    guess = np.where(
        rows[..., encoding.CONFIDENCE[field]] > 0, rows[..., encoding.GUESS[field]], _NO_GUESS[: GUESSES[field]]
    )
    first, second = _PAIRS[field]
    agree: Array = (guess.take(first, axis=-1) == guess.take(second, axis=-1)).astype(np.float32)
    return agree
