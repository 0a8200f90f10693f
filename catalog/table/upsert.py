"""Which rows of a table count that only ever grows: the newest row of each key, and what a new row does to the rows before it.

In: rows in the order of writing, as Arrow tables; out: those that count, sorted. Nothing is read or written here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

ROW = "__row"
NULL, BETWEEN = "\0", "\x1f"  # in keys as one text; neither stands in a source, a digest or the address of a file


@dataclass(frozen=True, slots=True)
class RowIdentity:
    """What makes two rows the same: key columns, texts; the order in which rows are kept; and the key column that may be null.

    A row with a null there, a placeholder, only stands until a newer row has the same other keys.
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
        """The columns that must be known of a row to tell whether it counts and where it stands."""
        return tuple(dict.fromkeys((*self.key, *self.order)))

    def sorted(self, table: pa.Table) -> pa.Table:
        """Return `table` sorted by `order`, missing values last."""
        return table.take(pc.sort_indices(table, sort_keys=[(name, "ascending") for name in self.order]))

    def newest(self, table: pa.Table) -> pa.Table:
        """Return the rows of `table`, which is in the order of writing, that count, sorted by `order`."""
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
    """Rows newer than all of an older table: what of that still counts, and where each belongs between its rows."""

    def __init__(self, rows: pa.Table, identity: RowIdentity) -> None:
        """Take `rows` as they came, in the order of writing."""
        self._identity = identity
        self.rows = identity.newest(rows)
        self._keys = _joined_keys(self.rows, identity.key)
        self._others = _joined_keys(self.rows, identity.others)

    def unreplaced(self, older: pa.Table) -> pa.Table:
        """Return the rows of `older`, each key once, that no row of this update replaces or answers."""
        replaced = pc.is_in(_joined_keys(older, self._identity.key), self._keys)
        if self._identity.placeholder is not None:
            superseded = pc.is_in(_joined_keys(older, self._identity.others), self._others)
            replaced = pc.or_(replaced, pc.and_(pc.is_null(older[self._identity.placeholder]), superseded))
        return older.filter(pc.invert(replaced))

    def merge(self, older: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Yield the rows of `older`, sorted and in tables of any size, with those of this update among them, sorted."""
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
        """Return the number of the first of our rows from `start` on that sorts after `row`, a table of one."""
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
    """Return the values of the text columns `names` as one text a row."""
    columns = [pc.coalesce(table[name], pa.scalar(NULL)) for name in names]
    joined = pc.binary_join_element_wise(*columns, BETWEEN)
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
