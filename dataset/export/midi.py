"""A corpus as MIDI files: a folder a split, and index.csv, which says what each file is."""

from pathlib import Path

from catalog.base.console import Report
from catalog.storage.files import write_text
from dataset.corpus.corpus import Corpus
from dataset.export.common import Written, file_names, inside, make_split_folders, readme, write_csv
from dataset.notes.model import write_midi

README_BODY = """Each file holds the notes of one piece on a grid of 1/24 quarter note (480 ticks a quarter in the file), all for
piano, without drums; its tracks are the hands, parted at middle C. index.csv: sha256 (of the file that the piece was
read from), title, sequencer, game, split, file; a text that a spreadsheet would take for a formula has ' in front."""


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write the pieces of `corpus` to `folder`, which is empty."""
    make_split_folders(folder)
    pieces = corpus.pieces()
    names = file_names(pieces, ".mid")
    for done, (piece, name) in enumerate(zip(pieces, names, strict=True), 1):
        report(done, len(pieces))
        inside(folder, name).write_bytes(write_midi(piece.notes, name=piece.title))
    rows = [(p.sha256, p.title, p.sequencer, p.game, p.split, name) for p, name in zip(pieces, names, strict=True)]
    write_csv(folder / "index.csv", ("sha256", "title", "sequencer", "game", "split", "file"), rows)
    write_text(folder / "README.md", readme(corpus, "MIDI files", README_BODY))
    return Written(len(pieces))
