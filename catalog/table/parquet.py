"""Parquet files with checksums of every page and of the footer.

A flipped bit is an error, not another value. All Parquet files are read and written by this module.
Pages have the CRC-32 of the Parquet format. The format has no checksum of the footer (schema,
column offsets, statistics), so a seal is written before it: SEAL and the SHA-256 of all bytes from
the footer on. Other Parquet readers ignore these bytes. Files without a seal, from older versions
or other programs, are read too.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.storage.remote import AnyPath, RemotePath

if TYPE_CHECKING:
    import pyarrow.dataset as ds

COMPRESSION = "zstd"
SEAL = b"vgp-seal"
SEAL_BYTES = len(SEAL) + hashlib.sha256().digest_size  # length of a seal in bytes
MAGIC = b"PAR1"
TRAILER_BYTES = 4 + len(MAGIC)  # length of what follows a footer: its size and the magic
TAIL_READ_BYTES = 1 << 16  # bytes first read from the end of a file, enough for most footers


class DamagedError(OSError):
    """Bytes that are not those of the Parquet file that was written."""


def write(table: pa.Table, where: Any, *, rows_a_group: int | None = None) -> None:
    """Write `table` to a path or binary stream, `rows_a_group` rows per row group."""
    pq.write_table(table, where, compression=COMPRESSION, row_group_size=rows_a_group, write_page_checksum=True)
    _seal(where)


def write_groups(groups: Iterable[pa.Table], where: Any, schema: pa.Schema, *, dictionaries: Sequence[str]) -> None:
    """Write each table of `groups` as one row group.

    Only the columns `dictionaries` are dictionary-encoded.
    """
    with pq.ParquetWriter(
        where, schema, compression=COMPRESSION, use_dictionary=list(dictionaries), write_page_checksum=True
    ) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=max(1, len(group)))
    _seal(where)


def read(data: bytes, schema: pa.Schema | None = None, filters: Any = None) -> pa.Table:
    """Return the table in the bytes of a Parquet file.

    Raises pa.ArrowException or OSError if they are damaged. The bytes are copied to memory that
    Arrow owns. Arrow's threads may release memory that Python owns while Python exits, which aborts
    the process ("terminate called without an active exception").
    """
    _check_seal(io.BytesIO(data))
    stream = pa.BufferOutputStream()
    stream.write(data)
    source: BinaryIO = pa.BufferReader(stream.getvalue())
    return pq.read_table(source, schema=schema, filters=filters, page_checksum_verification=True)


def schema_of(path: Path) -> pa.Schema:
    """Return the schema of a local file, whose footer alone is read.

    Raises pa.ArrowException or OSError if it is damaged.
    """
    check_seal(path)
    return pq.ParquetFile(path, page_checksum_verification=True).schema_arrow


def open_dataset(paths: Sequence[AnyPath], schema: pa.Schema) -> "ds.Dataset":
    """Return the files at `paths`, all on one file system, as one dataset.

    Columns of local files are read only when needed.
    """
    import pyarrow.dataset as ds  # slow: imports pandas

    local = [str(path) for path in paths if isinstance(path, Path)]
    remote = [path for path in paths if isinstance(path, RemotePath)]
    options = ds.ParquetFragmentScanOptions(pre_buffer=bool(remote), page_checksum_verification=True)
    form = ds.ParquetFileFormat(default_fragment_scan_options=options)
    where = {"filesystem": remote[0].filesystem} if remote else {}
    return ds.dataset(local or [path.key for path in remote], schema=schema, format=form, **where)


def check_seal(path: AnyPath) -> None:
    """Check the footer of the Parquet file at `path` against its seal.

    Raises DamagedError if they differ, and FileNotFoundError if there is no file.
    """
    if isinstance(path, RemotePath):
        with path.filesystem.open_input_file(path.key) as file:
            _check_seal(file)
    else:
        with path.open("rb", buffering=0) as file:
            _check_seal(file)


def check_file(path: AnyPath) -> None:
    """Read every page of the Parquet file at `path`.

    Raises pa.ArrowException or OSError if it is damaged, and FileNotFoundError if there is no file.
    """
    check_seal(path)
    where = path.filesystem.open_input_file(path.key) if isinstance(path, RemotePath) else str(path)
    with pq.ParquetFile(where, page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            table.validate()
            require_rows(len(table), file.metadata.row_group(group).num_rows)


def require_rows(found: int, expected: int) -> None:
    """Raise DamagedError if the number of rows read differs from the footer.

    Arrow reads no rows from a page with a damaged type.
    """
    if found != expected:
        raise DamagedError(f"{found:,} rows, but its footer says {expected:,}")


def describe_error(error: Exception) -> str:
    """Return as one line what Arrow reports about a file."""
    message = str(error).partition("\n")[0].rstrip(".")
    return "a page does not match its checksum" if "CRC checksum verification failed" in message else message


def _check_seal(file: Any) -> None:
    """Raise DamagedError if the open `file` is cut short or its seal is broken."""
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(max(0, size - TAIL_READ_BYTES))
    end = file.read(TAIL_READ_BYTES)
    if len(end) < TRAILER_BYTES or not end.endswith(MAGIC):
        raise DamagedError("empty" if not size else f"cut short, or not Parquet ({size:,} bytes)")
    length = int.from_bytes(end[-TRAILER_BYTES : -len(MAGIC)], "little") + TRAILER_BYTES
    if length > size:
        raise DamagedError("its footer is longer than the file")
    if length + SEAL_BYTES > len(end):
        file.seek(max(0, size - length - SEAL_BYTES))
        end = file.read(length + SEAL_BYTES)
    seal = end[:-length][-SEAL_BYTES:]
    if seal.startswith(SEAL) and hashlib.sha256(end[-length:]).digest() != seal[len(SEAL) :]:
        raise DamagedError("its footer does not match its checksum")


def _seal(where: Any) -> None:
    """Insert the seal before the footer of a complete Parquet file.

    `where` is a path or a stream.
    """
    if isinstance(where, (str, os.PathLike)):
        with Path(where).open("rb+") as open_dataset:
            _seal(open_dataset)
        return
    where.seek(-TRAILER_BYTES, os.SEEK_END)
    length = int.from_bytes(where.read(4), "little") + TRAILER_BYTES
    where.seek(-length, os.SEEK_END)
    footer = where.read(length)
    where.seek(-length, os.SEEK_END)
    where.write(SEAL + hashlib.sha256(footer).digest() + footer)
