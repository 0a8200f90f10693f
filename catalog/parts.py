"""A folder of immutable Parquet files that together are one table: rows are only ever added, the newest row of a key wins.

A writer adds `part-<number>.parquet` files and now and then merges everything into one `base-<number>.parquet`, which
replaces whatever has a smaller number, whether or not that is deleted yet. So a crash at any byte neither loses a row
nor shows one twice, and a reader needs no lock; nothing is ever renamed, so it is as true below a URL. What the columns
mean is not known here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from catalog.errors import CatalogError
from catalog.files import replacing, sync_folder
from catalog.remote import AnyPath, RemotePath

ATTEMPTS = 50  # how often a reader starts again when a compaction took the files from under it
ROWS_A_GROUP = 65_536  # rows of a Parquet row group: the unit that a filtered scan can skip
NAME = re.compile(r"(part|base)-([0-9]{12})\.parquet")
ROW = "__row"


class Part(NamedTuple):
    """One file of the table; files sort in the order of writing."""

    number: int
    is_base: bool
    path: AnyPath


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of one table: its folder, its Arrow schema, its key columns, and the columns its rows are sorted by.

    `placeholder` names a key column that may be null; such a row only stands until a newer row has the same other keys.
    """

    folder: AnyPath
    schema: pa.Schema
    key: tuple[str, ...]
    order: tuple[str, ...]
    placeholder: str | None = None

    def files(self) -> list[Part]:
        """Return the files that count: the newest base, if there is one, and the parts written after it, oldest first."""
        found = self.all_files()
        start = max((i for i, part in enumerate(found) if part.is_base), default=0)
        return found[start:]

    def is_compact(self) -> bool:
        """Whether the table is one file that holds each key once."""
        files = self.files()
        return len(files) == 1 and files[0].is_base

    def read(self, columns: Sequence[str] | None = None, condition: pc.Expression | None = None) -> pa.Table:
        """Return the newest row of each key where `condition` holds, sorted, all columns or only `columns`.

        One compact file is filtered while it is scanned; several are first reduced to the newest rows. Raises
        CatalogError where a file is no Parquet of ours, or where compactions never stop taking files away.
        """
        names = list(self.schema.names if columns is None else columns)
        for _ in range(ATTEMPTS):
            files = self.files()
            try:
                table = self._read(files, names, condition)
            except FileNotFoundError:
                continue  # merged and deleted since it was listed
            except (pa.ArrowInvalid, OSError) as error:
                if isinstance(self.folder, RemotePath) and files != self.files():
                    continue  # a store says in many ways that a file was deleted while it was read
                raise CatalogError(f"{self.folder} cannot be read: {error}") from error
            if _base(files) == _base(self.files()):  # else a compaction may have torn the listing itself
                return table
        raise CatalogError(f"{self.folder} is rewritten faster than it can be read; try again when the writer is done")

    def all_files(self) -> list[Part]:
        """Return every file of the table, those that a newer base has replaced among them, oldest first."""
        try:
            names = [entry.name for entry in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        matches = (NAME.fullmatch(name) for name in names)
        return sorted(Part(int(m[2]), m[1] == "base", self.folder / m[0]) for m in matches if m)

    def _read(self, files: list[Part], names: list[str], condition: pc.Expression | None) -> pa.Table:
        if len(files) == 1 and files[0].is_base:
            return self._open(files).to_table(columns=names, filter=condition)
        newest = self.newest(files)
        return (newest if condition is None else newest.filter(condition)).select(names)

    def _open(self, files: list[Part]) -> ds.Dataset:
        if isinstance(self.folder, RemotePath):
            keys = [self.folder.key + f"/{part.path.name}" for part in files]
            return ds.dataset(keys, schema=self.schema, format="parquet", filesystem=self.folder.filesystem)
        return ds.dataset([str(part.path) for part in files], schema=self.schema, format="parquet")

    def newest(self, files: list[Part]) -> pa.Table:
        """Return the newest row of each key in `files`, sorted by `order`."""
        base = self._open(files[:1]).to_table() if _base(files) else self.schema.empty_table()
        parts = files[1:] if _base(files) else files
        table = pa.concat_tables([base, self._open(parts).to_table()]) if parts else base
        rows = pa.array(range(len(table)), pa.int64())
        newest = table.append_column(ROW, rows).group_by(list(self.key)).aggregate([(ROW, "max")])[f"{ROW}_max"]
        if self.placeholder is not None:
            newest = self._without_answered_placeholders(table, newest, self.placeholder, len(base))
        table = table.take(newest)
        keys = [(name, "ascending") for name in self.order]
        return table.take(pc.sort_indices(table, sort_keys=keys)).combine_chunks()

    def _without_answered_placeholders(
        self, table: pa.Table, newest: pa.ChunkedArray, column: str, base_rows: int
    ) -> pa.ChunkedArray:
        """Drop from the row numbers `newest` the placeholders that a newer row answers. Rows of a base are of one age."""
        is_placeholder = pc.is_null(table[column].take(newest))
        held = newest.filter(is_placeholder)
        if len(held) == 0:
            return newest
        others = [name for name in self.key if name != column]
        rows = pa.array(range(len(table)), pa.int64())
        later = table.select(others).append_column(ROW, rows).slice(base_rows)
        grouped = later.group_by(others).aggregate([(ROW, "max")]).to_pylist()
        answered_by = {tuple(group[name] for name in others): group[f"{ROW}_max"] for group in grouped}
        placeholders = zip(held.to_pylist(), table.select(others).take(held).to_pylist(), strict=True)
        answered = [row for row, keys in placeholders if answered_by.get(tuple(keys.values()), -1) > row]
        return newest.filter(pc.invert(pc.is_in(newest, pa.array(answered, pa.int64()))))


def _base(files: list[Part]) -> Part | None:
    return files[0] if files and files[0].is_base else None


class PartsWriter:
    """The one writer of a `Parts` table, for as long as its caller holds the lock, which `check` sees to before each write."""

    def __init__(self, parts: Parts, check: Callable[[], None]) -> None:
        self._parts = parts
        self._check = check
        files = parts.all_files()
        self._number = files[-1].number if files else 0

    def append(self, table: pa.Table) -> None:
        """Add `table` as one file, durable on return."""
        self._write(table, "part")

    def compact(self) -> None:
        """Merge all files into one that holds each key once, then delete what it replaces."""
        files = self._parts.files()
        if files and not (len(files) == 1 and files[0].is_base):
            self._write(self._parts.newest(files), "base")
        current = self._parts.files()
        replaced = [part for part in self._parts.all_files() if part not in current]
        for part in replaced:
            self._check()
            part.path.unlink(missing_ok=True)
        if replaced:
            sync_folder(self._parts.folder)

    def _write(self, table: pa.Table, kind: str) -> None:
        self._number += 1
        with replacing(self._parts.folder / f"{kind}-{self._number:012d}.parquet") as temporary:
            pq.write_table(table, temporary, compression="zstd", row_group_size=ROWS_A_GROUP)
            self._check()
