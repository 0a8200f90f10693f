"""Export a corpus as MIDI files: one folder per split, and index.csv."""

from pathlib import Path

from catalog.base.console import Report
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
from dataset.midi.midi_writer import midi_of

README_BODY = f"""Each file has the notes of one piece on a grid of 1/24 quarter note (480 ticks a quarter in the file), all for
piano, without drums, with tempos, time and key signatures and the sustain pedal. Its tracks are the right and the left
hand, as the original file states them or as estimated. A key struck again while the same hand holds it ends the note
before: such notes are cut. index.csv: {INDEX_FIELDS}, cut (notes), file; text that a spreadsheet would read as a formula
has ' in front."""


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write the pieces of `corpus` to the empty `folder`."""
    make_split_folders(folder)
    pieces = corpus.pieces()
    rows: list[tuple[object, ...]] = []
    cut = 0
    items = zip(pieces, index_rows(corpus, pieces), file_names(pieces, ".mid"), strict=True)
    for done, (piece, about, name) in enumerate(items, 1):
        report(done, len(pieces))
        written = midi_of(piece.notes, name=piece.title)
        inside(folder, name).write_bytes(written.data)
        rows.append((*about, written.cut, name))
        cut += written.cut
    write_csv(folder / "index.csv", (*INDEX_HEADER, "cut", "file"), rows)
    write_text(folder / "README.md", readme(corpus, "MIDI files", README_BODY))
    return Written(len(pieces), cut=cut)
