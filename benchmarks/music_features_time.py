"""Features of time and loudness: rhythm, meter, velocities."""

import numpy as np
from music_features_cut import Cut, entropy, share

GAPS = {
    "32nd": 3,
    "16th_triplet": 4,
    "16th": 6,
    "8th_triplet": 8,
    "8th": 12,
    "4th_triplet": 16,
    "dotted_8th": 18,
    "4th": 24,
    "dotted_4th": 36,
    "half": 48,
    "dotted_half": 72,
    "whole": 96,
}
"""Ticks from one onset to the next that have a note value's name."""


def rhythm(piece: Cut) -> dict[str, float]:
    """Return how dense and how regular the onsets are, and how long notes are held."""
    gap = np.diff(piece.ticks)
    duration = piece.duration.astype(np.float64)
    last = piece.chord == len(piece.first) - 1
    following = piece.ticks[np.minimum(piece.chord + 1, len(piece.first) - 1)]
    ratio = duration[~last] / (following - piece.onset)[~last]
    return {
        "onsets_per_quarter": 24 * len(piece.first) / max(1, int(np.ptp(piece.ticks))),
        **{f"gap_{name}": share(gap == ticks) for name, ticks in GAPS.items()},
        "gap_other": share(~np.isin(gap, [*GAPS.values()])),  # off every named note value
        "gap_entropy": entropy(gap),
        "gap_most_common": float(np.unique(gap, return_counts=True)[1].max(initial=0) / max(1, len(gap))),
        "gap_same_as_last": share(gap[1:] == gap[:-1]),
        "gap_median": float(np.median(gap)) if len(gap) else 0.0,
        "duration_median": float(np.median(duration)),
        "duration_entropy": entropy(piece.duration),
        "duration_long": share(duration > 96),  # longer than a whole note
        "duration_short": share(duration <= 3),
        "overlaps_next_onset": share(ratio > 1),
        "ends_on_next_onset": share(ratio == 1),  # legato without overlap
        "detached": share(ratio < 0.6),
        "articulation": float(np.median(np.minimum(ratio, 8))) if len(ratio) else 0.0,
    }


def meter(piece: Cut) -> dict[str, float]:
    """Return where in the bar notes begin, and which bars have a note on "one"."""
    place = piece.place[piece.first]  # of each chord
    bar = piece.bar[piece.first]
    return {
        "on_one": share(place == 0),
        "on_beat": share(place % 24 == 0),
        "notes_on_one": share(piece.place == 0),  # each note of a chord counts
        "notes_on_beat": share(piece.place % 24 == 0),
        "on_eighth": share(place % 12 == 0),
        "on_grid": share(on_grid(place)),
        "on_triplet_only": share((place % 8 == 0) & (place % 24 != 0)),
        "bars_with_one": len(np.unique(bar[place == 0])) / piece.bars,
        "bars_empty": 1 - len(np.unique(bar)) / piece.bars,
        "place_entropy": entropy(place),
        "onsets_per_bar": len(place) / piece.bars,
        "onsets_per_bar_entropy": entropy(np.bincount(bar)),
    }


def on_grid(place: np.ndarray) -> np.ndarray:
    """Return which places in a bar are on the grid of sixteenths and eighth triplets."""
    return (place % 6 == 0) | (place % 8 == 0)


def loudness(piece: Cut) -> dict[str, float]:
    """Return how loud notes are and how loudness changes from chord to chord."""
    velocity = piece.velocity.astype(np.float64)
    step = np.abs(np.diff(velocity[piece.first]))
    return {
        "velocity_mean": float(velocity.mean()),
        "velocity_spread": float(velocity.std()),
        "velocity_levels": float(len(np.unique(piece.velocity // 8))),
        "velocity_entropy": entropy(piece.velocity // 8),
        "velocity_step": float(step.mean()) if len(step) else 0.0,
        "velocity_same": share(step < 8),
    }
