"""The pieces that a query leaves out of the games from which it takes others.

In: a catalog, a query and the rows that match it. Out: the other rows of the same games, each with the first condition
of the query that it does not meet. Pieces of other games are not what somebody would look for in a corpus.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.query.compiler import condition_texts
from catalog.schema import KEY
from catalog.store import Catalog

COLUMNS = (*KEY, "game", "title", "sha256")
MOST_CONDITIONS = 8  # looked at one by one, since each is a query; the detail of longer queries is the whole query
CatalogRow = Mapping[str, Any]  # a row of the catalog


def unmatched(catalog: Catalog, query: str, rows: Sequence[CatalogRow]) -> list[dict[str, Any]]:
    """Return the rows of the games of `rows` that `query` does not match, in catalog order.

    Their column `detail` is the condition that they do not meet.
    """
    games, matched = {row["game"] for row in rows}, _keys(rows)
    listed: list[dict[str, Any]] = catalog.pieces(columns=COLUMNS).to_pylist()
    others = [row for row in listed if row["game"] in games and _key(row) not in matched]
    if not others:
        return []
    conditions = condition_texts(query)
    if len(conditions) > MOST_CONDITIONS:
        conditions = [query]
    met = [_keys(catalog.pieces(text, columns=KEY).to_pylist()) for text in conditions[:-1]]
    for row in others:
        unmet = (text for text, keys in zip(conditions, met, strict=False) if _key(row) not in keys)
        row["detail"] = next(unmet, conditions[-1])
    return others


def _keys(rows: Sequence[CatalogRow]) -> set[tuple[Any, ...]]:
    return set(map(_key, rows))


def _key(row: CatalogRow) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)
