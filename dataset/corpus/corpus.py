"""Open a corpus on disk: tables in Parquet, manifest.json and CREDITS.md.

Files are checked against the hashes in the manifest. `dataset.build` makes corpora; `dataset.corpus.object_store` names
their files below a URL.
"""

import difflib
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.base.console import Report
from catalog.base.errors import CatalogError, CorpusError
from catalog.edits.entries import NO_EDITS, Edits, parse_edits
from catalog.storage import checksums as sums
from catalog.storage.reading import read_bytes
from catalog.storage.remote import AnyPath, RemotePath, parse_location
from catalog.table import parquet
from dataset.corpus.checks import check_counts, checked
from dataset.corpus.columns import FaultError
from dataset.corpus.folder_store import corpora_folder, recover
from dataset.corpus.manifest import (
    CREDITS_FILE,
    EDITS_FILE,
    EXCLUDED_FILE,
    MANIFEST_FILE,
    MEASURES_FILE,
    NOTES_FILE,
    PROVENANCE_FILE,
    RELATIONS_FILE,
    Manifest,
)
from dataset.corpus.object_store import read_file
from dataset.corpus.schema import LISTS, NOTES, TEXT, Split
from dataset.notes.model import Notes

if TYPE_CHECKING:
    from dataset.export.forms import Form
    from dataset.export.run import Exported

REBUILD_HINT = "build it again, or get a new copy"
MAX_READS = 3  # attempts to read a corpus before it is reported as damaged


@dataclass(frozen=True, slots=True, eq=False)
class CorpusPiece:
    """One piece of a corpus."""

    sha256: str
    game: str
    series: str
    title: str
    sequencer: str | None
    game_title: str
    source: str
    url: str
    cluster: str
    work: str
    split: Split
    notes: Notes

    def __repr__(self) -> str:
        return f"<CorpusPiece {self.title!r} of {self.game!r}: {len(self.notes)} notes>"


class Corpus:
    """A corpus opened for reading; `open` checks all its files."""

    def __init__(
        self, path: AnyPath, manifest: Manifest, tables: Mapping[str, pa.Table], credits_: str, edits: Edits = NO_EDITS
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._tables = tables  # by file name
        self._credits = credits_
        self._edits = edits

    def __repr__(self) -> str:
        return f"<Corpus {self.name!r} in {str(self.path)!r}: {self.manifest.funnel.unique} pieces>"

    @property
    def name(self) -> str:
        """The name of the corpus."""
        return self.manifest.name

    @property
    def hash(self) -> str:
        """The identity of the content: SHA-256 of notes.parquet, hexadecimal."""
        return self.manifest.files[NOTES_FILE]

    @classmethod
    def open(cls, root: AnyPath, name_or_path: str) -> "Corpus":
        """Return the corpus with that name under `root`, or in that folder or URL.

        Raises CorpusError if it is missing or damaged.
        """
        folder = corpora_folder(root) / name_or_path
        direct = parse_location(name_or_path)
        if isinstance(direct, RemotePath) or (isinstance(folder, RemotePath) and "/" in name_or_path):
            folder = direct
        recover(folder)
        if not (folder / MANIFEST_FILE).is_file() and (direct / MANIFEST_FILE).is_file():
            folder = direct
        if not (folder / MANIFEST_FILE).is_file():
            raise CorpusError(f"no corpus {name_or_path!r}{_suggestion(root, name_or_path)}")
        for _ in range(MAX_READS):  # another process may replace the corpus while it is read
            with suppress(CorpusError):
                return cls._read(folder)
        return cls._read(folder)

    @classmethod
    def _read(cls, folder: AnyPath) -> "Corpus":
        try:
            manifest = _manifest(folder)
            data = {name: read_file(folder, name, manifest.files.get(name)) for name in manifest.present()}
        except (OSError, ValueError) as error:
            raise CorpusError(f"the corpus in {folder} cannot be read ({error}); build it again") from error
        for name, content in data.items():
            if hashlib.sha256(content).hexdigest() != manifest.files.get(name):
                raise CorpusError(f"{folder / name} does not match its hash in the manifest; build the corpus again")
        try:
            edits = parse_edits(data[EDITS_FILE], folder / EDITS_FILE) if EDITS_FILE in data else NO_EDITS
        except CatalogError as error:
            raise CorpusError(f"{error}; or {REBUILD_HINT}") from None
        return cls(folder, manifest, _tables(folder, manifest, data), data[CREDITS_FILE].decode(), edits)

    def pieces(self, split: Split | None = None) -> list[CorpusPiece]:
        """Return the pieces of one split, or of all, in the catalog's stable order."""
        return list(map(_piece, *_columns(self.table(split))))

    def table(self, split: Split | None = None) -> pa.Table:
        """Return notes.parquet as a table of schema NOTES, for one split or all."""
        table = self._tables[NOTES_FILE]
        return table if split is None else table.filter(pc.equal(table["split"], split))

    def excluded(self) -> pa.Table:
        """Return excluded.parquet as a table of schema EXCLUDED.

        It has one row per piece left out.
        """
        return self._tables[EXCLUDED_FILE]

    def measures(self) -> pa.Table:
        """Return the measures of the pieces, in the order of `pieces()`.

        The schema is catalog.schema.MEASURES.
        """
        return self._tables[MEASURES_FILE]

    def relations(self) -> pa.Table:
        """Return relations.parquet as a table of schema RELATIONS.

        It has one row per related pair.
        """
        return self._tables[RELATIONS_FILE]

    def provenance(self) -> pa.Table:
        """Return provenance.parquet as a table of schema PROVENANCE.

        It says where each piece comes from, and since when.
        """
        return self._tables[PROVENANCE_FILE]

    def credits(self) -> str:
        """Return the text of CREDITS.md."""
        return self._credits

    def edits(self) -> Edits:
        """Return the corrections by hand that the corpus has, by key (`catalog edit`)."""
        return self._edits

    def export(self, form: "Form", out: Path, *, report: Report | None = None) -> "Exported":
        """Export the corpus in `form` to the folder `out`, as `dataset export` does.

        Raises the errors of `dataset.export_corpus`.
        """
        from dataset.export.run import write_export

        return write_export(self, form, out, report=report)


def _tables(folder: AnyPath, manifest: Manifest, data: Mapping[str, bytes]) -> dict[str, pa.Table]:
    """Return the tables of a corpus by file name.

    Raises CorpusError, which names file and column, for an invalid table.
    """
    tables: dict[str, pa.Table] = {}
    for name in (NOTES_FILE, EXCLUDED_FILE, RELATIONS_FILE, MEASURES_FILE, PROVENANCE_FILE):
        try:
            tables[name] = checked(name, parquet.read(data[name]), tables.get(NOTES_FILE))
        except (FaultError, pa.ArrowException, OSError, ValueError) as error:
            raise CorpusError(f"{folder / name}: {error}; {REBUILD_HINT}") from None
    try:
        check_counts(asdict(manifest.funnel), manifest.reasons, tables[NOTES_FILE], tables[EXCLUDED_FILE])
    except FaultError as error:
        raise CorpusError(f"{folder / MANIFEST_FILE}: {error}; {REBUILD_HINT}") from None
    try:
        data[CREDITS_FILE].decode()
    except UnicodeDecodeError as error:
        raise CorpusError(f"{folder / CREDITS_FILE}: not UTF-8 ({error.reason}); {REBUILD_HINT}") from None
    return tables


def names(root: AnyPath) -> list[str]:
    """Return the names of the corpora under `root`, sorted."""
    return sorted(path.parent.name for path in corpora_folder(root).glob(f"[!.]*/{MANIFEST_FILE}"))


def list_corpora(root: AnyPath) -> list[Manifest]:
    """Return the manifests of the corpora under `root` by name.

    Damaged corpora are skipped; `Corpus.open` reports what is wrong with one.
    """
    found = []
    for name in names(root):
        with suppress(OSError, CorpusError):
            found.append(_manifest(corpora_folder(root) / name))
    return found


def _manifest(folder: AnyPath) -> Manifest:
    """Return the manifest of the corpus in `folder`, checked against SHA256SUMS."""
    path = folder / MANIFEST_FILE
    sums.check(
        folder,
        MANIFEST_FILE,
        read_bytes(path, fail=CorpusError, remedy=REBUILD_HINT),
        fail=CorpusError,
        remedy=REBUILD_HINT,
    )
    return Manifest.read(path)


def to_table(pieces: list[CorpusPiece]) -> pa.Table:
    """Return `pieces` as a table of schema NOTES, in the given order."""
    text = {name: [getattr(piece, name) for piece in pieces] for name in TEXT}
    lists = {name: _lists([getattr(piece.notes, name) for piece in pieces]) for name in LISTS}
    changes = {
        "tempos": [[{"tick": tick, "qpm": qpm} for tick, qpm in piece.notes.tempos] for piece in pieces],
        "time_signatures": [
            [
                {"tick": tick, "numerator": over, "denominator": under}
                for tick, over, under in piece.notes.time_signatures
            ]
            for piece in pieces
        ],
        "key_signatures": [
            [{"tick": tick, "fifths": fifths, "mode": mode} for tick, fifths, mode in piece.notes.key_signatures]
            for piece in pieces
        ],
        "pedals": [
            [{"group": group, "start": start, "end": end} for group, start, end in piece.notes.pedals]
            for piece in pieces
        ],
    }
    columns = {**text, **lists, **changes}
    return pa.table(
        [pa.array(columns[f.name], f.type) if f.name not in lists else columns[f.name] for f in NOTES], NOTES
    )


def _lists(arrays: list[Any]) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum([len(array) for array in arrays])]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(arrays)))


def _columns(table: pa.Table) -> list[list[Any]]:
    def arrays(name: str) -> list[Any]:
        column = table.column(name).combine_chunks()
        values, offsets = column.values.to_numpy(), column.offsets.to_numpy()
        return [values[start:end] for start, end in pairwise(offsets.tolist())]

    return [arrays(name) if name in LISTS else table.column(name).to_pylist() for name in NOTES.names]


def _piece(*row: Any) -> CorpusPiece:
    values = dict(zip(NOTES.names, row, strict=True))
    for name in ("tempos", "time_signatures", "key_signatures", "pedals"):
        values[name] = tuple(tuple(change.values()) for change in values[name])
    notes = Notes(**{field.name: values[field.name] for field in fields(Notes)})
    return CorpusPiece(**{name: values[name] for name in TEXT}, notes=notes)


def _suggestion(root: AnyPath, name: str) -> str:
    known = names(root)
    near = difflib.get_close_matches(name, known, 1, 0.5) or [
        other for other in known if name in other or other in name
    ]
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(known[:20])}" if known else "; run `dataset build` to make one"
