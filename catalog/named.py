"""Names of games, series and sections in queries, as people write them, and names of queries.

In: a query such as "series == 'The Legend of Zelda'", and a function that reads columns of the catalog. Out: the same
query with the slugs that the catalog has, "series == 'zelda'". A value that the catalog has is left alone, and so is one
that names nothing.
"""

import ast
import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence

import pyarrow as pa

from catalog.base.errors import UsageError
from catalog.base.names import is_device
from catalog.games import find_game, game_of, series_of
from catalog.query.compiler import named_values, parse
from catalog.titles import fold, slug

Read = Callable[[Sequence[str]], pa.Table]
"""Returns the given columns of the catalog."""

MAX_NAME = 300  # characters; longer texts name nothing
MAX_UNREAD = 20  # names; those of longer queries are looked up in the catalog first, which is faster
SIMPLE_QUERY = re.compile(r"\s*(\w+)\s*==\s*(['\"])([a-z0-9-]+)\2\s*")
NAMED = ("game", "series", "source", "section", "state", "scene")  # columns with few values, which users type


def slugs_of(column: str, text: str) -> list[str]:
    """Return the values of `column` that `text` may mean, the likeliest first."""
    plain = unicodedata.normalize("NFC", text).casefold()
    found = [slug(fold(text)), slug(re.findall(r"[^\W_]+", plain)), plain.strip()]
    if column == "game":
        found.insert(0, game_of(text).game)
    if column == "series":
        found.insert(0, series_of(text))
    return list(dict.fromkeys(found))


def with_slugs(query: str, read: Read) -> str:
    """Return `query` in Unicode form NFC, with the slugs of the catalog for names of games, series and sections.

    Columns are read only if they are compared with a text that is no slug. Raises QueryError if the query cannot be
    read.
    """
    query = unicodedata.normalize("NFC", query)
    if not any(column in query for column in NAMED):
        return query
    tree, changed = parse(query), False
    known: dict[str, frozenset[str]] = {}
    named = [(column, constant) for column, constant in named_values(tree) if column in NAMED]
    for column, constant in named:
        text = str(constant.value)
        is_slug = len(named) <= MAX_UNREAD and text in slugs_of(column, text[:MAX_NAME])[:1]
        if is_slug or len(text) > MAX_NAME:
            continue
        if column not in known:
            known[column] = frozenset(read([column])[column].unique().to_pylist())
        if text not in known[column]:
            found = next((one for one in slugs_of(column, text) if one in known[column]), text)
            changed = changed or found != text
            constant.value = found
    if not changed:
        return query
    try:
        return ast.unparse(tree)
    except RecursionError:
        return query  # it is refused where it is compiled


def query_of(game: str | None, query: str | None, read: Read) -> str | None:
    """Return the query for the option --game, or `query` with slugs; None if neither is given.

    Raises UsageError if both are given, if no game of the catalog matches, or if several do.
    """
    if game is None:
        return None if query is None else with_slugs(query, read)
    if query is not None:
        raise UsageError("--game and a query exclude each other; give one")
    return f"game == '{find_game(game, read(['game'])['game'].unique().to_pylist())}'"


def name_of_query(query: str) -> str:
    """Return a name for what `query` finds, for files and folders.

    It is `ocarina-of-time` for a game and `series-zelda` for a series. Other queries give their words and a digest, so
    that different queries have different names.
    """
    match = SIMPLE_QUERY.fullmatch(query)
    if match:
        is_plain_game = match[1] == "game" and match[3][0] != "-" and not is_device(match[3])
        return match[3] if is_plain_game else f"{match[1]}-{match[3]}".lower()
    words = re.sub(r"[^a-z0-9]+", "-", query.lower()).strip("-")[:40].rstrip("-")
    return f"{words}-{hashlib.sha256(query.encode()).hexdigest()[:6]}".lstrip("-")
