"""Export a corpus as JSON lines: one object per piece, one file per split.

The fields are those of the notes and the measures.
"""

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from catalog.base.console import Report
from catalog.storage.files import write_bytes, write_text
from dataset.corpus.corpus import Corpus
from dataset.corpus.schema import SPLITS
from dataset.export.common import Written, readme
from dataset.export.hf import fields_table, joined_table
from dataset.export.provenance import iso


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write one JSON lines file per split, in ASCII, to the empty `folder`."""
    table = joined_table(corpus)
    for split in SPLITS:
        lines = []
        for batch in table.filter([name == split for name in table.column("split").to_pylist()]).to_batches(64):
            lines += [json.dumps(_plain(row), allow_nan=False) + "\n" for row in batch.to_pylist()]
        write_bytes(folder / f"{split}.jsonl", "".join(lines).encode())
    body = (
        "One JSON object a line and piece. In pandas: `pandas.read_json(path, lines=True, dtype=False)` (without "
        "`dtype=False` pandas makes a number of a title such as 1942).\n\n" + fields_table(table.schema)
    )
    write_text(folder / "README.md", readme(corpus, "lines of JSON", body))
    report(table.num_rows, table.num_rows)
    return Written(table.num_rows)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with times as text in ISO 8601, and null for numbers that JSON does not have."""
    return {
        k: iso(v) if isinstance(v, datetime) else None if isinstance(v, float) and not math.isfinite(v) else v
        for k, v in row.items()
    }
