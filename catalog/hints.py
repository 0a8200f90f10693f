"""Hints for queries without results: nearest names, or how to fill the catalog."""

import difflib

import pyarrow.compute as pc

from catalog.games import game_of
from catalog.query.compiler import columns_of, equalities
from catalog.scenes import SCENE, scenes
from catalog.schema import MEASURE_COLUMNS, MEASURED_BY
from catalog.storage.remote import AnyPath
from catalog.store import Catalog

NAMES = ("game", "series", "source", "section", "state")  # columns with few values, which users type


def empty_catalog_message(root: AnyPath) -> str:
    """Return the message for an empty catalog below `root`, with what fills it."""
    return f"no pieces in {root / 'catalog'}: the catalog is empty; run `make scrape` (or `scrape vgmusic`) to fill it"


def hints(catalog: Catalog, query: str) -> list[str]:
    """Return a hint for each name in `query` that no piece has.

    A hint is such as "no series 'zeldda'; nearest: 'zelda'". If the query uses measures, another
    hint says when nothing has been measured yet, or when some files were measured by another
    version.
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
    return lines + name_hints(catalog, query)


def name_hints(catalog: Catalog, query: str) -> list[str]:
    """Return the hints of `hints` for names that no piece has."""
    lines = []
    for column, value in dict.fromkeys(equalities(query)):
        if column in NAMES and not len(catalog.pieces(f"{column} == {value!r}", [column])):
            near = _nearest(column, value, catalog.pieces(columns=[column])[column].unique().to_pylist())
            lines.append(_no_such(column, value, near))
        elif column == SCENE.name and value.casefold() not in scenes():
            lines.append(_no_such(column, value, _nearest(column, value, list(scenes()))))
    return lines


def _no_such(column: str, value: str, near: list[str]) -> str:
    return f"no {column} {value!r}" + (f"; nearest: {', '.join(map(repr, near))}" if near else "")


def _nearest(column: str, value: str, existing: list[str]) -> list[str]:
    if column in ("game", "series"):
        resolved: str = getattr(game_of(value), column)
        if resolved in existing:
            return [resolved]
    containing = sorted(name for name in existing if value and value.lower() in name)[:3]
    return containing or difflib.get_close_matches(value.lower(), existing, n=3, cutoff=0.5)
