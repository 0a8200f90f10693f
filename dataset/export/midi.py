"""Export a corpus as MIDI files: one folder per split, and index.csv."""

from pathlib import Path

from catalog.base.console import Report
from catalog.storage.files import write_text
from dataset.corpus.corpus import Corpus
from dataset.export.common import Written, file_names, inside, make_split_folders, readme, write_csv
from dataset.notes.midi_writer import write_midi

README_BODY = """Each file has the notes of one piece on a grid of 1/24 quarter note (480 ticks a quarter in the file), all for
piano, without drums. Its tracks are the hands, separated at middle C. index.csv: sha256 (of the original MIDI file), title,
sequencer, game, split, file; text that a spreadsheet would read as a formula has ' in front."""


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write the pieces of `corpus` to the empty `folder`."""
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
