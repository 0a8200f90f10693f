"""Measures of a passage, by which a `Critic` tells people's music from a run's. Pure NumPy.

They are what a listener or a reader of the score would name: rhythm, harmony, the lines of the piece and of each hand,
texture, and how bars come again. Hands are estimated here for people's pieces as well, so that both are read alike.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.form import bar_lines
from dataset.notes.hand_estimate import estimate_hands
from dataset.notes.model import LEFT, UNKNOWN, Notes
from dataset.notes.timing import TICKS_PER_QUARTER
from training.events.character import MAJOR_SCALES
from training.events.fields import counted

WINDOW, STEP = 128, 64  # notes of a passage, and from the beginning of one to that of the next

_LEAST = 5  # notes of a line, or of a hand, that is measured
_NEAR, _LEAP = 2, 4  # semitones
_SIZES = ((1, 1), (2, 2), (3, 4), (5, 5), (6, 6), (7, 7), (8, 12), (13, 127))  # semitones of a move, first and last
_SHORT, _LONG = TICKS_PER_QUARTER // 2, 2 * TICKS_PER_QUARTER  # ticks of a detached and of a held note

Numbers = npt.NDArray[Any]
Measures = dict[str, float]


def measure_ends(notes: Notes, ends: list[int]) -> list[Measures]:
    """Return the measures of the WINDOW notes before each of these places in `counted` notes.

    A measure is left out, or NaN, where it is not known. The hands are estimated in the notes of all these passages together.
    """
    keep = counted(notes)
    first = max(0, min(ends, default=0) - WINDOW)
    keep = keep[first : max(ends, default=0)]
    onset, duration, pitch = (column[keep].astype(np.int64) for column in (notes.onset, notes.duration, notes.pitch))
    unknown = np.full(len(keep), UNKNOWN, np.uint8)
    hand = estimate_hands(notes.onset[keep], notes.duration[keep], notes.pitch[keep], unknown)
    lines = bar_lines(notes)
    bar = np.minimum(np.searchsorted(lines, onset, side="right") - 1, len(lines) - 2)
    columns = onset, duration, pitch, onset - lines[bar], bar, hand == LEFT
    return [_measures(*(column[max(0, end - WINDOW - first) : end - first] for column in columns)) for end in ends]


def _measures(
    onset: Numbers, duration: Numbers, pitch: Numbers, place: Numbers, bar: Numbers, is_left: Numbers
) -> Measures:
    begins, first, count = np.unique(onset, return_index=True, return_counts=True)
    sounds = (onset <= begins[:, None]) & (onset + duration > begins[:, None])
    found = {
        **_rhythm("", begins, place[first]),
        "bars with an onset on their line": len(np.unique(bar[place == 0])) / len(np.unique(bar)),
        **_harmony(pitch, bar, sounds),
        **_line("top", pitch[first + count - 1]),
        **_line("bottom", pitch[first]),
        **_texture(begins, count, onset + duration, pitch, sounds),
        **_hands(begins, onset, duration, pitch, is_left),
        **_form("", bar, place, pitch),
    }
    for hand, line, of_hand, at_top in (
        ("right", "right top", ~is_left, True),
        ("left", "left bottom", is_left, False),
        ("left", "left top", is_left, True),
    ):
        if of_hand.sum() < _LEAST:
            continue
        own, begin, struck = np.unique(onset[of_hand], return_index=True, return_counts=True)
        outer = pitch[of_hand][begin + struck - 1 if at_top else begin]
        found |= _line(line, outer) | _motifs(line, np.diff(own), outer)
        if at_top:
            found |= _rhythm(f"{hand} ", own, place[of_hand][begin])
            found |= _form(f"{hand} ", bar[of_hand], place[of_hand], pitch[of_hand])
    return found


def _share(values: Numbers) -> float:
    return float(values.mean()) if len(values) else np.nan


def _repeated(columns: Numbers, length: int) -> float:
    """Return the share of runs of `length` rows that occurred before."""
    if len(columns) < length + 1:
        return np.nan
    runs = np.lib.stride_tricks.sliding_window_view(columns, length, axis=0).reshape(len(columns) - length + 1, -1)
    return 1 - len(np.unique(runs, axis=0)) / len(runs)


def _rhythm(prefix: str, begins: Numbers, place: Numbers) -> Measures:
    steps = np.diff(begins)
    if len(steps) < _LEAST:
        return {}
    usual, longer = np.unique(steps, return_counts=True), steps > np.median(steps)
    on_beat = place % TICKS_PER_QUARTER == 0
    return {
        f"{prefix}onsets per quarter": float(np.log(len(begins) * TICKS_PER_QUARTER / (begins[-1] - begins[0]))),
        f"{prefix}onsets on the beat": _share(on_beat),
        f"{prefix}onsets on the bar line": _share(place == 0),
        f"{prefix}long notes on the beat": _share(on_beat[:-1][longer]),
        f"{prefix}commonest step": float(usual[1].max() / len(steps)),
        f"{prefix}kinds of steps": float(len(usual[0])),
        f"{prefix}changes of step": _share(steps[1:] != steps[:-1]),
        f"{prefix}rhythms of four that come again": _repeated(steps[:, None], 4),
    }


def _harmony(pitch: Numbers, bar: Numbers, sounds: Numbers) -> Measures:
    heard = np.minimum(sounds.astype(np.float64) @ np.eye(12)[pitch % 12], 1)  # [onsets, pitch classes]
    pairs = np.array([(heard * np.roll(heard, step, axis=1)).sum() for step in range(1, 7)])
    pairs[5] /= 2
    pairs /= max(1.0, pairs.sum())
    bars = np.zeros((int(bar[-1] - bar[0]) + 1, 12))
    np.add.at(bars, (bar - bar[0], pitch % 12), 1)
    bars = bars[bars.any(axis=1)]
    of_all = bars.sum(axis=0) / len(pitch)
    there = bars > 0
    either = (there[1:] | there[:-1]).sum(axis=1)
    return {
        **{f"interval class {step} among what sounds": float(pairs[step - 1]) for step in range(1, 7)},
        "notes in the best scale": float((MAJOR_SCALES @ of_all).max()),
        "notes in the best scale of their bar": float(((MAJOR_SCALES @ bars.T).max(axis=0) / bars.sum(axis=1)).mean()),
        "entropy of pitch classes": float(-(of_all[of_all > 0] * np.log2(of_all[of_all > 0])).sum()),
        "pitch classes of a bar": float(there.sum(axis=1).mean()),
        "pitch classes in common with the bar before": _share((there[1:] & there[:-1]).sum(axis=1) / either),
    }


def _line(name: str, pitch: Numbers) -> Measures:
    if len(pitch) < _LEAST:
        return {}
    moves = np.diff(pitch)
    size, is_move = np.abs(moves), moves != 0
    directions = np.sign(moves[is_move])
    after_leap = (size[:-1] > _LEAP) & is_move[1:]
    moved = max(1, int(is_move.sum()))
    return {
        **{
            f"{name} moves by {low}–{high}": float(((size >= low) & (size <= high)).sum() / moved)
            for low, high in _SIZES
        },
        f"{name} repeats": _share(~is_move),
        f"{name} repeats twice": _share(~is_move[1:] & ~is_move[:-1]),
        f"{name} turns": _share(directions[1:] != directions[:-1]),
        f"{name} turns after a leap": _share((np.sign(moves[1:]) != np.sign(moves[:-1]))[after_leap]),
        f"{name} rises": float((moves > 0).sum() / moved),
        f"{name} figures of three moves that come again": _repeated(moves[:, None], 3),
        f"{name} figures of four pitch classes that come again": _repeated(pitch[:, None] % 12, 4),
        f"{name} range": float(np.ptp(pitch)),
    }


def _motifs(name: str, steps: Numbers, pitch: Numbers) -> Measures:
    moves = np.diff(pitch)
    if len(moves) < _LEAST:
        return {}
    up = np.sign(moves)
    is_long = steps >= 2 * np.median(steps)
    leaps = np.abs(moves) > _NEAR
    return {
        f"{name} motifs of three that come again": _repeated(np.stack([steps, moves], axis=1), 3),
        f"{name} stalls": _share((moves == 0) & is_long),
        f"{name} returns": _share(np.abs(moves[1:] + moves[:-1]) <= _NEAR),
        f"{name} zigzags": _share((up[1:] * up[:-1] < 0) & leaps[1:] & leaps[:-1]),
        f"{name} goes on": _share((up[2:] == up[1:-1]) & (up[1:-1] == up[:-2]) & (up[2:] != 0)),
    }


def _texture(begins: Numbers, count: Numbers, ends: Numbers, pitch: Numbers, sounds: Numbers) -> Measures:
    last = np.where(sounds, ends, 0).max(axis=1)
    low, middle, high = np.quantile(pitch, [0.05, 0.5, 0.95])
    return {
        "notes per onset": float(count.mean()),
        "onsets of three notes or more": _share(count >= 3),
        "changes of the number of notes": _share(count[1:] != count[:-1]),
        "notes that sound": float(sounds.sum(axis=1).mean()),
        "onsets before a rest": _share(last[:-1] < begins[1:]),
        "lowest pitch": float(low),
        "middle pitch": float(middle),
        "highest pitch": float(high),
        "range": float(high - low),
    }


def _hands(begins: Numbers, onset: Numbers, duration: Numbers, pitch: Numbers, is_left: Numbers) -> Measures:
    strikes = [np.isin(begins, onset[of_hand]) for of_hand in (is_left, ~is_left)]
    found = {
        "notes of the left hand": _share(is_left),
        "onsets of both hands": _share(strikes[0] & strikes[1]),
        "onsets of the right hand alone": _share(~strikes[0]),
    }
    for hand, of_hand in (("left", is_left), ("right", ~is_left)):
        if of_hand.sum() < _LEAST:
            continue
        lasts, own = duration[of_hand], np.unique(onset[of_hand])
        found |= {
            f"{hand} duration": float(np.log(np.median(lasts))),
            f"{hand} detached notes": _share(lasts < _SHORT),
            f"{hand} held notes": _share(lasts > _LONG),
            f"{hand} notes per onset": float(of_hand.sum() / len(own)),
            f"{hand} step": float(np.log(np.median(np.diff(own)))) if len(own) > 1 else np.nan,
        }
    both = begins[strikes[0] & strikes[1]]
    if len(both):
        lowest, highest = np.full(len(both), 127), np.zeros(len(both), np.int64)
        for of_hand, bound, extreme in ((~is_left, lowest, np.minimum), (is_left, highest, np.maximum)):
            chosen = of_hand & np.isin(onset, both)
            extreme.at(bound, np.searchsorted(both, onset[chosen]), pitch[chosen])
        found["semitones between the hands"] = float((lowest - highest).mean())
    return found


def _form(prefix: str, bar: Numbers, place: Numbers, pitch: Numbers) -> Measures:
    found = {}
    for name, key in ((f"{prefix}likeness", place * 128 + pitch), (f"{prefix}likeness of rhythm", place)):
        bars = _bars(bar, key)
        shared = bars @ bars.T
        size = shared.diagonal()
        alike = shared / np.maximum(size[:, None] + size[None] - shared, 1)  # Jaccard likeness of each two bars
        for back in (1, 2, 4):
            there = (size[back:] > 0) | (size[:-back] > 0)
            found[f"{name} to the bar {back} before"] = (
                _share(alike.diagonal(-back)[there]) if len(bars) > back else np.nan
            )
        earlier = np.tril(alike, -1)[1:]
        likest = earlier.max(axis=1)[size[1:] > 0] if len(earlier) else np.zeros(0)
        found[f"{name} to the likest bar before"] = _share(likest)
        found[f"{name}: bars equal to one before"] = _share(likest > 0.99)
    return found


def _bars(bar: Numbers, key: Numbers) -> Numbers:
    """Return which keys occur in each bar, [bars, keys], 0 or 1; empty bars are left out but one between others."""
    items, number = np.unique(key, return_inverse=True)
    gaps = np.minimum(np.diff(bar, prepend=bar[0]), 2)
    at = np.cumsum(gaps)
    present = np.zeros((int(at[-1]) + 1, len(items)), np.float32)
    present[at, number] = 1
    return present
