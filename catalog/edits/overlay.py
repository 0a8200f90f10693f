"""Apply edits to rows of the catalog: an Arrow table in, the corrected table out.

Two columns tell what was edited. Nothing is read or written.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catalog.edits.entries import CHANGED, Edit, Edits, keys_of
from catalog.query.compiler import Condition

EDITED = pa.schema(
    [
        pa.field(
            "edited",
            pa.string(),
            metadata={"description": "columns changed by `catalog edit`, joined by commas; null if there are none"},
        ),
        pa.field(
            "excluded",
            pa.string(),
            metadata={"description": "why corpora leave the piece out by hand (`catalog edit --exclude`); else null"},
        ),
    ]
)
NEEDED = ("sha256", "source", "url", "md5")  # columns that tell which entry applies


class Overlay:
    """Edits as a condition on rows, and as changes of them."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits
        by_row = [key.split(" ", 2)[2] for key in edits if " " in key]
        self._hashes = pa.array(sorted(key for key in edits if " " not in key), pa.string())
        self._urls = pa.array(sorted(set(by_row)), pa.string())

    def condition(self) -> Condition:
        """Return the condition of all rows that an entry may apply to."""
        touched = pc.field("sha256").isin(self._hashes) | pc.field("url").isin(self._urls)
        return Condition(frozenset({"sha256", "url"}), touched)

    def untouched(self, rows: pa.Table) -> pa.Table:
        """Return the rows that do not match `condition`."""
        by_hash, by_url = (
            pc.is_in(rows[name], value_set=values) for name, values in (("sha256", self._hashes), ("url", self._urls))
        )
        return rows.filter(pc.invert(pc.or_(by_hash, by_url)))

    def applied(self, rows: pa.Table) -> pa.Table:
        """Return `rows`, which have the columns NEEDED, with all edits applied.

        The columns of EDITED are appended.
        """
        found = [self.entry(row) for row in rows.select(NEEDED).to_pylist()]
        for name in (each for each in CHANGED if each in rows.column_names):
            values = rows[name].to_pylist()
            for place, edit in enumerate(found):
                if edit is not None and name in edit.changes:
                    values[place] = edit.changes[name]
            at = rows.schema.get_field_index(name)
            rows = rows.set_column(at, rows.schema.field(at), pa.array(values, pa.string()))
        edited = [", ".join(edit.changes) or None if edit else None for edit in found]
        excluded = [(edit.why or "no reason given") if edit and edit.exclude else None for edit in found]
        return rows.append_column(EDITED.field("edited"), pa.array(edited, pa.string())).append_column(
            EDITED.field("excluded"), pa.array(excluded, pa.string())
        )

    def entry(self, row: dict[str, Any]) -> Edit | None:
        """Return the entry that applies to a row, or None."""
        return next((self._edits[key] for key in keys_of(row) if key in self._edits), None)


def without_edits(rows: pa.Table) -> pa.Table:
    """Return `rows` with the columns of EDITED, which are null."""
    for field in EDITED:
        rows = rows.append_column(field, pa.nulls(len(rows), field.type))
    return rows
