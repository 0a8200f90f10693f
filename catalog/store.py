"""The catalog on disk: tables of pieces and measures, and the MIDI files.

Readers need no lock, and there can be any number of them. There is one writer at a time; it merges its small files
into one when it ends. Tables are plain Parquet: `pandas.read_parquet("data/catalog/pieces")` reads them without
vgpiano. The data root may be a URL, with the same guarantees (`catalog.storage.remote`); the writer then holds a
lease (`catalog.storage.lease`) in place of a lock.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from catalog.base.console import Report
from catalog.base.errors import CatalogError, VgpianoError
from catalog.blobs import Blobs, Verification, quarantine
from catalog.edits.entries import NO_EDITS, Edits, read_edits
from catalog.named import with_slugs
from catalog.query.compiler import conditions
from catalog.rows import ORDER as ORDER
from catalog.rows import ROWS as ROWS
from catalog.rows import Rows
from catalog.schema import FETCHED, KEY, MEASURES, PIECES, Piece, to_table
from catalog.storage import checksums as sums
from catalog.storage.checksums import folders_with_sums
from catalog.storage.files import remove_leftovers
from catalog.storage.lock import writer_lock, writer_was_killed
from catalog.storage.remote import AnyPath, RemotePath
from catalog.table import part_files
from catalog.table.identity import CatalogId, ensure_identity
from catalog.table.parts import Parts, PartsWriter
from catalog.table.upsert import RowIdentity

CHECKED_FOLDERS = (
    "splits",
    "corpora",
    "runs",
    "indexes",
)  # folders of the data root with folders that have SHA256SUMS
PARTS_BEFORE_MERGE = 1000  # keeps the folder of a long run fast to read


class Catalog:
    """All known pieces, their measures and bytes, below the data root `root`.

    If `root` does not exist, the catalog is empty.
    """

    def __init__(self, root: AnyPath) -> None:
        self.root = root
        folder = root / "catalog"
        self._folder = folder
        pieces, measures = RowIdentity(KEY, ORDER, placeholder="md5"), RowIdentity(("sha256",), ("sha256",))
        self._pieces = Parts(folder / "pieces", PIECES, pieces, plain=("url", "md5", "sha256", "etag"))
        self._measures = Parts(folder / "measures", MEASURES, measures, plain=("sha256",))
        self._blobs = Blobs(root / "midi")

    def __repr__(self) -> str:
        return f"<Catalog below {str(self.root)!r}>"

    def query(self, text: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the pieces that match the query `text`; same as `pieces(text, columns)`."""
        return self.pieces(text, columns)

    def pieces(
        self, query: str | None = None, columns: Sequence[str] | None = None, *, edited: bool = True
    ) -> pa.Table:
        """Return the pieces that match `query`, or all, with their measures.

        Rows are sorted by ORDER. The columns are those of ROWS, or only `columns`. Measures are null if a piece has
        not been measured. Names in the query may be titles ("Zelda"). Edits are applied before the query, unless
        `edited` is False. Raises QueryError if the query is invalid, and CatalogError if the files cannot be read.
        """
        rows, edits = Rows(self._pieces, self._measures), self.edits() if edited else NO_EDITS
        text = None if query is None else with_slugs(query, lambda names: rows.read(names, [], edits))
        requested = [] if text is None else conditions(text, ROWS)
        return rows.read(list(ROWS.names if columns is None else columns), requested, edits)

    def is_empty(self) -> bool:
        """Whether the catalog has no pieces."""
        return self._pieces.is_empty()

    def edits(self) -> Edits:
        """Return the edits by hand, by key. Raises CatalogError if their file is invalid."""
        return read_edits(self._folder)

    def was_left(self) -> bool:
        """Whether the last writer was killed, so that its work is not merged yet."""
        return writer_was_killed(self._folder)

    def measures(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the measures sorted by SHA-256, one row each: all columns or `columns`."""
        return self._measures.read(columns)

    def blob_path(self, sha256: str) -> Path:
        """Return the path of the file of `sha256`: root/midi/ab/<sha256>.mid.

        The file need not exist. Raises CatalogError if the data root is a URL; use `nearby` there.
        """
        path = self._blobs.path(sha256)
        if isinstance(path, RemotePath):
            raise CatalogError(f"{path} is not a local file; use `nearby` for a local copy")
        return path

    def read_blob(self, sha256: str) -> bytes:
        """Return the verified bytes of `sha256`; CatalogError if missing or damaged."""
        return self._blobs.read(sha256)

    @contextmanager
    def nearby(self, names: Iterable[str]) -> Iterator["Catalog"]:
        """Yield a catalog that has the bytes of `names` (SHA-256s) as local files.

        For workers that read files. If `root` is a folder, it is this catalog. Below a URL it is a temporary copy,
        which is removed when the block ends. Raises CatalogError if the store cannot be reached: unreachable bytes do
        not count as missing.
        """
        if isinstance(self.root, Path):
            yield self
            return
        with TemporaryDirectory(prefix="vgpiano-") as folder:
            self._blobs.copy_to(Path(folder) / "midi", names)
            yield Catalog(Path(folder))

    def verify(self, report: Report | None = None) -> Verification:
        """Check the bytes of all pieces, the tables, and all folders with SHA256SUMS.

        An unreadable table is reported as a fault. Every file in midi/ is then checked against its name.
        """
        faults = [*self._pieces.faults(), *self._measures.faults()]
        for folder in folders_with_sums(self.root, CHECKED_FOLDERS):
            faults += sums.faults(folder)
        try:
            self.edits()
        except CatalogError as error:
            faults.append(str(error))
        try:
            listed = self._pieces.read(["sha256"])["sha256"].drop_null().to_pylist()
        except CatalogError as error:
            faults += [] if faults else [str(error)]
            listed = sorted(self._blobs.names())
        return replace(self._blobs.verify(listed, report), faults=tuple(faults))

    def stored_files(self) -> set[str]:
        """Return the SHA-256 of every stored file, unchecked."""
        return self._blobs.names()

    def unlisted(self) -> set[str]:
        """Return the SHA-256 of files that no row lists, unchecked.

        A killed writer can leave such files.
        """
        return self._blobs.names().difference(self._pieces.read(["sha256"])["sha256"].drop_null().to_pylist())

    @contextmanager
    def writer(self) -> Iterator["Writer"]:
        """Yield the only Writer. Its additions are merged when the block ends in any way.

        Raises CatalogError that names process, command and start time if there is another writer.
        """
        with writer_lock(self._folder) as hold:
            if hold.was_killed:
                for folder in (self._pieces.folder, self._measures.folder, self.root / "quarantine"):
                    remove_leftovers(folder)
                for folder in self._blobs.folder.glob("??"):
                    remove_leftovers(folder)
            catalog_ids = part_files.catalog_ids(self._pieces.folder) | part_files.catalog_ids(self._measures.folder)
            own = ensure_identity(self._folder, catalog_ids, lambda name: sums.digest_of(self._folder / name))
            writer = Writer(self.root, self._pieces, self._measures, self._blobs, own, hold.check)
            try:
                yield writer
            except BaseException:
                with suppress(VgpianoError, OSError):  # the error that ended the block is reported
                    writer.compact()
                raise
            writer.compact()


class Writer:
    """Writes to a catalog; created by `Catalog.writer()`.

    The work of every method is durable when it returns.
    """

    def __init__(
        self,
        root: AnyPath,
        pieces: Parts,
        measures: Parts,
        blobs: Blobs,
        catalog: CatalogId,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._quarantine = root / "quarantine"
        self._pieces = PartsWriter(pieces, catalog, check)
        self._measures = PartsWriter(measures, catalog, check)
        self._blobs = blobs
        self._added = 0

    def add(self, pieces: Sequence[Piece]) -> None:
        """Add rows; a row replaces an older one with the same (source, url, md5).

        Raises CatalogError if a SHA-256 is invalid, or missing from a fetched piece.
        """
        for piece in pieces:
            if piece.sha256 is not None:
                self._blobs.path(piece.sha256)
            elif piece.state == FETCHED:
                raise CatalogError(f"{piece.url}: a fetched piece needs its sha256; store its bytes first")
        if pieces:
            self._append(self._pieces, to_table(list(pieces)))

    def add_measures(self, table: pa.Table) -> None:
        """Add rows with columns of MEASURES; missing columns are null.

        A row replaces an older one of the same SHA-256. Raises CatalogError for other columns.
        """
        unknown = sorted(set(table.column_names) - set(MEASURES.names))
        if unknown or "sha256" not in table.column_names:
            raise CatalogError(f"measures need a sha256 and may have {MEASURES.names}, not {unknown}")
        columns = [
            table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
            for field in MEASURES
        ]
        if len(table):
            self._append(self._measures, pa.table(columns, schema=MEASURES))

    def put_blob(self, data: bytes) -> str:
        """Store `data` and return its SHA-256."""
        return self._blobs.put(data)

    def put_blobs(self, many: Sequence[bytes]) -> list[str]:
        """Store each of `many` and return their SHA-256s in order."""
        return self._blobs.put_many(many)

    def quarantine(self, data: bytes, details: Mapping[str, str | int | None]) -> AnyPath:
        """Store `data` that failed a check in quarantine/ and return its path.

        `details` are stored in a JSON file beside it.
        """
        return quarantine(self._quarantine, data, details)

    def compact(self) -> None:
        """Merge the small files of each table into one, with each key once."""
        self._pieces.compact()
        self._measures.compact()
        self._added = 0

    def _append(self, parts: PartsWriter, table: pa.Table) -> None:
        parts.append(table)
        self._added += 1
        if self._added >= PARTS_BEFORE_MERGE:
            self.compact()
