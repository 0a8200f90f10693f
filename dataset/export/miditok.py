"""Export a corpus as MidiTok tokens (REMI, 24 positions a beat).

Writes tokenizer.json, and a JSON file of tokens per piece. N. Fradet et al., "MidiTok: a Python package for MIDI file
tokenization", ISMIR 2021 late-breaking; REMI: Y.-S. Huang and Y.-H. Yang, "Pop Music Transformer", 2020.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from catalog.base.console import Report, clean
from catalog.base.errors import DatasetError
from catalog.storage.files import write_text
from dataset.corpus.corpus import Corpus
from dataset.export.common import (
    INDEX_FIELDS,
    INDEX_HEADER,
    Written,
    file_names,
    index_rows,
    inside,
    make_split_folders,
    readme,
    write_csv,
)
from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

MAX_DURATION_BEATS = 16  # the longest duration in the vocabulary, in beats of the time signature
NUM_TEMPOS = 64  # number of tempos in the vocabulary
HEADER = (*INDEX_HEADER, "file", "onsets_exact", "durations_exact", "reason")
README_BODY = f"""Load the tokenizer with `miditok.REMI(params="tokenizer.json")`, and the tokens of a piece with its
`load_tokens`. All notes are on one track, and as long as their keys are held.

What is lost: hands, key signatures and the sustain pedal, which index.csv sums up for each piece; durations over
{MAX_DURATION_BEATS} beats (of the time signature's denominator) become {MAX_DURATION_BEATS} beats; tempos become the
nearest of {NUM_TEMPOS} between the slowest and the fastest of the corpus; a time signature that changes inside a bar may
move. index.csv says for each piece whether MidiTok returns every onset and pitch (onsets_exact), and every duration too
(durations_exact), or why it has no tokens (reason). Text that a spreadsheet would read as a formula has ' in front.

index.csv: {INDEX_FIELDS}, file, onsets_exact, durations_exact, reason."""


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write the tokens of `corpus` to the empty `folder`.

    Raises DatasetError if MidiTok is not installed.
    """
    pieces = corpus.pieces()
    tokenizer = tokenizer_for(piece.notes for piece in pieces)
    make_split_folders(folder)
    tokenizer.save(folder / "tokenizer.json")
    rows: list[tuple[object, ...]] = []
    left_out = 0
    for piece, about, name in zip(pieces, index_rows(corpus, pieces), file_names(pieces, ".json"), strict=True):
        report(len(rows) + 1, len(pieces))
        try:
            tokenizer.save_tokens(tokenizer.encode(to_symusic(piece.notes)), inside(folder, name))
            exact = _exact(tokenizer, tokenizer.load_tokens(inside(folder, name)), piece.notes)
        except (ValueError, LookupError, RuntimeError, TypeError, ZeroDivisionError) as error:
            inside(folder, name).unlink(missing_ok=True)
            left_out += 1
            rows.append((*about, None, None, None, clean(f"{type(error).__name__}: {error}")[:200]))
        else:
            rows.append((*about, name, *(str(value).lower() for value in exact), None))
    write_csv(folder / "index.csv", HEADER, rows)
    write_text(folder / "README.md", readme(corpus, "tokens of MidiTok", README_BODY))
    return Written(len(pieces) - left_out, left_out)


def tokenizer_for(corpus: Iterable[Notes]) -> Any:
    """Return a `miditok.REMI` for these pieces.

    Its vocabulary has every pitch, velocity and time signature of them.
    """
    try:
        from miditok import REMI, TokenizerConfig
    except ImportError as error:
        raise DatasetError("tokens need MidiTok, which is not installed: pip install miditok") from error
    tempos: set[float] = set()
    signatures: dict[int, set[int]] = {4: {4}}
    for notes in corpus:
        tempos.update(qpm for _, qpm in notes.tempos)
        for _, numerator, denominator in notes.time_signatures:
            signatures.setdefault(denominator, set()).add(numerator)
    slowest = math.floor(min(tempos, default=120))
    fastest = max(math.ceil(max(tempos, default=120)), slowest + 1)
    return REMI(
        TokenizerConfig(
            pitch_range=(0, 127),
            beat_res={(0, MAX_DURATION_BEATS): TICKS_PER_QUARTER},
            num_velocities=127,
            remove_duplicated_notes=False,
            encode_ids_split="no",
            use_tempos=True,
            num_tempos=NUM_TEMPOS,
            tempo_range=(slowest, fastest),
            use_time_signatures=True,
            time_signature_range={under: sorted(over) for under, over in sorted(signatures.items())},
        )
    )


def to_symusic(notes: Notes) -> Any:
    """Return `notes` as a `symusic.Score` of one piano track, 24 ticks a quarter."""
    import symusic

    score = symusic.Score(TICKS_PER_QUARTER)
    track = symusic.Track(program=0)
    columns = (notes.onset, notes.duration, notes.pitch, notes.velocity)
    for row in zip(*(column.tolist() for column in columns), strict=True):
        track.notes.append(symusic.Note(*row))
    score.tracks.append(track)
    for tick, qpm in notes.tempos:
        score.tempos.append(symusic.Tempo(tick, qpm))
    for tick, numerator, denominator in notes.time_signatures:
        score.time_signatures.append(symusic.TimeSignature(tick, numerator, denominator))
    return score


def _exact(tokenizer: Any, tokens: Any, notes: Notes) -> tuple[bool, bool]:
    """Return whether the tokens preserve all onsets, and all durations too."""
    score = tokenizer.decode(tokens)
    unit = score.ticks_per_quarter / TICKS_PER_QUARTER
    decoded = [(n.time / unit, n.pitch, n.duration / unit) for track in score.tracks for n in track.notes]
    expected = list(zip(notes.onset.tolist(), notes.pitch.tolist(), notes.duration.tolist(), strict=True))
    onsets = sorted(note[:2] for note in decoded) == sorted(note[:2] for note in expected)
    return onsets, onsets and sorted(decoded) == sorted(expected)
