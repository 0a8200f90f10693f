"""Determine which rows of an append-only table count: the newest row of each key.

In: rows in the order of writing, as Arrow tables. Out: the rows that count, sorted. Nothing is read
or written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

ROW = "__row"
NULL, BETWEEN = "\0", "\x1f"  # used in joined keys; neither occurs in a source, a digest or a URL


@dataclass(frozen=True, slots=True)
class RowIdentity:
    """What identifies a row: key columns, sort order, and a nullable key column.

    All are text columns. A row with null in the `placeholder` column counts only until a newer row
    has the same other keys.
    """

    key: tuple[str, ...]
    order: tuple[str, ...]
    placeholder: str | None = None

    @property
    def others(self) -> tuple[str, ...]:
        """The key columns without the placeholder."""
        return tuple(name for name in self.key if name != self.placeholder)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns needed to decide whether a row counts and where it sorts."""
        return tuple(dict.fromkeys((*self.key, *self.order)))

    def sorted(self, table: pa.Table) -> pa.Table:
        """Return `table` sorted by `order`, missing values last."""
        return table.take(pc.sort_indices(table, sort_keys=[(name, "ascending") for name in self.order]))

    def newest(self, table: pa.Table) -> pa.Table:
        """Return the rows that count, sorted by `order`.

        `table` must be in the order of writing.
        """
        rows = pa.array(range(len(table)), pa.int64())
        newest = table.append_column(ROW, rows).group_by(list(self.key)).aggregate([(ROW, "max")])[f"{ROW}_max"]
        if self.placeholder is not None:
            last = table.append_column(ROW, rows).group_by(list(self.others)).aggregate([(ROW, "max")])
            latest = last[f"{ROW}_max"].take(
                pc.index_in(_joined_keys(table.take(newest), self.others), _joined_keys(last, self.others))
            )
            is_superseded = pc.and_(pc.is_null(table[self.placeholder].take(newest)), pc.greater(latest, newest))
            newest = newest.filter(pc.invert(is_superseded))
        return self.sorted(table.take(newest)).combine_chunks()


class Update:
    """Rows that are newer than a sorted older table, and how they change it."""

    def __init__(self, rows: pa.Table, identity: RowIdentity) -> None:
        """Take `rows` in the order of writing."""
        self._identity = identity
        self.rows = identity.newest(rows)
        self._keys = _joined_keys(self.rows, identity.key)
        self._others = _joined_keys(self.rows, identity.others)

    def unreplaced(self, older: pa.Table) -> pa.Table:
        """Return the rows of `older` that no row of this update replaces.

        `older` must have each key once.
        """
        replaced = pc.is_in(_joined_keys(older, self._identity.key), self._keys)
        if self._identity.placeholder is not None:
            superseded = pc.is_in(_joined_keys(older, self._identity.others), self._others)
            replaced = pc.or_(replaced, pc.and_(pc.is_null(older[self._identity.placeholder]), superseded))
        return older.filter(pc.invert(replaced))

    def merge(self, older: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Yield the rows of sorted `older` tables merged with this update, sorted.

        The tables can be of any size.
        """
        start = 0
        for table in older:
            if not len(table):
                continue
            end = self._first_row_after(table.slice(len(table) - 1), start)
            kept = self.unreplaced(table)
            if end > start:
                kept = self._identity.sorted(pa.concat_tables([kept, self.rows.slice(start, end - start)]))
            start = end
            yield kept
        yield self.rows.slice(start)

    def _first_row_after(self, row: pa.Table, start: int) -> int:
        """Return the index of the first row of this update that sorts after `row`.

        The search begins at `start`. `row` is a table of one row.
        """
        low, high, wanted = start, len(self.rows), self._sort_key(row, 0)
        while low < high:
            middle = (low + high) // 2
            if self._sort_key(self.rows, middle) <= wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def _sort_key(self, table: pa.Table, row: int) -> tuple[Any, ...]:
        values = (table[name][row].as_py() for name in self._identity.order)
        return tuple((value is None, value or "") for value in values)


def _joined_keys(table: pa.Table, names: Iterable[str]) -> pa.Array:
    """Return the text columns `names` joined to one text per row."""
    columns = [pc.coalesce(table[name], pa.scalar(NULL)) for name in names]
    joined = pc.binary_join_element_wise(*columns, BETWEEN)
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
