"""A corpus as MusicXML: a score of two staves a piece, made in worker processes, and index.csv."""

from pathlib import Path

from catalog.base.console import Report
from catalog.storage.files import write_text
from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.export.common import Written, file_names, inside, make_split_folders, readme, write_csv
from dataset.notation import musicxml
from dataset.notation.records import NO_CREDITS, Credits
from dataset.notation.score import score_of
from dataset.notes.model import Notes
from dataset.parallel.workers import Failure, work

TIMEOUT_S = 60.0
TASK = "dataset.export.musicxml:to_musicxml"
HEADER = ("sha256", "title", "sequencer", "game", "split", "file", "reason")
BODY = """Each score has two staves, and up to two voices on each; the staves are the two hands, as the file states them or
else as they are estimated. Bars are those of the time signatures; a pickup is bar 0. Key signatures are those of the
file, or estimated where it states none. Pedal marks are where the pedal goes down, on any channel. Onsets and lengths
are exact on the grid of 1/24 quarter note, but for quintuplets and septuplets, which are even. What notation cannot
hold is lost: the rest of a note whose pitch the same hand strikes again while it sounds; the shorter of two notes of
one hand, pitch and onset. Velocities are in the attribute `dynamics` of each note, and the id of a note is its index in
the corpus. index.csv names each file,
or says why there is none (reason); a text that a spreadsheet would take for a formula has ' in front."""


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write the scores of `corpus` to `folder`, which is empty; a piece that fails costs a row that says why."""
    pieces = corpus.pieces()
    make_split_folders(folder)
    names = file_names(pieces, ".musicxml")
    items = [(piece.notes, piece.title, _credits(piece)) for piece in pieces]
    reasons: dict[int, str] = {}
    for done, (index, result) in enumerate(work(TASK, items, timeout_s=TIMEOUT_S), 1):
        report(done, len(items))
        if isinstance(result, Failure):
            reasons[index] = f"{result.reason}: {result.detail}"
        else:
            inside(folder, names[index]).write_bytes(result)
    rows = [
        (p.sha256, p.title, p.sequencer, p.game, p.split, None if i in reasons else name, reasons.get(i))
        for i, (p, name) in enumerate(zip(pieces, names, strict=True))
    ]
    write_csv(folder / "index.csv", HEADER, rows)
    write_text(folder / "README.md", readme(corpus, "MusicXML", BODY))
    return Written(len(pieces) - len(reasons), len(reasons))


def _credits(piece: CorpusPiece) -> Credits:
    return Credits(
        game=piece.game_title or piece.game, series=piece.series, sequencer=piece.sequencer or "", source=piece.url
    )


def to_musicxml(item: tuple[Notes, str] | tuple[Notes, str, Credits]) -> bytes:
    """Return the MusicXML of (notes, title) or (notes, title, credits): the same notes give the same bytes."""
    notes, title, *more = item
    known = more[0] if more else NO_CREDITS
    return musicxml.to_musicxml(score_of(notes, title=title, exact=True, known=known), notes)
