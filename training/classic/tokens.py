"""The original experiment's view of music: the notes and chords of a file's first part, one token each, by music21.

In: a corpus and the files behind it. Out: the text of a classic run's vocabulary.json, which holds the tokens and all that training
and sampling need of the music, so the files are parsed once a run. Rests and durations are lost here, as they were in 2018.
"""

import json
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.console import Report, complain
from catalog.base.errors import TrainingError
from catalog.storage.reading import Count, Sha256, parse_json
from catalog.store import Catalog
from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.parallel.workers import Failure, work

TASK = "training.classic.tokens:tokens_of_blob"
TIMEOUT_S = 300.0  # music21 reads two to four files a second; this is for one on which it hangs
NOTE = re.compile(r"([A-G])(#+|-*)(-?\d+)")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
CHORD_OCTAVE = 60  # where music21 puts a pitch class without an octave

IntArray = npt.NDArray[np.int32]


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
    """The music of a classic run: token number i is `tokens[i]`; the pieces of a split stand one after another."""

    tokens: tuple[str, ...]  # sorted, those of the training split
    training: IntArray  # [n] numbers of tokens
    validation: IntArray  # [m] numbers of tokens, those that training does not know left out
    validation_unknown: int  # how many were left out
    unreadable: tuple[tuple[str, str], ...]  # (sha256, reason) of pieces that gave nothing

    def to_json(self) -> str:
        """Return the text of vocabulary.json, the same for the same music."""
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
        """Return the music that `text` holds. Raises TrainingError where it is none."""
        content = parse_json(
            text, _VocabularyFile, where, fail=TrainingError, remedy="no vocabulary of a classic run: train it again"
        )
        for name, numbers in (("training", content.training), ("validation", content.validation)):
            if max(numbers, default=-1) >= len(content.tokens):
                raise TrainingError(
                    f"{where}: {name}: it holds music with a token that is not in its list; train the run again"
                )
        training, validation = (np.asarray(numbers, np.int32) for numbers in (content.training, content.validation))
        return cls(content.tokens, training, validation, content.validation_unknown, content.unreadable)


def vocabulary_text(
    corpus: Corpus, catalog: Catalog, progress: Report | None = None, warn: Callable[[str], None] = complain
) -> str:
    """Parse the training and validation pieces of `corpus` with music21 and return the text of the run's vocabulary.json.

    A piece that music21 cannot read, or that gives no token, costs one line to `tell`. Raises TrainingError where no training
    piece gives any.
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
    pieces: Sequence[CorpusPiece], known: Sequence[str], catalog: Catalog, warn: Callable[[str], None] = complain
) -> tuple[IntArray, int]:
    """Parse pieces with music21 and return their tokens, as places in `known`, and how many are not known; as `vocabulary_text`."""
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
            results[index] = result or Failure("no_tokens", "music21 finds neither note nor chord in its first part")
            if progress is not None:
                progress(done, len(items))
    return results


def tokens_of_blob(item: tuple[Path, str]) -> list[str]:
    """Return the tokens of one stored file (data root, sha256): a worker's task."""
    root, sha256 = item
    return tokens_of(Catalog(root).read_blob(sha256))


def tokens_of(data: bytes) -> list[str]:
    """Return the tokens of a MIDI file in the order in which the original met them.

    A note is its name with octave (`E-4` is E flat 4), a chord its pitch classes in normal order (`4.7.11`). Only the first part
    counts. Today's music21 ties notes over bar lines and makes an empty part of a track's name ("Piano RH"); that of 2018 did
    neither, so what is tied to a note before is no token, and the first part is the first with notes. Raises what music21 raises
    for bytes that it cannot read.
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
    """Return the MIDI pitches that a token sounds as: a chord's pitch classes lie in the octave of middle C.

    Names are read as music21 reads them, so `C-1` is C flat 1. Raises TrainingError for a token that is neither note nor chord.
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
