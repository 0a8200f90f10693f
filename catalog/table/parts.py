"""A folder of immutable Parquet files that together are one table: rows are only ever added, the newest row of a key wins.

A writer adds `part-<number>-<catalog>-<checksum>.parquet` files and now and then merges everything into one `base-…`, which replaces
whatever has a smaller number, whether or not that is deleted yet. So a crash at any byte neither loses a row nor shows one twice, and
a reader needs no lock; no file changes once it has its name, so it is as true below a URL. The id of the catalog in a name tells files
of another catalog that were copied in, the checksum what is damaged. What the columns mean is not known here. The base may be larger
than memory: it is read and merged row group by row group.
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
from catalog.table.part_files import Part, files_of, listed, not_of, others, refusal
from catalog.table.scan import scan
from catalog.table.upsert import Identity, Update

ATTEMPTS = 50  # how often a reader starts again when a compaction took the files from under it
ROWS_A_GROUP = 16_384
"""Rows of a Parquet row group, the unit that a filtered scan can skip. Measured at 10 million rows: see benchmarks/queries.py."""

Found = TypeVar("Found")
DIGITS = 16  # of a SHA-256 in a name
REMEDY = "put that file back from a copy, or move it away"


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of one table: its folder, its Arrow schema, and what makes its rows the same. `plain` are columns of which hardly a
    value comes twice, and which a dictionary would only make larger.
    """

    folder: AnyPath
    schema: pa.Schema
    identity: Identity
    plain: tuple[str, ...] = ()

    def files(self) -> list[Part]:
        """Return the files that count: the newest base, if there is one, and the parts written after it, oldest first."""
        found = files_of(self.folder)
        start = max((i for i, part in enumerate(found) if part.is_base), default=0)
        return found[start:]

    def read(self, columns: Sequence[str] | None = None, condition: Condition | None = None) -> pa.Table:
        """Return the newest row of each key where `condition` holds, sorted, all columns or only `columns`.

        Raises CatalogError where a file is no Parquet of ours, or where compactions never stop taking files away.
        """
        return self._read(columns, condition, None)

    def read_few(self, columns: Sequence[str], condition: Condition, most: int) -> pa.Table | None:
        """Return what `read` does, or None where the base has more than `most` rows to give."""
        return self._read(columns, condition, most)

    def is_empty(self) -> bool:
        """Whether the table has no row at all."""
        return self._steadily(lambda files: not files or self._open(files).count_rows() == 0)

    def _read(self, columns: Sequence[str] | None, condition: Condition | None, most: int | None) -> Any:
        names = list(self.schema.names if columns is None else columns)
        return self._steadily(lambda files: self._rows(files, names, condition, most))

    def _steadily(self, look: Callable[[list[Part]], Found]) -> Found:
        """Return what `look` makes of the files that count, all of one moment."""
        for _ in range(ATTEMPTS):
            files = self.files()
            try:
                found = look(files)
            except FileNotFoundError:
                continue  # merged and deleted since it was listed
            except (pa.ArrowException, OSError) as error:
                if isinstance(self.folder, RemotePath) and files != self.files():
                    continue  # a store says in many ways that a file was deleted while it was read
                raise self._named(files, error) from error
            if _base(files) == _base(self.files()):  # else a compaction may have torn the listing itself
                return found
        raise CatalogError(f"{self.folder} is rewritten faster than it can be read; try again when the writer is done")

    def _named(self, files: list[Part], error: Exception) -> CatalogError:
        """Return the error to raise for one that Arrow met in reading `files`, which does not say in which one it was."""
        for part in files:
            try:
                parquet.check_whole(part.path)
            except FileNotFoundError:
                continue
            except (pa.ArrowException, OSError, ValueError) as fault:
                return CatalogError(f"{part.path}: damaged: {parquet.what(fault)}; {REMEDY}")
        return CatalogError(f"{self.folder} cannot be read: {parquet.what(error)}; {REMEDY}")

    def _rows(
        self, files: list[Part], names: list[str], condition: Condition | None, most: int | None
    ) -> pa.Table | None:
        base, known = _base(files), list(dict.fromkeys((*names, *self.identity.columns)))
        update = self._update(files, [*known, *(condition.columns.difference(known) if condition else ())])
        if update is None:
            return self._base_rows(base, names, condition, most)
        older = self._base_rows(base, known, condition, most)
        if older is None:
            return None
        newer = update.rows if condition is None else update.rows.filter(condition.arrow)
        return self.identity.sorted(pa.concat_tables([update.standing(older), newer.select(known)])).select(names)

    def _base_rows(
        self, base: Part | None, names: list[str], condition: Condition | None, most: int | None
    ) -> pa.Table | None:
        if base is None:
            return self.schema.empty_table().select(names)
        opened = self._open([base])
        if condition is None:
            return self._whole(opened, names)
        (fragment,) = opened.get_fragments()
        return scan(fragment, self.schema, names, condition, most)

    def _update(self, files: list[Part], columns: list[str]) -> Update | None:
        """Return these columns of what the parts say that were written after the base, None where there are none."""
        parts = [part for part in files if not part.is_base]
        return Update(self._whole(self._open(parts), columns), self.identity) if parts else None

    def _whole(self, opened: ds.Dataset, columns: list[str]) -> pa.Table:
        """Return these columns of all rows."""
        table = opened.to_table(columns=columns)
        parquet.require_rows(len(table), opened.count_rows())
        return table

    def _open(self, files: list[Part]) -> ds.Dataset:
        """Return `files` as one table, with their footers and columns checked; their pages are checked as they are read."""
        for part in files:
            try:
                parquet.check_seal(part.path)
            except parquet.DamagedError as error:
                raise CatalogError(f"{part.path}: damaged: {error}; {REMEDY}") from None
        opened = parquet.opened([part.path for part in files], self.schema)
        fragments = list(opened.get_fragments())
        for part, fragment in zip(files, fragments, strict=True):
            self._check_columns(part, fragment.physical_schema)
        return ds.FileSystemDataset(fragments, self.schema, opened.format, opened.filesystem)

    def _check_whole(self, part: Part) -> None:
        """Raise CatalogError where the content is not that of the name."""
        if part.digest and not digest_of(part.path).startswith(part.digest):
            raise CatalogError(f"{part.path}: damaged: its content is not that of its name; {REMEDY}")

    def _check_columns(self, part: Part, found: pa.Schema) -> None:
        """Raise CatalogError where a column has another type than that of the table, or one that tells rows apart is missing.

        Any other one that an older version lacks is null.
        """
        for field in self.schema:
            at = found.get_field_index(field.name)
            if at < 0 and field.name in self.identity.columns:
                raise CatalogError(f"{part.path}: column {field.name}: missing; {REMEDY}")
            kind = found.field(at).type if at >= 0 else pa.null()
            if kind != field.type and not pa.types.is_null(kind):
                raise CatalogError(f"{part.path}: column {field.name}: expected {field.type}, got {kind}; {REMEDY}")

    def faults(self) -> Iterator[str]:
        """Yield a line about each file that is of another catalog, damaged, or cannot be read whole."""
        found = listed(self.folder)
        if foreign := others(self.folder, found):
            yield refusal(self.folder, foreign)
        for part in found:
            try:
                self._check_whole(part)
                for _ in self._open([part]).to_batches():
                    pass
            except FileNotFoundError:
                continue  # merged and deleted since it was listed
            except (pa.ArrowException, OSError, ValueError) as error:
                yield f"{part.path}: damaged: {parquet.what(error)}"
            except CatalogError as error:
                yield str(error)

    def merged(self, files: list[Part]) -> Iterator[pa.Table]:
        """Yield all rows that count of `files`, sorted, some at a time. Raises CatalogError where one cannot be read."""
        try:
            base, update = _base(files), self._update(files, self.schema.names)
            older = (
                (pa.Table.from_batches([batch]) for batch in self._open([base]).to_batches(batch_size=ROWS_A_GROUP))
                if base
                else ()
            )
            yield from older if update is None else update.merged(older)
        except (pa.ArrowException, OSError) as error:
            raise self._named(files, error) from error


def _base(files: list[Part]) -> Part | None:
    return files[0] if files and files[0].is_base else None


class PartsWriter:
    """The one writer of a `Parts` table, for as long as its caller holds the lock, which `check` sees to before each write."""

    def __init__(self, parts: Parts, catalog: CatalogId, check: Callable[[], None]) -> None:
        """Take the identity of the catalog, under which files are written. Raises CatalogError where others' files lie in the folder."""
        self._parts, self._id, self._check = parts, catalog.id, check
        files = listed(parts.folder)
        if foreign := not_of(catalog, parts.folder, files):
            raise CatalogError(refusal(parts.folder, foreign))
        self._number = files[-1].number if files else 0

    def append(self, table: pa.Table) -> None:
        """Add `table` as one file, durable on return."""
        self._write([table], "part")

    def compact(self) -> None:
        """Merge all files into one that holds each key once, then delete what it replaces."""
        files = self._parts.files()
        if files and not (len(files) == 1 and files[0].is_base):
            self.write_base(self._parts.merged(files))
        current = self._parts.files()
        replaced = [part for part in files_of(self._parts.folder) if part not in current]
        for part in replaced:
            self._check()
            part.path.unlink(missing_ok=True)
        if replaced:
            sync_folder(self._parts.folder)

    def write_base(self, tables: Iterable[pa.Table]) -> None:
        """Let the rows of `tables`, sorted and each key once, be the whole table from now on."""
        self._write(tables, "base")

    def _write(self, tables: Iterable[pa.Table], kind: str) -> None:
        self._number += 1
        schema = self._parts.schema
        low = [name for name in schema.names if name not in self._parts.plain]

        def write(temporary: Path) -> str:
            parquet.write_groups(_regrouped(tables, schema), temporary, schema, dictionaries=low)
            self._check()
            return f"{kind}-{self._number:012d}-{self._id}-{digest_of(temporary)[:DIGITS]}.parquet"

        write_named(self._parts.folder, write, suffix=".parquet")


def _regrouped(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of `tables` in tables of ROWS_A_GROUP rows each, the last one shorter."""
    waiting = schema.empty_table()
    for table in tables:
        waiting = pa.concat_tables([waiting, table])
        whole = len(waiting) - len(waiting) % ROWS_A_GROUP
        for start in range(0, whole, ROWS_A_GROUP):
            yield waiting.slice(start, ROWS_A_GROUP)
        waiting = waiting.slice(whole)
    if len(waiting):
        yield waiting
