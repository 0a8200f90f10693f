"""Parquet files of ours, written and read with a checksum for every page, so that a flipped bit is an error and not another value.

All Parquet that the product writes or reads goes through here. Footers have no such checksum: files are named by their hash, or stand
in a list of hashes (`catalog.sums`).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import pyarrow.dataset as ds

COMPRESSION = "zstd"


def write(table: pa.Table, where: Any, *, rows_a_group: int | None = None) -> None:
    """Write `table` to a path or a binary stream, in row groups of `rows_a_group` rows."""
    pq.write_table(table, where, compression=COMPRESSION, row_group_size=rows_a_group, write_page_checksum=True)


def write_groups(groups: Iterable[pa.Table], where: Any, schema: pa.Schema, *, dictionaries: Sequence[str]) -> None:
    """Write each table of `groups` as one row group; only the columns `dictionaries` are encoded by a dictionary."""
    with pq.ParquetWriter(
        where, schema, compression=COMPRESSION, use_dictionary=list(dictionaries), write_page_checksum=True
    ) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=max(1, len(group)))


def read(data: bytes, schema: pa.Schema | None = None, filters: Any = None) -> pa.Table:
    """Return the table in the bytes of a Parquet file. Raises pa.ArrowException or OSError where they are damaged.

    They are copied into memory of Arrow's own: what is Python's is let go of by Arrow's threads, and one that does so while Python
    ends makes the process abort ("terminate called without an active exception").
    """
    stream = pa.BufferOutputStream()
    stream.write(data)
    source: BinaryIO = pa.BufferReader(stream.getvalue())
    return pq.read_table(source, schema=schema, filters=filters, page_checksum_verification=True)


def file_format(*, is_local: bool) -> "ds.ParquetFileFormat":
    """Return the format under which datasets are opened; on this machine columns are not read before they are needed."""
    import pyarrow.dataset as ds  # which imports pandas, and takes half a second

    options = ds.ParquetFragmentScanOptions(pre_buffer=not is_local, page_checksum_verification=True)
    return ds.ParquetFileFormat(default_fragment_scan_options=options)
