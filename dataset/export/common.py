"""Shared by the exporters: safe file names, CSV, and the README of an export."""

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.base.csv_cells import csv_text
from catalog.base.errors import CorpusError
from catalog.storage.files import write_text
from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.corpus.schema import SPLITS
from dataset.export.provenance import citation_section, dates_of, sources_section
from dataset.notes.model import UNKNOWN

SLUG_LENGTH = 60
RIGHTS_NOTICE = (
    "The music is the work of the composers of the games and of the people who sequenced the files, named in CREDITS.md. "
    "It is theirs: nobody may publish, sell or relicense it, or what is derived from it, without their leave."
)


@dataclass(frozen=True, slots=True)
class Written:
    """How many pieces an exporter wrote, and what it left out."""

    pieces: int
    left_out: int = 0  # pieces
    cut: int = 0  # notes that end early, or are missing, because their key is struck again in the same hand


def slug(text: str) -> str:
    """Return `text` as lower-case ASCII letters, digits and single hyphens.

    At most 60 characters; "untitled" if none are left.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_LENGTH].strip("-") or "untitled"


def file_names(pieces: Sequence[CorpusPiece], suffix: str) -> list[str]:
    """Return a unique path for each piece, split/game-title-hash.suffix.

    Paths are ASCII; no part is longer than 140 characters.
    """
    names: list[str] = []
    taken: set[str] = set()
    for piece in pieces:
        start = f"{piece.split}/{slug(piece.game)}-{slug(piece.title)}-"
        name = start + piece.sha256[:8] + suffix
        names.append(name if name not in taken else start + piece.sha256 + suffix)
        taken.add(names[-1])
    return names


def inside(folder: Path, name: str) -> Path:
    """Return the path of the export file `name` in `folder` or a subfolder.

    Raises CorpusError for a path outside of it, before anything is written. Links need no check, since the folder is
    new.
    """
    path = Path(os.path.abspath(folder / name))  # noqa: PTH100 - `..` is resolved as text
    if "\0" in name or not path.is_relative_to(os.path.abspath(folder)) or not path.parent.is_dir():  # noqa: PTH100
        raise CorpusError(
            f"{name[:200]!r} is outside of the export's folder; the corpus is damaged or forged: build it again"
        )
    return path


INDEX_HEADER = (
    *("sha256", "title", "sequencer", "game", "game_title", "source", "url", "listed_at", "fetched_at", "split"),
    *("hands", "key_signatures", "pedal_intervals"),
)
INDEX_FIELDS = """sha256 (of the original MIDI file), title, sequencer, game, game_title, source, url, listed_at (when
the source says it listed the piece), fetched_at (when the bytes were first received), split, hands (of how many notes the
file states the hand: all, some or none), key_signatures (as the file states them), pedal_intervals (how often the sustain
pedal is pressed)"""


def index_rows(corpus: Corpus, pieces: Sequence[CorpusPiece]) -> list[tuple[object, ...]]:
    """Return the values of INDEX_HEADER for `pieces`, all of the corpus in its order."""
    return [_index_row(piece, *dates) for piece, dates in zip(pieces, dates_of(corpus), strict=True)]


def _index_row(piece: CorpusPiece, listed_at: str | None, fetched_at: str | None) -> tuple[object, ...]:
    stated = piece.notes.hand != UNKNOWN
    keys = "; ".join(f"{key_name(fifths, mode)} at tick {tick}" for tick, fifths, mode in piece.notes.key_signatures)
    return (
        *(
            piece.sha256,
            piece.title,
            piece.sequencer,
            piece.game,
            piece.game_title,
            piece.source,
            piece.url,
            listed_at,
            fetched_at,
            piece.split,
        ),
        *("all" if stated.all() else "some" if stated.any() else "none", keys or None, len(piece.notes.pedals)),
    )


def key_name(fifths: int, mode: int) -> str:
    """Return the name of a key signature.

    `fifths` is the number of sharps, or minus that of flats; `mode` is 0 for major, 1 for minor.
    """
    place = fifths + (4 if mode else 1)  # on the line of fifths from F; minor keys lie three fifths above
    return f"{'FCGDAEB'[place % 7]}{'b' * -(place // 7) if place < 0 else '#' * (place // 7)} {'minor' if mode else 'major'}"


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV in UTF-8; null is an empty field and formulas are escaped."""
    write_text(path, csv_text(header, rows))


def make_split_folders(folder: Path) -> None:
    """Create train/, validation/ and test/ in `folder`."""
    for split in SPLITS:
        (folder / split).mkdir()


def readme(corpus: Corpus, title: str, body: str) -> str:
    """Return the README.md of an export: title, counts, `body`, sources, citation and rights."""
    funnel = corpus.manifest.funnel
    counts = f"{funnel.unique} pieces: {funnel.train} train, {funnel.validation} validation, {funnel.test} test"
    sections = [body, sources_section(corpus), citation_section(corpus), f"## Rights\n\n{RIGHTS_NOTICE}"]
    return f"# {corpus.name}: {title}\n\n{counts}.\n\n" + "\n\n".join(sections) + "\n"
