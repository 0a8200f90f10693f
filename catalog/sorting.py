"""Rows of the catalog as a user asks for them: sorted, or counted by the values of columns.

In: a catalog, a query and names of columns. Out: Arrow tables.
"""

import pyarrow as pa

from catalog.query.operands import parse_columns
from catalog.store import ROWS, Catalog

PIECES_OF_GROUP = "pieces"  # the column of counts


def sorted_pieces(catalog: Catalog, query: str | None, columns: str, sort: str | None = None) -> pa.Table:
    """Return the pieces that match `query` with the comma-separated `columns`.

    They are sorted by the columns of `sort`, else in the order of the catalog. Raises QueryError for an unknown column
    or an invalid query.
    """
    names, order = parse_columns(columns, ROWS), parse_order(sort, ROWS)
    wanted = list(dict.fromkeys([*names, *(name for name, _ in order)]))
    return _in_order(catalog.pieces(query, wanted), order).select(names)


def count_groups(catalog: Catalog, query: str | None, columns: str, sort: str | None = None) -> pa.Table:
    """Return the values of the comma-separated `columns` with the number of pieces that have them.

    They are sorted by the columns of `sort`, by default the most pieces first. Raises QueryError for an unknown column
    or an invalid query.
    """
    names = parse_columns(columns, ROWS)
    groups = catalog.pieces(query, names).group_by(names).aggregate([([], "count_all")])
    groups = groups.select([*names, "count_all"]).rename_columns([*names, PIECES_OF_GROUP])
    order = parse_order(sort, groups.schema) or [(PIECES_OF_GROUP, "descending")]
    return _in_order(groups, [*order, *((name, "ascending") for name in names if name not in dict(order))])


def parse_order(text: str | None, schema: pa.Schema) -> list[tuple[str, str]]:
    """Return each column of `text`, such as "game,-bytes", with its order; "-" stands for descending.

    Raises QueryError for an unknown, empty or repeated name.
    """
    if text is None:
        return []
    signs = [part.strip() for part in text.split(",")]
    names = [name for sign in signs for name in parse_columns(sign.removeprefix("-") or ",", schema)]
    parse_columns(",".join(names), schema)  # refuses a repeated name
    return [
        (name, "descending" if sign.startswith("-") else "ascending") for name, sign in zip(names, signs, strict=True)
    ]


def _in_order(table: pa.Table, order: list[tuple[str, str]]) -> pa.Table:
    """Return `table` sorted; rows that are equal keep their order, and missing values are last."""
    if not order:
        return table
    row = "row"
    numbered = table.append_column(row, pa.array(range(len(table)), pa.int64()))
    return numbered.sort_by([*order, (row, "ascending")]).drop_columns([row])
