"""An append-only table of Parquet files; the newest row of each key counts.

A writer adds files `part-<number>-<catalog>-<checksum>.parquet`. From time to time it merges all
files into one `base-…`, which replaces every file with a smaller number, deleted or not. A crash
therefore never loses or repeats a row. Readers need no lock, also below a URL, since a file never
changes once it has its name.

The catalog id in a name identifies copied files of another catalog; the checksum detects damage.
The module knows nothing of the meaning of columns. The base may be larger than memory, as it is
read and merged one row group at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.dataset as ds

from catalog.base.errors import CatalogError
from catalog.query.compiler import Condition
from catalog.storage.checksums import digest_of
from catalog.storage.files import sync_folder, write_named
from catalog.storage.remote import AnyPath, RemotePath
from catalog.table import parquet
from catalog.table.identity import CatalogId
from catalog.table.part_files import Part, foreign_files, foreign_files_message, list_part_files, not_owned, table_files
from catalog.table.scan import scan
from catalog.table.upsert import RowIdentity, Update

ATTEMPTS = 50  # of a reader, when a compaction deletes the files that it reads
ROWS_A_GROUP = 16_384
"""Rows per Parquet row group, the unit that a filtered scan can skip.

Chosen by measurements with 10 million rows: see benchmarks/queries.py.
"""

T = TypeVar("T")
DIGEST_DIGITS = 16  # digits of the SHA-256 in a name
REMEDY = "restore that file from a copy, or move it away"


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of one table: its folder, its Arrow schema, and its row identity.

    `plain` are columns with few repeated values, for which a dictionary encoding would be larger.
    """

    folder: AnyPath
    schema: pa.Schema
    identity: RowIdentity
    plain: tuple[str, ...] = ()

    def files(self) -> list[Part]:
        """Return the files that count, oldest first.

        These are the newest base, if there is one, and the parts written after it.
        """
        found = table_files(self.folder)
        start = max((i for i, part in enumerate(found) if part.is_base), default=0)
        return found[start:]

    def read(self, columns: Sequence[str] | None = None, condition: Condition | None = None) -> pa.Table:
        """Return the newest row of each key that matches `condition`, sorted.

        The columns are all or `columns`. Raises CatalogError if a file is damaged or has other
        columns, or if a writer keeps replacing files during the read.
        """
        return self._read(columns, condition, None)

    def read_at_most(self, columns: Sequence[str], condition: Condition, max_rows: int) -> pa.Table | None:
        """Return what `read` does, or None if the base has more than `max_rows` matches."""
        return self._read(columns, condition, max_rows)

    def is_empty(self) -> bool:
        """Whether the table has no rows."""
        return self._read_consistently(lambda files: not files or self._open_files(files).count_rows() == 0)

    def _read(self, columns: Sequence[str] | None, condition: Condition | None, max_rows: int | None) -> Any:
        names = list(self.schema.names if columns is None else columns)
        return self._read_consistently(lambda files: self._read_rows(files, names, condition, max_rows))

    def _read_consistently(self, read_files: Callable[[list[Part]], T]) -> T:
        """Return the result of `read_files` for files that were current together."""
        for _ in range(ATTEMPTS):
            files = self.files()
            try:
                found = read_files(files)
            except FileNotFoundError:
                continue  # merged and deleted since the listing
            except (pa.ArrowException, OSError) as error:
                if isinstance(self.folder, RemotePath) and files != self.files():
                    continue  # stores report in many ways that a file was deleted during a read
                raise self._damage_error(files, error) from error
            if _base_of(files) == _base_of(self.files()):  # otherwise a compaction may have changed the listing itself
                return found
        raise CatalogError(f"{self.folder} changes faster than it can be read; try again when the writer is done")

    def _damage_error(self, files: list[Part], error: Exception) -> CatalogError:
        """Return the error to raise for an Arrow error while reading `files`.

        Arrow does not name the file, so each is checked.
        """
        for part in files:
            try:
                parquet.check_file(part.path)
            except FileNotFoundError:
                continue
            except (pa.ArrowException, OSError, ValueError) as fault:
                return CatalogError(f"{part.path}: damaged: {parquet.describe_error(fault)}; {REMEDY}")
        return CatalogError(f"{self.folder} cannot be read: {parquet.describe_error(error)}; {REMEDY}")

    def _read_rows(
        self, files: list[Part], names: list[str], condition: Condition | None, max_rows: int | None
    ) -> pa.Table | None:
        base, needed = _base_of(files), list(dict.fromkeys((*names, *self.identity.columns)))
        update = self._update(files, [*needed, *(condition.columns.difference(needed) if condition else ())])
        if update is None:
            return self._read_base(base, names, condition, max_rows)
        older = self._read_base(base, needed, condition, max_rows)
        if older is None:
            return None
        newer = update.rows if condition is None else update.rows.filter(condition.arrow)
        return self.identity.sorted(pa.concat_tables([update.unreplaced(older), newer.select(needed)])).select(names)

    def _read_base(
        self, base: Part | None, names: list[str], condition: Condition | None, max_rows: int | None
    ) -> pa.Table | None:
        if base is None:
            return self.schema.empty_table().select(names)
        dataset = self._open_files([base])
        if condition is None:
            return self._read_all(dataset, names)
        (fragment,) = dataset.get_fragments()
        return scan(fragment, self.schema, names, condition, max_rows)

    def _update(self, files: list[Part], columns: list[str]) -> Update | None:
        """Return `columns` of the parts newer than the base, or None if there are none."""
        parts = [part for part in files if not part.is_base]
        return Update(self._read_all(self._open_files(parts), columns), self.identity) if parts else None

    def _read_all(self, dataset: ds.Dataset, columns: list[str]) -> pa.Table:
        """Return `columns` of all rows."""
        table = dataset.to_table(columns=columns)
        parquet.require_rows(len(table), dataset.count_rows())
        return table

    def _open_files(self, files: list[Part]) -> ds.Dataset:
        """Return `files` as one dataset, with footers and columns checked.

        Pages are checked when they are read.
        """
        for part in files:
            try:
                parquet.check_seal(part.path)
            except parquet.DamagedError as error:
                raise CatalogError(f"{part.path}: damaged: {error}; {REMEDY}") from None
        dataset = parquet.open_dataset([part.path for part in files], self.schema)
        fragments = list(dataset.get_fragments())
        for part, fragment in zip(files, fragments, strict=True):
            self._check_columns(part, fragment.physical_schema)
        return ds.FileSystemDataset(fragments, self.schema, dataset.format, dataset.filesystem)

    def _check_digest(self, part: Part) -> None:
        """Raise CatalogError if the content does not match the checksum in the name."""
        if part.digest and not digest_of(part.path).startswith(part.digest):
            raise CatalogError(f"{part.path}: damaged: its content does not match its name; {REMEDY}")

    def _check_columns(self, part: Part, found: pa.Schema) -> None:
        """Raise CatalogError if a column has a wrong type, or a key column is missing.

        Other columns that an older version lacks are null.
        """
        for field in self.schema:
            at = found.get_field_index(field.name)
            if at < 0 and field.name in self.identity.columns:
                raise CatalogError(f"{part.path}: column {field.name}: missing; {REMEDY}")
            kind = found.field(at).type if at >= 0 else pa.null()
            if kind != field.type and not pa.types.is_null(kind):
                raise CatalogError(f"{part.path}: column {field.name}: expected {field.type}, got {kind}; {REMEDY}")

    def faults(self) -> Iterator[str]:
        """Yield a line for each file that is foreign, damaged or unreadable."""
        found = list_part_files(self.folder)
        if foreign := foreign_files(self.folder, found):
            yield foreign_files_message(self.folder, foreign)
        for part in found:
            try:
                self._check_digest(part)
                for _ in self._open_files([part]).to_batches():
                    pass
            except FileNotFoundError:
                continue  # merged and deleted since the listing
            except (pa.ArrowException, OSError, ValueError) as error:
                yield f"{part.path}: damaged: {parquet.describe_error(error)}"
            except CatalogError as error:
                yield str(error)

    def merge(self, files: list[Part]) -> Iterator[pa.Table]:
        """Yield all current rows of `files`, sorted, in tables of limited size.

        Raises CatalogError if a file cannot be read.
        """
        try:
            base, update = _base_of(files), self._update(files, self.schema.names)
            older = (
                (
                    pa.Table.from_batches([batch])
                    for batch in self._open_files([base]).to_batches(batch_size=ROWS_A_GROUP)
                )
                if base
                else ()
            )
            yield from older if update is None else update.merge(older)
        except (pa.ArrowException, OSError) as error:
            raise self._damage_error(files, error) from error


def _base_of(files: list[Part]) -> Part | None:
    return files[0] if files and files[0].is_base else None


class PartsWriter:
    """The only writer of a `Parts` table, while its caller holds the lock.

    `check` verifies the lock before each write.
    """

    def __init__(self, parts: Parts, catalog: CatalogId, check: Callable[[], None]) -> None:
        """Prepare to write files with the id of `catalog`.

        Raises CatalogError if the folder has files of another catalog.
        """
        self._parts, self._id, self._check = parts, catalog.id, check
        files = list_part_files(parts.folder)
        if foreign := not_owned(catalog, parts.folder, files):
            raise CatalogError(foreign_files_message(parts.folder, foreign))
        self._number = files[-1].number if files else 0

    def append(self, table: pa.Table) -> None:
        """Add `table` as one file, durable on return."""
        self._write([table], "part")

    def compact(self) -> None:
        """Merge all files into one with each key once, and delete those it replaces."""
        files = self._parts.files()
        if files and not (len(files) == 1 and files[0].is_base):
            self.write_base(self._parts.merge(files))
        current = self._parts.files()
        replaced = [part for part in table_files(self._parts.folder) if part not in current]
        for part in replaced:
            self._check()
            part.path.unlink(missing_ok=True)
        if replaced:
            sync_folder(self._parts.folder)

    def write_base(self, tables: Iterable[pa.Table]) -> None:
        """Replace the whole table by `tables`, which are sorted with each key once."""
        self._write(tables, "base")

    def _write(self, tables: Iterable[pa.Table], kind: str) -> None:
        self._number += 1
        schema = self._parts.schema
        dictionary_columns = [name for name in schema.names if name not in self._parts.plain]

        def write(temporary: Path) -> str:
            parquet.write_groups(_regrouped(tables, schema), temporary, schema, dictionaries=dictionary_columns)
            self._check()
            return f"{kind}-{self._number:012d}-{self._id}-{digest_of(temporary)[:DIGEST_DIGITS]}.parquet"

        write_named(self._parts.folder, write, suffix=".parquet")


def _regrouped(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of `tables` in tables of ROWS_A_GROUP rows.

    The last table can be shorter.
    """
    pending = schema.empty_table()
    for table in tables:
        pending = pa.concat_tables([pending, table])
        whole = len(pending) - len(pending) % ROWS_A_GROUP
        for start in range(0, whole, ROWS_A_GROUP):
            yield pending.slice(start, ROWS_A_GROUP)
        pending = pending.slice(whole)
    if len(pending):
        yield pending
