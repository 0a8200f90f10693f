"""About sixty features of a piece's first notes, for the classifier two-sample test of `told_apart.py`.

`features` takes a piece and returns numbers by name: rhythm, meter, pitch, harmony, lines, texture, repetition and
loudness. They are computed from onsets, durations, pitches, velocities and time signatures alone; the hands are split
at the largest gap of each chord, so that composed pieces and people's pieces are treated alike.
"""

import zlib
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dataset.notes.form import bar_lines
from dataset.notes.model import Notes

FIRST = 300
"""Notes of a piece that are looked at."""

MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
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
Ints = npt.NDArray[np.int64]


def features(notes: Notes, first: int = FIRST) -> dict[str, float]:
    """Return the features of the first `first` notes; raises ValueError for fewer than 32 notes."""
    if len(notes) < 32:
        raise ValueError("a piece needs 32 notes for its features")
    count = min(first, len(notes))
    cut = Notes(
        *(column[:count] for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)),
        time_signatures=notes.time_signatures,
    )
    onset, pitch = cut.onset.astype(np.int64), cut.pitch.astype(np.int64)
    lines = bar_lines(cut).astype(np.int64)
    bar = np.searchsorted(lines, onset, side="right") - 1
    place = onset - lines[bar]
    onsets, at = np.unique(onset, return_index=True)
    chords = np.split(pitch, at[1:])
    found: dict[str, float] = {}
    found |= _rhythm(cut, onsets, at)
    found |= _meter(place[at], bar[at], lines)
    found |= _pitch(pitch, bar)
    found |= _harmony(cut, onsets, chords)
    found |= _lines(chords)
    found |= _texture(cut, onsets, chords)
    found |= _repetition(cut, bar, place, chords, onsets)
    found |= _loudness(cut.velocity.astype(np.float64), at)
    return found


def _share(values: npt.NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else 0.0


def _entropy(values: npt.ArrayLike) -> float:
    """Return the entropy of the values' histogram in bits."""
    count = np.unique(np.asarray(values), return_counts=True)[1]
    share = count / count.sum()
    return float(-(share * np.log2(share)).sum())


def _rhythm(notes: Notes, onsets: Ints, at: npt.NDArray[np.intp]) -> dict[str, float]:
    gap = np.diff(onsets)
    duration = notes.duration.astype(np.float64)
    most = np.unique(gap, return_counts=True)[1].max() / len(gap)
    following = np.searchsorted(onsets, notes.onset) + 1
    inside = following < len(onsets)
    ratio = duration[inside] / (onsets[following[inside]] - notes.onset[inside])
    return {
        "onsets_per_quarter": 24 * len(onsets) / max(1, int(onsets[-1] - onsets[0])),
        **{f"gap_{name}": _share(gap == ticks) for name, ticks in GAPS.items()},
        "gap_other": _share(~np.isin(gap, [*GAPS.values()])),
        "gap_entropy": _entropy(gap),
        "gap_most_common": float(most),
        "gap_same_as_last": _share(gap[1:] == gap[:-1]),
        "gap_median": float(np.median(gap)),
        "duration_median": float(np.median(duration)),
        "duration_entropy": _entropy(notes.duration),
        "duration_long": _share(duration > 96),
        "duration_short": _share(duration <= 3),
        "overlaps_next_onset": _share(ratio > 1),
        "ends_on_next_onset": _share(ratio == 1),
        "detached": _share(ratio < 0.6),
    }


def _meter(place: Ints, bar: Ints, lines: Ints) -> dict[str, float]:
    bars = np.arange(bar.max() + 1)
    on_one = np.unique(bar[place == 0])
    return {
        "on_one": _share(place == 0),
        "on_beat": _share(place % 24 == 0),
        "on_eighth": _share(place % 12 == 0),
        "on_grid": _share((place % 6 == 0) | (place % 8 == 0)),
        "bars_with_one": len(on_one) / len(bars),
        "bars_empty": 1 - len(np.unique(bar)) / len(bars),
        "place_entropy": _entropy(place),
        "onsets_per_bar_entropy": _entropy(np.bincount(bar)),
        "onsets_per_bar": len(bar) / len(bars),
    }


def _pitch(pitch: Ints, bar: Ints) -> dict[str, float]:
    classes = np.bincount(pitch % 12, minlength=12) / len(pitch)
    scales = np.array([classes[(MAJOR + key) % 12].sum() for key in range(12)])
    local = []
    for start in range(0, int(bar.max()) + 1, 4):
        held = pitch[(bar >= start) & (bar < start + 4)]
        if len(held):
            local.append(max(_share(np.isin((held - key) % 12, MAJOR)) for key in range(12)))
    return {
        "range": float(pitch.max() - pitch.min()),
        "pitch_mean": float(pitch.mean()),
        "pitch_spread": float(pitch.std()),
        "highest": float(pitch.max()),
        "lowest": float(pitch.min()),
        "distinct_pitches": float(len(np.unique(pitch))),
        "pitch_class_entropy": _entropy(pitch % 12),
        "in_best_scale": float(scales.max()),
        "in_local_scale": float(np.mean(local)),
        "scale_margin": float(np.sort(scales)[-1] - np.sort(scales)[-2]),
    }


def _sounding(notes: Notes, onsets: Ints) -> list[Ints]:
    """Return the pitches that sound at each onset, ascending."""
    on, end, pitch = notes.onset.astype(np.int64), notes.end.astype(np.int64), notes.pitch.astype(np.int64)
    first = np.searchsorted(on, onsets, side="right")
    return [np.unique(pitch[:until][end[:until] > now]) for now, until in zip(onsets, first, strict=True)]


def _harmony(notes: Notes, onsets: Ints, chords: list[Ints]) -> dict[str, float]:
    sounding = _sounding(notes, onsets)
    intervals = np.concatenate([(c[None] - c[:, None])[np.triu_indices(len(c), 1)] for c in sounding]) % 12
    kinds = {
        "semitone": (1, 11),
        "tone": (2, 10),
        "third": (3, 4, 8, 9),
        "fourth": (5, 7),
        "tritone": (6,),
        "octave": (0,),
    }
    size = np.array([len(c) for c in sounding])
    classes = [frozenset((c % 12).tolist()) for c in sounding]
    triads = {frozenset((r + k) % 12 for k in kind) for r in range(12) for kind in ((0, 4, 7), (0, 3, 7))}
    bass = np.array([c[0] for c in sounding])
    step = np.abs(np.diff(bass)) % 12
    clash = [bool((np.diff(c) == 1).any()) for c in sounding]
    return {
        **{f"sounding_{name}": _share(np.isin(intervals, kind)) for name, kind in kinds.items()},
        "sounding_mean": float(size.mean()),
        "sounding_most": float(size.max()),
        "struck_mean": float(np.mean([len(c) for c in chords])),
        "struck_single": _share(np.array([len(c) == 1 for c in chords])),
        "struck_four": _share(np.array([len(c) >= 4 for c in chords])),
        "triads": float(np.mean([c in triads for c in classes])),
        "classes_at_once": float(np.mean([len(c) for c in classes])),
        "minor_second_clash": float(np.mean(clash)),
        "bass_same": _share(np.diff(bass) == 0),
        "bass_step": _share(np.isin(step, (1, 2))),
        "bass_fifth": _share(np.isin(step, (5, 7))),
    }


def _lines(chords: list[Ints]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, line in (("top", np.array([c[-1] for c in chords])), ("bottom", np.array([c[0] for c in chords]))):
        move = np.diff(line)
        size = np.abs(move)
        turns = np.sign(move[1:]) * np.sign(move[:-1]) < 0
        found |= {
            f"{name}_step": _share((size == 1) | (size == 2)),
            f"{name}_same": _share(size == 0),
            f"{name}_third": _share((size == 3) | (size == 4)),
            f"{name}_octave": _share(size == 12),
            f"{name}_leap": _share(size > 12),
            f"{name}_move": float(size.mean()),
            f"{name}_turns": _share(turns),
            f"{name}_spread": float(line.std()),
        }
    return found


def _texture(notes: Notes, onsets: Ints, chords: list[Ints]) -> dict[str, float]:
    widths = np.array([c[-1] - c[0] for c in chords])
    gaps = np.array([np.diff(c).max() if len(c) > 1 else 0 for c in chords])
    stretch, hands = [], []
    for chord in chords:
        cut = int(np.diff(chord).argmax()) + 1 if len(chord) > 1 else 1
        stretch.append(max(np.ptp(chord[:cut]), np.ptp(chord[cut:]) if len(chord) > cut else 0) > 16)
        hands.append(len(chord) > 1 and chord[0] < 60 <= chord[-1])
    low = notes.pitch < 60
    lengths = [notes.duration[which].mean() if which.any() else 12.0 for which in (low, ~low)]
    return {
        "chord_width": float(widths.mean()),
        "chord_gap": float(gaps.mean()),
        "stretch_over_tenth": float(np.mean(stretch)),
        "both_registers": float(np.mean(hands)),
        "low_share": _share(low),
        "low_high_change": _share(np.diff(low.astype(int)) != 0),
        "duration_low_high": float(np.log(lengths[0] / lengths[1])),
    }


def _repetition(notes: Notes, bar: Ints, place: Ints, chords: list[Ints], onsets: Ints) -> dict[str, float]:
    keys, places = place * 128 + notes.pitch, place
    bars = int(bar.max())  # the last bar may be cut
    sets = [frozenset(keys[bar == b].tolist()) for b in range(bars)]
    rhythms = [frozenset(places[bar == b].tolist()) for b in range(bars)]
    found: dict[str, float] = {}
    for back in (1, 2, 4, 8):
        pairs = [(sets[b], sets[b - back]) for b in range(back, bars)]
        found[f"bar_like_{back}"] = float(np.mean([_jaccard(a, b) for a, b in pairs])) if pairs else np.nan
        beats = [(rhythms[b], rhythms[b - back]) for b in range(back, bars)]
        found[f"rhythm_like_{back}"] = float(np.mean([_jaccard(a, b) for a, b in beats])) if beats else np.nan
    best = [max((_jaccard(sets[b], sets[a]) for a in range(b)), default=0.0) for b in range(1, bars)]
    found["bar_best_likeness"] = float(np.mean(best)) if best else np.nan
    found["bar_repeated"] = float(np.mean([value >= 0.9 for value in best])) if best else np.nan
    found["bar_new"] = float(np.mean([value < 0.3 for value in best])) if best else np.nan
    names = [c.tobytes() for c in chords]
    run = most = 1
    for before, now in pairwise(names):
        run = run + 1 if before == now else 1
        most = max(most, run)
    found["same_chord_run"] = float(most)
    steps = np.stack([np.diff(notes.onset), np.diff(notes.pitch.astype(np.int64))], axis=1)
    for length in (4, 8, 16):
        grams = np.lib.stride_tricks.sliding_window_view(steps, (length, 2)).reshape(-1, 2 * length)
        found[f"figures_{length}"] = len(np.unique(grams, axis=0)) / max(1, len(grams))
    stream = np.stack([np.minimum(np.diff(notes.onset), 255), notes.pitch[1:]], axis=1).astype(np.uint8).tobytes()
    found["compressed"] = len(zlib.compress(stream, 9)) / len(stream)
    return found


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    both = len(one | other)
    return len(one & other) / both if both else 0.0


def _loudness(velocity: npt.NDArray[np.float64], at: npt.NDArray[np.intp]) -> dict[str, float]:
    step = np.abs(np.diff(velocity[at]))
    return {
        "velocity_mean": float(velocity.mean()),
        "velocity_spread": float(velocity.std()),
        "velocity_levels": float(len(np.unique(velocity // 8))),
        "velocity_step": float(step.mean()),
        "velocity_same": _share(step < 8),
    }
