"""A filtered read of one Parquet file that is sorted: the condition's own columns first, then of the others only where rows matched.

In: a file as an Arrow fragment, the columns wanted and a condition; out: a table. Row groups that cannot match by their statistics are
not read at all; the others are read in batches, so memory is that of the result and of a few row groups.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

HIT = "hit"


def scan(
    fragment: ds.Fragment, schema: pa.Schema, names: Sequence[str], condition: pc.Expression, most: int | None = None
) -> pa.Table | None:
    """Return the rows of `fragment` where `condition` holds (null counts as not), in their order, with the columns `names` of `schema`.

    With `most`, None where there are more, without reading them.
    """
    sound = pc.coalesce(condition, pc.scalar(False))
    likely = fragment.subset(condition, schema=schema)
    found = likely.scanner(columns={HIT: sound}, schema=schema).to_table()[HIT].to_numpy()
    if most is not None and int(found.sum()) > most:
        return None
    groups, masks = [], [np.zeros(0, np.bool_)]
    start = 0
    for group in likely.row_groups:
        mask = found[start : start + group.num_rows]
        start += group.num_rows
        if mask.any():
            groups.append(group.id)
            masks.append(mask)
    wanted = pa.schema([schema.field(name) for name in names])
    if not groups:
        return wanted.empty_table()
    chosen = fragment.subset(row_group_ids=groups, schema=schema)
    return pa.Table.from_batches(_kept(chosen, schema, names, np.concatenate(masks)), wanted)


def _kept(
    fragment: ds.Fragment, schema: pa.Schema, names: Sequence[str], mask: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `fragment` for which `mask` holds, a batch at a time."""
    start = 0
    for batch in fragment.scanner(columns=list(names), schema=schema).to_batches():
        kept = mask[start : start + len(batch)]
        start += len(batch)
        if kept.any():
            yield batch.filter(pa.array(kept))
