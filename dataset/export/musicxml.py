"""Export a corpus as MusicXML scores of two staves, and index.csv.

Scores are made in worker processes.
"""

from pathlib import Path

from catalog.base.console import Report
from catalog.storage.files import write_text
from dataset.corpus.corpus import Corpus, CorpusPiece
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
from dataset.notation import musicxml
from dataset.notation.records import NO_CREDITS, Credits
from dataset.notation.score import score_of
from dataset.notes.model import Notes
from dataset.parallel.workers import Failure, work

TIMEOUT_S = 60.0
TASK = "dataset.export.musicxml:to_musicxml"
HEADER = (*INDEX_HEADER, "file", "reason")
README_BODY = f"""Each score has two staves, one per hand, with up to two voices on each. Bars are those of the time signatures; a pickup
is bar 0. Key signatures are those of the file, or estimated where it has none. Onsets and lengths are exact on the grid
of 1/24 quarter note, except in quintuplets and septuplets, which are even. Notation cannot express two things, which are
lost: the rest of a note that its hand strikes again while it sounds, and the shorter of two notes of one hand, pitch and
onset. There are no staccato dots: lengths are written as they sound, and a program that plays a dot would shorten them
again. Pedal marks are where the pedal is pressed and released on any channel. Velocities are in the attribute `dynamics`
of each note, and the id of a note is its index in the corpus. index.csv: {INDEX_FIELDS}, file, or the reason why there is
none; text that a spreadsheet would read as a formula has ' in front."""


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write the scores of `corpus` to the empty `folder`.

    A piece that fails has a reason instead of a file in index.csv.
    """
    pieces = corpus.pieces()
    make_split_folders(folder)
    names = file_names(pieces, ".musicxml")
    items = [(piece.notes, piece.title, _known(piece)) for piece in pieces]
    reasons: dict[int, str] = {}
    for done, (index, result) in enumerate(work(TASK, items, timeout_s=TIMEOUT_S), 1):
        report(done, len(items))
        if isinstance(result, Failure):
            reasons[index] = f"{result.reason}: {result.detail}"
        else:
            inside(folder, names[index]).write_bytes(result)
    rows = [
        (*about, None if i in reasons else name, reasons.get(i))
        for i, (about, name) in enumerate(zip(index_rows(corpus, pieces), names, strict=True))
    ]
    write_csv(folder / "index.csv", HEADER, rows)
    write_text(folder / "README.md", readme(corpus, "MusicXML", README_BODY))
    return Written(len(pieces) - len(reasons), len(reasons))


def _known(piece: CorpusPiece) -> Credits:
    return Credits(
        game=piece.game_title or piece.game, series=piece.series, sequencer=piece.sequencer or "", source=piece.url
    )


def to_musicxml(item: tuple[Notes, str] | tuple[Notes, str, Credits]) -> bytes:
    """Return the MusicXML of (notes, title) or (notes, title, credits).

    The same notes give the same bytes.
    """
    notes, title, *more = item
    known = more[0] if more else NO_CREDITS
    return musicxml.to_musicxml(score_of(notes, title=title, exact=True, known=known), notes)
