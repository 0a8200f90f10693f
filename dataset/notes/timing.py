"""How ticks become beats and seconds: changes of tempo and time signature.

Pure functions over tuples; the grid of 1/24 of a quarter note is defined here. `dataset.notes.model` holds what happens on it.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalog.base.errors import DatasetError

TICKS_PER_QUARTER = 24
FILE_TICKS = 20  # ticks of a written file for one of ours: 480 a quarter, what most programs expect
MAX_TICK = (2**28 - 1) // FILE_TICKS  # the longest delta time that MIDI can say; at 120 a minute, 77 hours
SLOWEST_QPM, FASTEST_QPM = 60e6 / 0xFFFFFF, 60e6  # what MIDI can say: 1 to 2^24 - 1 microseconds per quarter note
DEFAULT_QPM = 120.0  # what the MIDI standard says where a file says nothing
DEFAULT_TIME_SIGNATURE = (4, 4)
DENOMINATORS = (1, 2, 4, 8, 16, 32, 64)
MAX_NUMERATOR = 64

TempoChange = tuple[int, float]
TimeSignatureChange = tuple[int, int, int]
KeySignatureChange = tuple[int, int, int]
MOST_SHARPS = 7  # or flats, of a key signature
DEFAULT_KEY = (0, 0)  # fifths and mode, C major: what programs write where nobody chose a key


def canonical_tempos(changes: Iterable[TempoChange]) -> tuple[TempoChange, ...]:
    """Return the changes in order; one stands at tick 0.

    The last of a tick counts, one that changes nothing is dropped.
    """
    by_tick: dict[int, float] = {0: DEFAULT_QPM}
    for tick, qpm in sorted(changes, key=itemgetter(0)):
        if not 0 <= tick <= MAX_TICK or not SLOWEST_QPM <= qpm <= FASTEST_QPM:
            raise DatasetError(
                f"notes: a tempo of {qpm} at tick {tick}: ticks lie in 0 to {MAX_TICK}, tempos in {SLOWEST_QPM:g} to {FASTEST_QPM:g}"
            )
        by_tick[int(tick)] = 60e6 / round(60e6 / qpm)
    kept: list[TempoChange] = []
    for tick, qpm in by_tick.items():
        if not kept or kept[-1][1] != qpm:
            kept.append((tick, qpm))
    return tuple(kept)


def canonical_time_signatures(changes: Iterable[TimeSignatureChange]) -> tuple[TimeSignatureChange, ...]:
    """As tempos, but a repetition that starts a new bar inside a bar is kept."""
    by_tick: dict[int, tuple[int, int]] = {0: DEFAULT_TIME_SIGNATURE}
    for tick, numerator, denominator in sorted(changes, key=itemgetter(0)):
        if not 0 <= tick <= MAX_TICK or not 1 <= numerator <= MAX_NUMERATOR or denominator not in DENOMINATORS:
            raise DatasetError(
                f"notes: a time signature of {numerator}/{denominator} at tick {tick}: ticks lie in 0 to {MAX_TICK}, numerators in 1 to "
                f"{MAX_NUMERATOR}, denominators are powers of 2 up to {max(DENOMINATORS)}"
            )
        by_tick[int(tick)] = (int(numerator), int(denominator))
    kept: list[TimeSignatureChange] = []
    for tick, (numerator, denominator) in by_tick.items():
        if kept and kept[-1][1:] == (numerator, denominator):
            bar = 4 * TICKS_PER_QUARTER * numerator
            if (tick - kept[-1][0]) * denominator % bar == 0:
                continue
        kept.append((tick, numerator, denominator))
    return tuple(kept)


def canonical_key_signatures(changes: Iterable[KeySignatureChange]) -> tuple[KeySignatureChange, ...]:
    """Return the changes in order, without repetitions; none is added.

    Of several at one tick the last counts, but 0/major only where it is alone: programs write it in tracks of their own.
    """
    by_tick: dict[int, tuple[int, int]] = {}
    for tick, fifths, mode in sorted(changes, key=itemgetter(0)):
        if not 0 <= tick <= MAX_TICK or not -MOST_SHARPS <= fifths <= MOST_SHARPS or mode not in (0, 1):
            raise DatasetError(
                f"notes: a key signature of {fifths} fifths, mode {mode} at tick {tick}: ticks lie in 0 to {MAX_TICK}, fifths in "
                f"-{MOST_SHARPS} to {MOST_SHARPS}, modes are 0 and 1"
            )
        if tick not in by_tick or (fifths, mode) != DEFAULT_KEY:
            by_tick[int(tick)] = (int(fifths), int(mode))
    kept: list[KeySignatureChange] = []
    for tick, key in by_tick.items():
        if not kept or kept[-1][1:] != key:
            kept.append((tick, *key))
    return tuple(kept)


def tick_to_seconds(tempos: Sequence[TempoChange], ticks: ArrayLike) -> NDArray[np.float64]:
    """Return the time of each tick in seconds from tick 0, under `tempos`."""
    if len(tempos) == 1:
        return np.asarray(ticks, np.float64) * (60.0 / (tempos[0][1] * TICKS_PER_QUARTER))
    starts = np.array([tick for tick, _ in tempos], np.float64)
    seconds_a_tick = np.array([60.0 / (qpm * TICKS_PER_QUARTER) for _, qpm in tempos])
    elapsed = np.concatenate([[0.0], np.cumsum(np.diff(starts) * seconds_a_tick[:-1])])
    wanted = np.asarray(ticks, np.float64)
    segment = np.maximum(np.searchsorted(starts, wanted, side="right") - 1, 0)
    return np.asarray(elapsed[segment] + (wanted - starts[segment]) * seconds_a_tick[segment], np.float64)
