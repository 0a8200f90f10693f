"""Tokens of the recipe `classic`: notes and chords of the first part of a file.

In: a corpus and its MIDI files. Out: the text of a run's vocabulary.json, which holds the tokens and all music that
training and sampling need. Files are parsed once per run. Rests and durations are dropped, as in 2018.
"""

import json
import logging
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.console import Report
from catalog.base.errors import TrainingError
from catalog.storage.reading import Count, Sha256, parse_json
from catalog.store import Catalog
from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.parallel.workers import Failure, work

TASK = "training.classic.tokens:tokens_of_blob"
TIMEOUT_S = 300.0  # music21 reads two to four files per second; the limit is for a file on which it hangs
NOTE = re.compile(r"([A-G])(#+|-*)(-?\d+)")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
CHORD_OCTAVE = 60  # music21's octave for a pitch class without one

IntArray = npt.NDArray[np.int32]

_warn = logging.getLogger("training").warning


@dataclass(frozen=True, slots=True)
class _VocabularyFile:
    """The content of the vocabulary.json of a classic run."""

    tokens: tuple[str, ...]
    training: list[Count]
    validation: list[Count]
    validation_unknown: Count
    unreadable: tuple[tuple[Sha256, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Music:
    """The music of a classic run; token number i is `tokens[i]`.

    The pieces of a split are concatenated.
    """

    tokens: tuple[str, ...]  # sorted; those of the training split
    training: IntArray  # [n] token numbers
    validation: IntArray  # [m] token numbers, without unknown tokens
    validation_unknown: int  # number of unknown tokens
    unreadable: tuple[tuple[str, str], ...]  # (sha256, reason) of pieces without tokens

    def to_json(self) -> str:
        """Return the text of vocabulary.json; deterministic."""
        content = {
            "tokens": self.tokens,
            "training": self.training.tolist(),
            "validation": self.validation.tolist(),
            "validation_unknown": self.validation_unknown,
            "unreadable": self.unreadable,
        }
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> "Music":
        """Parse the text of vocabulary.json.

        Raises TrainingError, naming `where`, if it is not valid.
        """
        content = parse_json(
            text,
            _VocabularyFile,
            where,
            fail=TrainingError,
            remedy="not the vocabulary of a classic run: train it again",
        )
        for name, numbers in (("training", content.training), ("validation", content.validation)):
            if max(numbers, default=-1) >= len(content.tokens):
                raise TrainingError(
                    f"{where}: {name}: contains a token that is not in the list of tokens; train the run again"
                )
        training, validation = (np.asarray(numbers, np.int32) for numbers in (content.training, content.validation))
        return cls(content.tokens, training, validation, content.validation_unknown, content.unreadable)


def vocabulary_text(
    corpus: Corpus,
    catalog: Catalog,
    progress: Report | None = None,
    warn: Callable[[str], None] = _warn,
) -> str:
    """Parse the training and validation pieces; return the text of vocabulary.json.

    `warn` receives one line for each piece that music21 cannot read or that has no token. Raises TrainingError if no
    training piece has a token.
    """
    training, validation = corpus.pieces("train"), corpus.pieces("validation")
    read = _read([*training, *validation], catalog, progress)
    unreadable = []
    for piece, result in zip([*training, *validation], read, strict=True):
        if isinstance(result, Failure):
            unreadable.append((piece.sha256, result.reason))
            warn(f"{piece.title} ({piece.sha256[:12]}) is left out: {result.reason}, {result.detail}")
    first, second = (
        [token for result in part if not isinstance(result, Failure) for token in result]
        for part in (read[: len(training)], read[len(training) :])
    )
    if not first:
        raise TrainingError(f"corpus {corpus.name} has no training piece that music21 can read; choose another query")
    tokens = tuple(sorted(set(first)))
    number = {token: i for i, token in enumerate(tokens)}
    known = [number[token] for token in second if token in number]
    return Music(
        tokens,
        np.array([number[token] for token in first], np.int32),
        np.array(known, np.int32),
        len(second) - len(known),
        tuple(unreadable),
    ).to_json()


def parse_tokens(
    pieces: Sequence[CorpusPiece],
    known: Sequence[str],
    catalog: Catalog,
    warn: Callable[[str], None] = _warn,
) -> tuple[IntArray, int]:
    """Parse pieces; return their token numbers and the count of unknown tokens.

    Token number i is `known[i]`. `warn` is used as in `vocabulary_text`.
    """
    number = {token: i for i, token in enumerate(known)}
    found = []
    for piece, result in zip(pieces, _read(pieces, catalog, None), strict=True):
        if isinstance(result, Failure):
            warn(f"{piece.title} ({piece.sha256[:12]}) is left out: {result.reason}, {result.detail}")
        else:
            found += [number.get(token, -1) for token in result]
    numbers = np.array(found, np.int32)
    return numbers[numbers >= 0], int((numbers < 0).sum())


def _read(pieces: Sequence[CorpusPiece], catalog: Catalog, progress: Report | None) -> list[list[str] | Failure]:
    results: list[list[str] | Failure] = [[] for _ in pieces]
    with catalog.nearby(piece.sha256 for piece in pieces) as near:
        items = [(near.root, piece.sha256) for piece in pieces]
        for done, (index, result) in enumerate(work(TASK, items, timeout_s=TIMEOUT_S), start=1):
            results[index] = result or Failure("no_tokens", "music21 finds no note or chord in its first part")
            if progress is not None:
                progress(done, len(items))
    return results


def tokens_of_blob(item: tuple[Path, str]) -> list[str]:
    """Worker task: return the tokens of one stored file (data root, sha256)."""
    root, sha256 = item
    return tokens_of(Catalog(root).read_blob(sha256))


def tokens_of(data: bytes) -> list[str]:
    """Return the tokens of a MIDI file, in the order of the original experiment.

    A note is its name with octave (`E-4` is E flat 4), a chord its pitch classes in normal order (`4.7.11`). Only the
    first part counts. Current music21 ties notes over bar lines and makes an empty part from a track's name ("Piano
    RH"); the version of 2018 did neither. So tied continuations are skipped, and the first part with notes is used.
    Raises music21's exceptions for bytes that it cannot read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter, instrument

        score: Any = converter.parseData(data, format="midi")
        parted: Any = instrument.partitionByInstrument(score)
        parts = [part.recurse() for part in parted.parts] if parted is not None else []
        for elements in parts or [score.flatten().notes]:
            tokens = [token for element in elements if (token := _token(element)) is not None]
            if tokens:
                return tokens
    return []


def _token(element: Any) -> str | None:
    from music21 import chord, note

    if not isinstance(element, (note.Note, chord.Chord)):
        return None
    if element.tie is not None and element.tie.type in ("stop", "continue"):
        return None
    if isinstance(element, note.Note):
        return str(element.pitch)
    return ".".join(str(pitch_class) for pitch_class in element.normalOrder)


def pitches_of(token: str) -> tuple[int, ...]:
    """Return the MIDI pitches of a token.

    A chord's pitch classes are placed in the octave of middle C. Names are read as in music21, so `C-1` is C flat 1.
    Raises TrainingError for a token that is neither a note nor a chord.
    """
    parts = token.split(".")
    if all(part.isdecimal() and int(part) < 12 for part in parts):
        return tuple(CHORD_OCTAVE + int(part) for part in parts)
    named = NOTE.fullmatch(token)
    if named is None:
        raise TrainingError(f"vocabulary: {token!r} is neither a note nor a chord")
    step, accidental, octave = named.groups()
    pitch = STEPS[step] + accidental.count("#") - accidental.count("-") + 12 * (int(octave) + 1)
    return (min(max(pitch, 0), 127),)
