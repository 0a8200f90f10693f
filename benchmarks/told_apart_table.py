"""Tables for `told_apart.py`: telling features, the grid, stuck chords, endings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from music_features_form import longest_run
from music_features_pitch import key_and_mode
from music_features_time import on_grid

from dataset.notes.form import bar_lines
from dataset.notes.model import Notes

Table = npt.NDArray[np.float64]

GRID_BARS = ((0, 4), (28, 32))
"""Bars 1–4 and 29–32."""
STUCK = 22
"""Times in a row that one chord is struck: people's 99th percentile."""
NAMED = {
    "sounding_semitone": "semitones and major sevenths among what sounds together",
    "top_step": "steps of one or two semitones in the top voice",
    "top_same": "the same pitch again in the top voice",
    "sounding_third": "thirds and sixths among what sounds together",
    "bar_like_8": "bar like the bar 8 before it: Jaccard of (place, pitch)",
    "bar_like_4": "bar like the bar 4 before it",
    "bars_with_one": 'bars with a note on "one"',
    "notes_on_one": 'notes on "one"',
    "on_one": 'onsets on "one"',
    "sounding_most": "most notes at once",
    "stretch_over_tenth": "onsets at which a hand stretches over a tenth",
    "figures_16_heard": "16-note figures heard before",
    "notes_on_beat": "notes on the beat",
    "on_beat": "onsets on the beat",
    "in_best_scale": "notes in the best scale",
    "top_leap": "top-line leaps over an octave",
    "range": "range in semitones",
    "bass_on_tonic": "bass on the tonic",
    "left_rhythm_same_1": "left-hand bars with the rhythm of the bar before",
    "left_bars_transposed": "left-hand bars that transpose the bar one, two or four before them",
    "left_figures_heard": "left-hand figures of five notes whose steps and leaps were heard before",
    "right_motifs_transposed": "right-hand motifs that come again transposed",
    "right_pairs_near": "moving right-hand pairs of notes that keep their interval within a semitone",
    "seconds_struck": "chords with a second",
    "melody_turns": "turns of the melody",
}
"""Features that a musician would name first, with their meaning."""


def given_away(names: Sequence[str], real: Table, made: Table) -> list[dict[str, Any]]:
    """Return each feature with its area alone, medians and people's quartiles.

    The most telling feature is first. `outside` says whether the composed median lies beyond people's quartiles. A
    feature that no piece of a side has is left out.
    """
    from sklearn.metrics import roc_auc_score

    label = np.repeat([0, 1], [len(real), len(made)])
    rows = []
    for name, theirs, ours in zip(names, real.T, made.T, strict=True):
        values = np.concatenate([theirs, ours])
        known = ~np.isnan(values)
        if len(np.unique(label[known])) < 2:  # every piece of a side has too few bars
            continue
        alone = roc_auc_score(label[known], values[known])
        low, middle, high = (float(q) for q in np.nanpercentile(theirs, [25, 50, 75]))
        median = float(np.nanmedian(ours))
        rows.append(
            {
                "feature": name,
                "alone": float(max(alone, 1 - alone)),
                "people": middle,
                "quartiles": [low, high],
                "composed": median,
                "outside": not low <= median <= high,
            }
        )
    return sorted(rows, key=lambda row: -row["alone"])


def grid_drift(pieces: Sequence[Notes]) -> list[float | None]:
    """Return the share of onsets on the grid, in bars 1–4 and in bars 29–32.

    The grid is of sixteenths and eighth triplets. The last value is the number of pieces that reach the later bars; only
    these count, and without any the shares are None. Bars and places follow the time signatures.
    """
    hits: list[list[npt.NDArray[np.bool_]]] = [[] for _ in GRID_BARS]
    for notes in pieces:
        lines = bar_lines(notes)
        if len(lines) - 1 < GRID_BARS[-1][1]:
            continue
        onsets = np.unique(notes.onset)
        bar = np.searchsorted(lines, onsets, side="right") - 1
        for found, (first, last) in zip(hits, GRID_BARS, strict=True):
            held = (bar >= first) & (bar < last)
            found.append(on_grid((onsets - lines[bar])[held]))
    return [*(float(np.concatenate(found).mean()) if found else None for found in hits), len(hits[0])]


def stuck(pieces: Sequence[Notes], most: int = STUCK) -> float:
    """Return the share of pieces that strike a chord more than `most` times in a row."""
    return float(np.mean([longest_chord_run(notes) > most for notes in pieces])) if pieces else float("nan")


def longest_chord_run(notes: Notes) -> int:
    """Return how often in a row one set of pitches is struck at most."""
    chord = np.cumsum(np.diff(notes.onset, prepend=notes.onset[:1]) > 0)
    struck = np.zeros((int(chord[-1]) + 1, 128), np.bool_)
    struck[chord, notes.pitch] = True
    return longest_run(struck)


def ends_on_tonic(pieces: Sequence[Notes]) -> float:
    """Return the share of pieces whose last sound is the tonic.

    It is the triad, or as much of that as is struck. The last sound is what is held at the last onset. The bass must be
    the tonic.
    """
    return float(np.mean([_ends_on_tonic(notes) for notes in pieces])) if pieces else float("nan")


def _ends_on_tonic(notes: Notes) -> bool:
    key = key_and_mode(notes)
    if key is None:
        return False
    tonic, mode = key
    last = notes.pitch[notes.end > notes.onset[-1]].astype(np.int64)
    triad = {tonic, (tonic + (3 if mode else 4)) % 12, (tonic + 7) % 12}
    return last.min() % 12 == tonic and {*(last % 12).tolist()} <= triad


def feature_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the features of NAMED as a table in Markdown.

    * marks a median outside people's quartiles.
    """
    by_name = {row["feature"]: row for row in rows}
    text = ["| median of the pieces | people (quartiles) | composed |", "|---|---|---|"]
    for name, meaning in NAMED.items():
        row = by_name.get(name)
        if row is None:
            continue
        low, high = row["quartiles"]
        mark = " *" if row["outside"] else ""
        text.append(f"| {meaning} | {row['people']:.3g} ({low:.3g}–{high:.3g}) | {row['composed']:.3g}{mark} |")
    return "\n".join(text)


def text(result: dict[str, Any], rows: int) -> str:
    """Return all results as text: areas, most telling features, the table of NAMED."""

    def area(name: str) -> str:
        low, high = result[f"{name}_interval"]
        return f"{result[name]:.3f} ({low:.3f}–{high:.3f})"

    found = [
        f"told apart, {result['count']} against {result['count']}, {result['draws']} draws: trees {area('trees')}, "
        f"linear {area('linear')}; the better: {area('better')}",
        f"people against people, {result['people_count']} against {result['people_count']}: "
        f"trees {area('people_trees')}, linear {area('people_linear')}",
        f"{result['people_pieces']} pieces of people; {result['composed_pieces']} composed, "
        f"{result['too_short']} of them too short",
        "",
        "| alone | feature | people (quartiles) | composed |",
        "|---|---|---|---|",
    ]
    for row in result["features"][:rows]:
        low, high = row["quartiles"]
        mark = " *" if row["outside"] else ""
        people = f"{row['people']:.3f} ({low:.3f}–{high:.3f})"
        found.append(f"| {row['alone']:.3f} | {row['feature']} | {people} | {row['composed']:.3f}{mark} |")
    found += ["", feature_table(result["features"]), ""]
    for whose in ("people", "composed"):
        early, late, reach = result["grid"][whose]
        grid = "no piece reaches bar 32" if early is None else f"{early:.1%} in bars 1–4, {late:.1%} in bars 29–32"
        found.append(
            f"{whose}: onsets on the grid, of {reach} pieces: {grid}; "
            f"one chord over {STUCK} times running {result['stuck'][whose]:.1%}; "
            f"end on the tonic {result['ends_on_tonic'][whose]:.1%}"
        )
    return "\n".join(found)
