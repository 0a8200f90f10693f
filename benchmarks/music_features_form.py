"""Features of texture and form: two hands, and what is repeated."""

import zlib

import numpy as np
from music_features_cut import Cut, Flags, Ints, Reals, share

TENTH = 16  # semitones that a hand spans
BACK = (1, 2, 4, 8, 16)  # bars before that a bar is compared with
FIGURES = (4, 8, 16)  # notes of a figure


def texture(piece: Cut) -> dict[str, float]:
    """Return what each hand plays at each onset, and how far it reaches."""
    chords = len(piece.first)
    count, width = [], []
    for hand in (piece.left, ~piece.left):
        low, high = np.full(chords, 127), np.zeros(chords, np.int64)
        np.minimum.at(low, piece.chord[hand], piece.pitch[hand])
        np.maximum.at(high, piece.chord[hand], piece.pitch[hand])
        count.append(np.bincount(piece.chord[hand], minlength=chords))
        width.append(np.maximum(high - low, 0))
    left, right = count
    both = (left > 0) & (right > 0)
    lowest_right = np.full(chords, 127)
    np.minimum.at(lowest_right, piece.chord[~piece.left], piece.pitch[~piece.left])
    highest_left = np.zeros(chords, np.int64)
    np.maximum.at(highest_left, piece.chord[piece.left], piece.pitch[piece.left])
    lengths = [piece.duration[hand].mean() if hand.any() else 12.0 for hand in (piece.left, ~piece.left)]
    return {
        "chord_width": float((piece.top - piece.bottom).mean()),
        "stretch_over_tenth": share((width[0] > TENTH) | (width[1] > TENTH)),
        "left_width": float(width[0].mean()),
        "right_width": float(width[1].mean()),
        "hand_gap": float((lowest_right - highest_left)[both].mean()) if both.any() else 0.0,
        "both_hands": share(both),
        "left_notes": float(left.mean()),
        "right_notes": float(right.mean()),
        "left_share": share(piece.left),
        "hand_change": share(np.diff(piece.left.astype(int)) != 0),
        "duration_left_right": float(np.log(lengths[0] / lengths[1])),
    }


def repetition(piece: Cut) -> dict[str, float]:
    """Return how like earlier bars each bar is, and how often figures recur."""
    whole = max(1, piece.bars - 1)  # the last bar may be cut
    notes = likeness(piece.bar, piece.place * 128 + piece.pitch, whole)
    beats = likeness(piece.bar, piece.place, whole)
    found = {}
    for back in BACK:
        found[f"bar_like_{back}"] = _mean(np.diagonal(notes, -back))
        found[f"rhythm_like_{back}"] = _mean(np.diagonal(beats, -back))
    best = np.array([notes[bar, :bar].max() for bar in range(1, whole)])
    steps = np.diff(piece.onset) * 256 + np.diff(piece.pitch)
    stream = np.stack([np.minimum(np.diff(piece.onset), 255), piece.pitch[1:]], axis=1).astype(np.uint8).tobytes()
    moves = np.stack([np.minimum(np.diff(piece.onset), 255), np.diff(piece.pitch) + 128], axis=1).astype(np.uint8)
    return {
        **found,
        "bar_best_likeness": _mean(best),
        "bar_same": _mean((best == 1).astype(float)),
        "bar_repeated": _mean((best >= 0.9).astype(float)),
        "bar_new": _mean((best < 0.3).astype(float)),
        "same_chord_run": float(longest_run(piece.struck)),
        **{f"figures_{length}_heard": heard_before(steps, length) for length in FIGURES},
        "compressed": len(zlib.compress(stream, 9)) / len(stream),
        "compressed_moves": len(zlib.compress(moves.tobytes(), 9)) / moves.size,
    }


def likeness(bar: Ints, key: Ints, bars: int) -> Reals:
    """Return the Jaccard likeness of the keys of any two bars, [bars, bars].

    Two empty bars are alike.
    """
    held = bar < bars
    names, column = np.unique(key[held], return_inverse=True)
    table = np.zeros((bars, len(names)))
    table[bar[held], column] = 1
    common = table @ table.T
    size = table.sum(axis=1)
    union = size[:, None] + size - common
    return np.where(union > 0, common / np.maximum(union, 1), 1.0)


def heard_before(steps: Ints, length: int) -> float:
    """Return the share of figures of `length` notes that came before.

    Figures are equal if the times and intervals between their notes are.
    """
    names = np.unique(steps, return_inverse=True)[1].astype(np.uint64)
    count = len(names) - length + 2  # a figure of n notes has n - 1 steps
    if count < 1:
        return 0.0
    key = np.zeros(count, np.uint64)
    for at in range(length - 1):
        key = key * np.uint64(6364136223846793005) + names[at : at + count] + np.uint64(1)
    return 1 - len(np.unique(key)) / count


def longest_run(struck: Flags) -> int:
    """Return how often in a row one chord is struck at most."""
    same = (struck[1:] == struck[:-1]).all(axis=1)
    breaks = np.flatnonzero(np.concatenate([[True], ~same, [True]]))
    return int(np.diff(breaks).max())


def _mean(values: Reals) -> float:
    """Return the mean; NaN of none, which a piece of few bars has."""
    return float(values.mean()) if len(values) else float("nan")
