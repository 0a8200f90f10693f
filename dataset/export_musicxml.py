"""A corpus as MusicXML: a score of two staves a piece, written by music21 in worker processes, and index.csv."""

import re
from pathlib import Path

from catalog.console import Report
from catalog.files import write_text
from dataset.corpus import Corpus
from dataset.export_files import Written, file_names, make_split_folders, readme, write_csv
from dataset.notes import Notes
from dataset.score import score_of
from dataset.workers import Failure, work

TIMEOUT_S = 60.0
TASK = "dataset.export_musicxml:to_musicxml"
HEADER = ("sha256", "title", "sequencer", "game", "split", "file", "reason")
BODY = """Each score has a treble and a bass staff, parted at middle C. Onsets are exact on the grid of 1/24 quarter note.
What notation cannot hold is lost: velocities; the rest of a note whose pitch is struck again while it sounds; the second
of two notes of one pitch and onset. Notes of different lengths that sound together on a staff are tied chords. index.csv
names each file, or says why there is none (reason)."""


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write the scores of `corpus` to `folder`, which is empty; a piece that fails costs a row that says why."""
    pieces = corpus.pieces()
    make_split_folders(folder)
    names = file_names(pieces, ".musicxml")
    items = [(piece.notes, piece.title) for piece in pieces]
    reasons: dict[int, str] = {}
    for done, (index, result) in enumerate(work(TASK, items, timeout_s=TIMEOUT_S), 1):
        report(done, len(items))
        if isinstance(result, Failure):
            reasons[index] = f"{result.reason}: {result.detail}"
        else:
            (folder / names[index]).write_bytes(result)
    rows = [
        (p.sha256, p.title, p.sequencer, p.game, p.split, None if i in reasons else name, reasons.get(i))
        for i, (p, name) in enumerate(zip(pieces, names, strict=True))
    ]
    write_csv(folder / "index.csv", HEADER, rows)
    write_text(folder / "README.md", readme(corpus, "MusicXML", BODY))
    return Written(len(pieces) - len(reasons), len(reasons))


def to_musicxml(item: tuple[Notes, str]) -> bytes:
    """Return the MusicXML of (notes, title); no date, no drawn name: the same notes give the same bytes."""
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    notes, title = item
    title = re.sub(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", title)  # what XML cannot hold
    exporter = GeneralObjectExporter(score_of(notes, title=title))
    exporter.makeNotation = False
    data = exporter.parse()
    for line in (rb"<encoding-date>[^<]*</encoding-date>", rb'<creator type="composer">Music21</creator>'):
        data = re.sub(rb"\s*" + line, b"", data, count=1)
    for number, drawn in enumerate(re.findall(rb'<score-part id="(P[0-9a-f]{32})"', data), 1):  # music21 draws them
        data = data.replace(drawn, b"P%d" % number)
    return bytes(data)
