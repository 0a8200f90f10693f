"""Reference values of human pieces: measures, and copying by held-out pieces.

In: a run and its corpus. Out: quantiles and medians, saved in the run's folder as `yardstick.json`, because the
corpus may no longer exist when the page is written again. Measures are of the first minute of a piece, as for
samples, since repetition grows with length.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog.base.errors import CorpusError, TrainingError
from catalog.storage.files import write_text
from catalog.storage.reading import Count, Finite, Share, read_json
from catalog.storage.remote import AnyPath
from dataset.measures.measure import measure
from dataset.midi.midi_reader import Reading
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from dataset.report import charts
from training.novelty.figures import COPIED_NOTES, DRAFT_NOTES, Novelty, copied_share, find_copies, medians
from training.novelty.training_index import TrainingIndex
from training.run import Run

if TYPE_CHECKING:
    from dataset.corpus.corpus import CorpusPiece

REFERENCE_FILE = "yardstick.json"
FORMAT = 2
FIRST_S = 60.0
MAX_MEASURED, MAX_HELD_OUT = 1000, 100  # pieces; of more, every k-th is taken
RESAMPLES, MIDDLE = 2000, (2.5, 97.5)  # of the held-out pieces; percentiles of their shares
MEASURE_LABELS = {
    "note_density": "Notes per second",
    "polyphony": "Pitches at once",
    "pitches": "Different pitches",
    "pitch_low": "Lowest pitch",
    "pitch_high": "Highest pitch",
    "pitch_class_entropy": "Spread over pitch classes",
    "scale_consistency": "Notes within one scale",
    "loop_share": "Notes that repeat the past",
    "groove_consistency": "Bars alike in rhythm",
    "empty_beat_rate": "Beats without a note",
    "tempo_bpm": "Tempo",
}
"""Measures of `catalog schema` that pages show, with their labels. Increment FORMAT when it changes."""

ROOM = 0.5  # how far an axis extends beyond the 5–95 % range, as a share of that range


@dataclass(frozen=True, slots=True)
class Copied:
    """The share of notes in copied passages, 0–1, with its 95 % confidence interval (percentile bootstrap of pieces)."""

    share: Share  # of all notes together
    low: Share  # end of the interval
    high: Share  # end of the interval

    @classmethod
    def of(cls, found: Sequence[Novelty]) -> "Copied | None":
        """Return the share over pieces; None for no notes."""
        with_notes = [figure for figure in found if figure.notes]
        if not with_notes:
            return None
        notes = np.array([figure.notes for figure in with_notes])
        copied = notes * [figure.shares[COPIED_NOTES] for figure in with_notes]
        drawn = np.random.default_rng(0).integers(0, len(notes), (RESAMPLES, len(notes)))
        low, high = np.percentile(copied[drawn].sum(1) / notes[drawn].sum(1), MIDDLE).tolist()
        return cls(copied_share(found), low, high)


@dataclass(frozen=True, slots=True)
class Reference:
    """Quantiles of measures over a corpus, and novelty medians of held-out pieces.

    Measures are of the first minute of each piece. `held_out` is None without held-out pieces.
    """

    pieces: Count  # measured
    measures: Mapping[str, charts.Quantiles]  # by name, of the pieces' first minutes
    held: Count  # number of held-out pieces compared with the training pieces
    held_out: Mapping[str, Finite] | None  # the figures that `novelty` gives for these
    copied: Copied | None = None  # share, low and high of their first notes, as of drafts in training; null for none


@dataclass(frozen=True, slots=True)
class Strip:
    """A value among quantiles: positions on an axis, 0 to 100, and its rank in words."""

    name: str
    label: str
    value: float
    quantiles: charts.Quantiles
    box: charts.Box
    at: float
    words: str


def reference(root: AnyPath, run: Run, learned: TrainingIndex | None) -> Reference | None:
    """Return the run's reference: the saved one, or a new one that is saved.

    If the run's corpus no longer exists or has changed, the saved one or None. A saved one of an earlier version, which
    has no copies of first notes, is made again where possible.
    """
    kept = _read_kept(run)
    if kept is not None and (kept.copied is not None or not kept.held):
        return kept
    from dataset.corpus.corpus import Corpus  # not where parts of samples are made: it takes as long as one of them

    try:
        corpus = Corpus.open(root, run.request.corpus)
    except CorpusError:
        return kept
    if corpus.hash != run.request.corpus_hash or (kept is not None and learned is None):
        return kept
    found = [figures(piece.notes) for piece in every_kth(corpus.pieces(), MAX_MEASURED)]
    columns = {name: [each[name] for each in found if name in each] for name in MEASURE_LABELS}
    quantiles = {name: charts.quantiles(np.array(values, float)) for name, values in columns.items() if values}
    held = (
        every_kth([*corpus.pieces("validation"), *corpus.pieces("test")], MAX_HELD_OUT) if learned is not None else []
    )
    copied = [find_copies(learned, piece.notes) for piece in held] if learned is not None else []
    firsts = [first_notes(piece.notes, DRAFT_NOTES) for piece in held]
    begun = [find_copies(learned, notes) for notes in firsts] if learned is not None else []
    made = Reference(len(found), quantiles, len(copied), medians(copied) if copied else None, Copied.of(begun))
    text = json.dumps({"format": FORMAT, **asdict(made)}, indent=1) + "\n"
    write_text(run.path / REFERENCE_FILE, text)
    return made


def every_kth(pieces: Sequence["CorpusPiece"], most: int) -> Sequence["CorpusPiece"]:
    """Return every k-th piece, at most `most` of them."""
    return pieces[:: max(1, -(-len(pieces) // most))]


def figures(notes: Notes) -> dict[str, float]:
    """Return the measures of MEASURE_LABELS of the first minute of a piece.

    Unknown measures are left out.
    """
    piece = first_seconds(notes, FIRST_S)
    found = measure(Reading(piece, tracks=1, piano_notes=len(piece), drum_notes=0, grid_error=0.0))
    values = {name: getattr(found, name) for name in MEASURE_LABELS}
    return {name: float(value) for name, value in values.items() if value is not None}


def first_notes(notes: Notes, count: int) -> Notes:
    """Return the first `count` notes of a piece."""
    onset, duration, pitch, velocity = (
        column[:count] for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)
    )
    return Notes.of(onset, duration, pitch, velocity, notes.tempos, notes.time_signatures)


def first_seconds(notes: Notes, seconds: float) -> Notes:
    """Return the notes that begin within `seconds` of the first onset.

    Notes that last longer are cut there.
    """
    if len(notes) == 0:
        return notes
    first = tick_to_seconds(notes.tempos, notes.onset[:1])[0]
    last = int(notes.end.max())
    grid = np.arange(int(notes.onset[0]), last + 1)
    cut = int(notes.onset[0]) + int(np.searchsorted(tick_to_seconds(notes.tempos, grid), first + seconds))
    kept = notes.onset < cut
    onset = notes.onset[kept]
    return Notes(
        onset,
        np.minimum(notes.end[kept], cut) - onset,
        notes.pitch[kept],
        notes.velocity[kept],
        tuple(change for change in notes.tempos if change[0] < cut),
        tuple(change for change in notes.time_signatures if change[0] < cut),
        tuple(change for change in notes.key_signatures if change[0] < cut),
        notes.hand[kept],
        notes.pedal_group[kept],
        tuple((group, start, min(end, cut)) for group, start, end in notes.pedals if start < cut),
    )


def strips(measured: Mapping[str, float], beside: Reference) -> list[Strip]:
    """Return each measure of a sample beside those of the corpus, in page order."""
    return [
        _strip(name, label, measured[name], beside.measures[name])
        for name, label in MEASURE_LABELS.items()
        if name in measured and name in beside.measures
    ]


def _strip(name: str, label: str, value: float, of: charts.Quantiles) -> Strip:
    span = of.p95 - of.p5
    low, high = max(of.least, of.p5 - ROOM * span), min(of.most, of.p95 + ROOM * span)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    along = charts.Axis(low, high, 1, True, low, high)
    at = round(float(along.place(np.array([value]))[0]), 2)
    return Strip(name, label, value, of, charts.box(of, along), at, _words(value, of))


def _words(value: float, of: charts.Quantiles) -> str:
    """Return the rank of a value among the pieces, in words."""
    if of.p25 <= value <= of.p75:
        return "as in half of the pieces"
    if of.p5 <= value <= of.p95:
        return "lower than most" if value < of.p25 else "higher than most"
    if of.least <= value <= of.most:
        return "among the lowest 5 %" if value < of.p5 else "among the highest 5 %"
    return "below all" if value < of.least else "above all"


def _read_kept(run: Run) -> Reference | None:
    """Return the reference in the run's folder, or None if there is no valid one."""
    try:
        return read_json(
            run.path / REFERENCE_FILE, Reference, fail=TrainingError, remedy="it is computed again", version=FORMAT
        )
    except (FileNotFoundError, TrainingError):
        return None
