"""The book of sides: which part every piece went to when a corpus first held it, one file a seed under splits/.

Without it a piece could be learned from in one corpus and tested on in another, and change sides when the catalog grows.
Only for whoever holds the lock on the corpora. Deleting a file starts that seed's splits afresh.
"""

import io
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.errors import CorpusError
from catalog.files import write_bytes
from catalog.remote import AnyPath
from dataset.corpus import Split
from dataset.tables import read_parquet

LEDGER = pa.schema(
    [
        pa.field("sha256", pa.string(), metadata={"description": "SHA-256 of the MIDI file, hexadecimal"}),
        pa.field("split", pa.string(), metadata={"description": "train, validation or test, for good"}),
    ]
)


def ledger_path(root: AnyPath, seed: int) -> AnyPath:
    """Return where the sides that a seed gave are kept."""
    return root / "splits" / f"seed-{seed}.parquet"


def read_sides(root: AnyPath, seed: int) -> dict[str, Split]:
    """Return {sha256: side} of all that was ever split with this seed. Raises CorpusError where the file is damaged."""
    path = ledger_path(root, seed)
    if not path.exists():
        return {}
    try:
        table = read_parquet(path.read_bytes(), schema=LEDGER)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{path} cannot be read ({error}); bring it back, or delete it to split afresh") from error
    return dict(zip(table["sha256"].to_pylist(), table["split"].to_pylist(), strict=True))


def write_sides(root: AnyPath, seed: int, sides: Mapping[str, Split]) -> None:
    """Keep `sides`; durable on return."""
    names = sorted(sides)
    table = pa.table({"sha256": names, "split": [sides[name] for name in names]}, LEDGER)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_bytes(ledger_path(root, seed), buffer.getvalue())
