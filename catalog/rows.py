"""Read rows of the catalog: pieces joined with their measures, edits applied, and scenes told from titles.

In: the two tables, the conditions of a query and the edits. Out: an Arrow table.
"""

import operator
from collections.abc import Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from catalog.edits.entries import Edits
from catalog.edits.overlay import EDITED, NEEDED, Overlay, without_edits
from catalog.query.compiler import Condition
from catalog.scenes import SCENE, scene_column
from catalog.schema import MEASURE_COLUMNS, MEASURES, PIECES
from catalog.table.parts import Parts

ORDER = ("source", "section", "game", "title", "url", "md5")
ROWS = pa.schema(
    [*PIECES, *(MEASURES.field(name) for name in MEASURE_COLUMNS), *EDITED, SCENE]
)  # columns that a query may use
MAX_LOOKUPS = 300_000  # up to so many pieces, their measures are looked up rather than all read


class Rows:
    """The rows of two tables, by the columns of ROWS."""

    def __init__(self, pieces: Parts, measures: Parts) -> None:
        self._pieces = pieces
        self._measures = measures

    def read(self, names: Sequence[str], requested: Sequence[Condition], edits: Edits) -> pa.Table:
        """Return the rows that match all conditions, with edits applied, sorted by ORDER."""
        on_scenes = [each for each in requested if SCENE.name in each.columns]
        used = {*names, *(name for each in on_scenes for name in each.columns)}
        if SCENE.name not in used:
            return self._edited(names, requested, edits)
        others = [each for each in requested if each not in on_scenes]
        needed = [name for name in ROWS.names if name in {*used, "title"} - {SCENE.name}]
        rows = self._edited(needed, others, edits)
        return _filtered(rows.append_column(SCENE, scene_column(rows["title"])), on_scenes).select(names)

    def _edited(self, names: Sequence[str], requested: Sequence[Condition], edits: Edits) -> pa.Table:
        """Return the rows without their scenes."""
        on_edits = [each for each in requested if not each.columns.isdisjoint(EDITED.names)]
        stored = [each for each in requested if each not in on_edits]
        if not edits and not on_edits and not {*names}.intersection(EDITED.names):
            return self._stored(names, stored)
        used = {*names, *(name for each in requested for name in each.columns), *NEEDED, *ORDER}
        needed = [name for name in ROWS.names if name in used and name not in EDITED.names]
        if not edits:
            return _filtered(without_edits(self._stored(needed, stored)), on_edits).select(names)
        overlay = Overlay(edits)
        as_listed = without_edits(overlay.untouched(self._stored(needed, stored)))
        edited = overlay.applied(self._stored(needed, [overlay.condition()]))
        found = [_filtered(as_listed, on_edits), _filtered(edited, requested)]
        return self._pieces.identity.sorted(pa.concat_tables(found)).select(names)

    def _stored(self, names: Sequence[str], requested: Sequence[Condition]) -> pa.Table:
        """Return rows as the tables have them."""
        used = {*names, *(name for each in requested for name in each.columns)}
        measured = [name for name in MEASURE_COLUMNS if name in used]
        if not measured:
            return self._pieces.read(names, conjunction(requested))
        own = [name for name in PIECES.names if name in used or name == "sha256"]
        of_pieces = [each for each in requested if each.columns.isdisjoint(MEASURE_COLUMNS)]
        later = [each for each in requested if each not in of_pieces]
        return self._joined(own, measured, of_pieces, later).select(names)

    def _joined(
        self, own: list[str], measured: list[str], of_pieces: list[Condition], later: list[Condition]
    ) -> pa.Table:
        """Return pieces that match all conditions, with columns of both tables.

        `own` are columns of the pieces, `measured` columns of the measures. The table that is read first limits what
        is read of the other. Pieces come first if few match the conditions on pieces alone. Otherwise measures come
        first, unless a piece without measures could match.
        """
        first = conjunction(of_pieces)
        alone = [each for each in later if each.columns.issubset(MEASURE_COLUMNS) and not _matches_missing(each)]
        pieces = None
        if first is not None:
            pieces = self._pieces.read_at_most(own, first, MAX_LOOKUPS) if alone else self._pieces.read(own, first)
        if pieces is not None:
            known = _digest_in(pieces["sha256"]) if len(pieces) <= MAX_LOOKUPS else None
            measures = self._measures.read(["sha256", *measured], known)
        else:
            measures = self._measures.read(["sha256", *measured], conjunction(alone))
            if alone:
                of_pieces = [*of_pieces, _digest_in(measures["sha256"])]
            pieces = self._pieces.read(own, conjunction(of_pieces))
        rows = pc.index_in(pieces["sha256"], value_set=measures["sha256"].combine_chunks(), skip_nulls=True)
        found = measures.take(rows)
        for name in measured:
            pieces = pieces.append_column(ROWS.field(name), found[name])
        rest = conjunction(later)
        return pieces if rest is None else pieces.filter(rest.arrow)


def conjunction(requested: Sequence[Condition]) -> Condition | None:
    """Return the conjunction of `requested`, or None if it is empty."""
    if not requested:
        return None
    columns = frozenset[str]().union(*(each.columns for each in requested))
    return Condition(columns, reduce(operator.and_, (each.arrow for each in requested)))


def _filtered(rows: pa.Table, requested: Sequence[Condition]) -> pa.Table:
    condition = conjunction(requested)
    return rows if condition is None else rows.filter(condition.arrow)


def _digest_in(sha256: pa.Array) -> Condition:
    """Return the condition that `sha256` is one of the given values.

    The values are sorted, so that row groups without any of them are skipped.
    """
    return Condition(frozenset({"sha256"}), pc.field("sha256").isin(pc.unique(sha256.drop_null()).sort()))


def _matches_missing(requested: Condition) -> bool:
    """Return whether a condition matches a row in which every column is null."""
    all_null = pa.table([pa.nulls(1, field.type) for field in ROWS], schema=ROWS)
    return len(all_null.filter(requested.arrow)) > 0
