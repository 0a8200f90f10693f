"""Features of pitch: range and scale, what sounds together, the outer lines."""

import numpy as np
from music_features_cut import Cut, Ints, entropy, share

from dataset.measures.keys import MAJOR_KEYS, MAJOR_SCALE, MINOR_KEYS, key_of
from dataset.notes.model import Notes

SCALES = np.array([[(step - key) % 12 in MAJOR_SCALE for step in range(12)] for key in range(12)])
INTERVALS = {
    "semitone": (1, 11),  # and major sevenths
    "tone": (2, 10),  # and minor sevenths
    "third": (3, 4, 8, 9),  # and sixths
    "fourth": (5, 7),  # and fifths
    "tritone": (6,),
    "octave": (0,),
}
"""Intervals in semitones modulo the octave, by what they are called in features."""
BITS = 1 << np.arange(12)
TRIADS = [
    int(BITS[[(root + step) % 12 for step in kind]].sum()) for root in range(12) for kind in ((0, 4, 7), (0, 3, 7))
]
"""Sets of pitch classes that are major and minor triads, as numbers with a bit for each class."""


def key_and_mode(notes: Notes) -> tuple[int, int] | None:
    """Return the tonic, 0 for C to 11, and 0 for major or 1 for minor.

    Returns None if no key stands out.
    """
    key = key_of(notes)
    if key is None:
        return None
    index = (MAJOR_KEYS + MINOR_KEYS).index(key)
    return index % 12, index // 12


def pitch(piece: Cut) -> dict[str, float]:
    """Return range and spread of the pitches, and how well they fit one scale."""
    classes = np.bincount(piece.pitch % 12, minlength=12) / len(piece.pitch)
    fit = np.sort(SCALES @ classes)
    by_phrase = np.zeros((piece.bars // 4 + 1, 12))
    np.add.at(by_phrase, (piece.bar // 4, piece.pitch % 12), 1)
    counts = by_phrase[by_phrase.sum(axis=1) > 0]
    local = (counts @ SCALES.T).max(axis=1) / counts.sum(axis=1)
    key = key_and_mode(piece.notes)
    tonic = piece.pitch % 12 == (key[0] if key else -1)
    return {
        "range": float(np.ptp(piece.pitch)),
        "pitch_mean": float(piece.pitch.mean()),
        "pitch_spread": float(piece.pitch.std()),
        "highest": float(piece.pitch.max()),
        "lowest": float(piece.pitch.min()),
        "distinct_pitches": float(len(np.unique(piece.pitch))),
        "pitch_class_entropy": entropy(piece.pitch % 12),
        "in_best_scale": float(fit[-1]),
        "in_local_scale": float(local.mean()),  # each four bars in their own scale
        "scale_margin": float(fit[-1] - fit[-2]),
        "on_tonic": share(tonic),
        "minor": float(key[1]) if key else 0.5,
    }


def harmony(piece: Cut) -> dict[str, float]:
    """Return features of what sounds and is struck at each onset, and of the bass."""
    row, key = np.nonzero(piece.sounding)
    size = piece.sounding.sum(axis=1)
    struck = piece.struck.sum(axis=1)
    pairs = [np.zeros(0, np.int64)]
    for apart in range(1, int(size.max())):
        together = row[apart:] == row[:-apart]
        pairs.append((key[apart:] - key[:-apart])[together])
    between = np.concatenate(pairs)
    classes = np.zeros((len(size), 12), np.bool_)
    classes[row, key % 12] = True
    bass = key[np.diff(row, prepend=-1) > 0]
    move = np.abs(np.diff(bass))
    tonic = key_and_mode(piece.notes)
    change = (piece.sounding[1:] != piece.sounding[:-1]).any(axis=1)
    return {
        **{f"sounding_{name}": share(np.isin(between % 12, kind)) for name, kind in INTERVALS.items()},
        "minor_second_clash": share((piece.sounding[:, 1:] & piece.sounding[:, :-1]).any(axis=1)),
        "sounding_mean": float(size.mean()),
        "sounding_most": float(size.max()),
        "struck_mean": float(struck.mean()),
        "struck_single": share(struck == 1),
        "struck_two": share(struck == 2),
        "struck_four": share(struck >= 4),
        "triads": share(np.isin(classes @ BITS, TRIADS)),
        "classes_at_once": float(classes.sum(axis=1).mean()),
        "harmony_changes": share(change),
        "bass_on_tonic": share(bass % 12 == (tonic[0] if tonic else -1)),
        "bass_same": share(move == 0),
        "bass_step": share((move == 1) | (move == 2)),
        "bass_fifth": share(np.isin(move % 12, (5, 7))),
    }


def lines(piece: Cut) -> dict[str, float]:
    """Return how the highest and the lowest note of each chord move."""
    return {**_line("top", piece.top), **_line("bottom", piece.bottom)}


def _line(name: str, line: Ints) -> dict[str, float]:
    move = np.diff(line)
    size = np.abs(move)
    sign = np.sign(move[move != 0])
    turns = np.flatnonzero(sign[1:] != sign[:-1])
    return {
        f"{name}_step": share((size == 1) | (size == 2)),
        f"{name}_same": share(size == 0),
        f"{name}_third": share((size == 3) | (size == 4)),
        f"{name}_octave": share(size == 12),
        f"{name}_leap": share(size > 12),
        f"{name}_move": float(size.mean()) if len(size) else 0.0,
        f"{name}_turns": len(turns) / max(1, len(sign) - 1),
        f"{name}_run": len(sign) / (len(turns) + 1),  # moves in one direction
        f"{name}_spread": float(line.std()),
    }
