"""What to say when a query asks for what the catalog does not have: the nearest names that it has, or how an empty one is filled."""

import difflib

import pyarrow.compute as pc

from catalog.games import game_of
from catalog.query.compiler import columns_of, equalities
from catalog.schema import MEASURE_COLUMNS, MEASURED_BY
from catalog.storage.remote import AnyPath
from catalog.store import Catalog

NAMES = ("game", "series", "source", "section", "state")  # columns of few values that people write by hand


def empty_catalog_message(root: AnyPath) -> str:
    """Return what to say where the catalog below `root` holds no piece: where it is, and what fills it."""
    return f"no pieces in {root / 'catalog'}: the catalog is empty; run `make scrape` (or `scrape vgmusic`) to bring some in"


def hints(catalog: Catalog, query: str) -> list[str]:
    """Return a line for each name that `query` asks for and no piece has: "no series 'zeldda'; nearest: 'zelda'".

    A further line says so where it asks for measures and nothing has been measured, or some by an earlier version.
    """
    lines = []
    measured = sorted(columns_of(query).intersection(MEASURE_COLUMNS))
    if measured:
        versions = catalog.measures(["measured_by"])["measured_by"]
        outdated = len(versions) - (pc.sum(pc.equal(versions, MEASURED_BY)).as_py() or 0)
        if not len(versions):
            lines.append(f"nothing has been measured yet, so {', '.join(measured)} are missing; run `dataset measure`")
        elif outdated:
            lines.append(f"{outdated} of {len(versions)} files were measured by another version; run `dataset measure`")
    for column, value in dict.fromkeys(equalities(query)):
        if column in NAMES and not len(catalog.pieces(f"{column} == {value!r}", [column])):
            near = _nearest(column, value, catalog.pieces(columns=[column])[column].unique().to_pylist())
            lines.append(f"no {column} {value!r}" + (f"; nearest: {', '.join(map(repr, near))}" if near else ""))
    return lines


def _nearest(column: str, value: str, existing: list[str]) -> list[str]:
    if column in ("game", "series"):
        resolved: str = getattr(game_of(value), column)
        if resolved in existing:
            return [resolved]
    containing = sorted(name for name in existing if value and value.lower() in name)[:3]
    return containing or difflib.get_close_matches(value.lower(), existing, n=3, cutoff=0.5)
