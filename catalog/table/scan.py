"""Filtered read of one sorted Parquet file.

In: a file as an Arrow fragment, the requested columns and a condition. Out: a table. The columns of
the condition are read first, the others only for row groups with matches. Row groups that cannot
match by their statistics are skipped. The rest is read in batches, so memory use is that of the
result and a few row groups.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

from catalog.query.compiler import Condition
from catalog.table.parquet import require_rows

Mask = NDArray[np.bool_]
MATCH = "__hit"
SCAN_OPTIONS = {
    "batch_size": 16_384,
    "batch_readahead": 4,
    "fragment_readahead": 1,
}  # more is not faster, and uses more memory


def scan(
    fragment: ds.Fragment, schema: pa.Schema, names: Sequence[str], condition: Condition, max_rows: int | None = None
) -> pa.Table | None:
    """Return the rows of `fragment` that match `condition`, in their order.

    `names` are the columns of the result, from `schema`. A null condition does not match. If there
    are more than `max_rows` matches, returns None before it reads the remaining columns.
    """
    candidates = fragment.subset(condition.arrow, schema=schema)
    first = [name for name in names if name in condition.columns]
    columns = {name: pc.field(name) for name in first} | {MATCH: pc.coalesce(condition.arrow, pc.scalar(False))}
    masks, kept, count = [np.zeros(0, np.bool_)], [], 0
    for batch in candidates.scanner(columns=columns, schema=schema, **SCAN_OPTIONS).to_batches():
        mask = batch.column(MATCH)
        masks.append(mask.to_numpy(zero_copy_only=False))
        hits = int(masks[-1].sum())
        count += hits
        if max_rows is not None and count > max_rows:
            return None
        if hits and first:
            kept.append(batch.select(first).filter(mask))
    require_rows(sum(map(len, masks)), sum(group.num_rows for group in candidates.row_groups))
    found = pa.Table.from_batches(kept, _subschema(schema, first))
    remaining = [name for name in names if name not in condition.columns]
    if remaining:
        rest = _read_remaining(fragment, candidates.row_groups, schema, remaining, np.concatenate(masks))
        for name in first:
            rest = rest.append_column(schema.field(name), found[name])
        found = rest
    return found.select(list(names))


def _read_remaining(
    fragment: ds.Fragment, groups: Sequence[Any], schema: pa.Schema, names: list[str], mask: Mask
) -> pa.Table:
    """Return columns `names` of the rows of `groups` selected by `mask`.

    Row groups without a selected row are not read.
    """
    chosen, masks, start = [], [np.zeros(0, np.bool_)], 0
    for group in groups:
        of_group = mask[start : start + group.num_rows]
        start += group.num_rows
        if of_group.any():
            chosen.append(group.id)
            masks.append(of_group)
    if not chosen:
        return _subschema(schema, names).empty_table()
    batches = _filtered_batches(
        fragment.subset(row_group_ids=chosen, schema=schema), schema, names, np.concatenate(masks)
    )
    return pa.Table.from_batches(batches, _subschema(schema, names))


def _filtered_batches(
    fragment: ds.Fragment, schema: pa.Schema, names: list[str], mask: Mask
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `fragment` selected by `mask`, one batch at a time."""
    start = 0
    for batch in fragment.scanner(columns=names, schema=schema, **SCAN_OPTIONS).to_batches():
        kept = mask[start : start + len(batch)]
        start += len(batch)
        if kept.any():
            yield batch.filter(pa.array(kept))
    require_rows(start, len(mask))


def _subschema(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    return pa.schema([schema.field(name) for name in names])
