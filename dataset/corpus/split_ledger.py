"""Persistent split assignments: one file per seed under splits/.

They keep a piece in the same split in every corpus, also when the catalog grows. Callers must hold the lock on the
corpora. Deleting a file starts that seed's splits afresh.
"""

import io
from collections.abc import Mapping

import pyarrow as pa

from catalog.base.errors import CorpusError
from catalog.blobs import SHA256
from catalog.storage import checksums as sums
from catalog.storage.reading import read_bytes
from catalog.storage.remote import AnyPath
from catalog.table import parquet
from dataset.corpus.schema import SPLITS, Split

REMEDY = "restore it from a copy, or delete it to split afresh"
MAX_BYTES = 1 << 32
LEDGER = pa.schema(
    [
        pa.field("sha256", pa.string(), metadata={"description": "SHA-256 of the MIDI file, hexadecimal"}),
        pa.field("split", pa.string(), metadata={"description": "train, validation or test, for good"}),
    ]
)


def ledger_path(root: AnyPath, seed: int) -> AnyPath:
    """Return the path of the assignments of a seed."""
    return root / "splits" / f"seed-{seed}.parquet"


def read_splits(root: AnyPath, seed: int) -> dict[str, Split]:
    """Return {sha256: split} of all pieces that were ever split with this seed.

    Raises CorpusError if the file is damaged.
    """
    path = ledger_path(root, seed)
    try:
        data = read_bytes(path, fail=CorpusError, remedy=REMEDY, largest=MAX_BYTES)
    except FileNotFoundError:
        return {}
    sums.check(path.parent, path.name, data, fail=CorpusError, remedy=REMEDY)
    try:
        table = parquet.read(data)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{path} cannot be read ({error}); {REMEDY}") from error
    for field in LEDGER:
        kind = table.schema.field(field.name).type if field.name in table.column_names else "missing"
        if kind != field.type:
            raise CorpusError(f"{path}: column {field.name}: expected {field.type}, got {kind}; {REMEDY}")
    splits = dict(zip(table["sha256"].to_pylist(), table["split"].to_pylist(), strict=True))
    if len(splits) < len(table):
        raise CorpusError(f"{path}: column sha256: a piece is listed twice; {REMEDY}")
    for sha256, split in splits.items():
        if sha256 is None or not SHA256.fullmatch(sha256):
            raise CorpusError(f"{path}: column sha256: {sha256!r} is not a SHA-256; {REMEDY}")
        if split not in SPLITS:
            raise CorpusError(f"{path}: column split: {split!r} is not one of {', '.join(SPLITS)}; {REMEDY}")
    return splits


def write_splits(root: AnyPath, seed: int, splits: Mapping[str, Split]) -> None:
    """Write the assignments; they are durable on return."""
    names = sorted(splits)
    table = pa.table({"sha256": names, "split": [splits[name] for name in names]}, LEDGER)
    buffer = io.BytesIO()
    parquet.write(table, buffer)
    path = ledger_path(root, seed)
    sums.write_listed(path.parent, path.name, buffer.getvalue(), fail=CorpusError)
