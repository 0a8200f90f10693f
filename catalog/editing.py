"""Edit pieces by hand, and undo it: what `catalog edit` does.

In: a catalog, a query and the new values. Out: the entries that changed, written to the file of
edits and to its journal. The tables of the catalog stay as they are.
"""

import difflib
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.base.console import clean
from catalog.base.errors import CatalogError, UsageError
from catalog.edits.entries import CHANGED, MAX_TEXT, Edit, Edits, key_of, keys_of, write_edits
from catalog.edits.journal import append_events, last_event, new_event, read_journal, undone
from catalog.games import game_of, match_spelling
from catalog.store import Catalog
from catalog.titles import fold, slug

COLUMNS = ("sha256", "source", "url", "md5", *CHANGED)


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit or an undo did."""

    pieces: int  # rows that have other values now, or are excluded or no longer so
    changed: list[str] = field(default_factory=list)  # a line for each of them
    notes: list[str] = field(default_factory=list)  # what the user should know besides


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The new values as a user gives them; names of games and series in any spelling."""

    game: str | None = None
    series: str | None = None
    title: str | None = None
    sequencer: str | None = None
    exclude: bool = False
    why: str | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if nothing would change, or a value is invalid."""
        given = {name: getattr(self, name) for name in ("game", "series", "title", "sequencer", "why")}
        if all(given[name] is None for name in given if name != "why") and not self.exclude:
            raise UsageError("nothing to edit: give --game, --series, --title, --sequencer, --exclude, or --undo")
        if self.exclude and not self.why:
            raise UsageError("--exclude needs a reason: give it with --why, such as --why 'not piano music'")
        for name, text in given.items():
            if text is not None and len(text) > MAX_TEXT:
                raise UsageError(f"--{name}: longer than {MAX_TEXT} characters; shorten it")
            if text is not None and not clean(text) and name != "sequencer":
                raise UsageError(f"--{name}: is empty; give a text")


def edit_pieces(catalog: Catalog, query: str, values: Values, *, write: bool = True) -> Edited:
    """Give the pieces that match `query` new values, and exclude them if asked.

    With `write` False, only says what would change. Raises QueryError for an invalid query, and
    CatalogError if no piece matches or another process writes to the catalog.
    """
    if not write:
        return _edit(catalog, query, values)[1]
    with catalog.writer():
        edits, done = _edit(catalog, query, values)
        _save(catalog, edits, new_event("edit", catalog.edits(), edits, query=query))
    return done


def undo_edits(catalog: Catalog, query: str | None = None, *, write: bool = True) -> Edited:
    """Undo all edits of the pieces that match `query`, or the last command.

    With `write` False, only says what would change. Raises CatalogError if there is nothing to undo.
    """
    if not write:
        return _undo(catalog, query)[2]
    with catalog.writer():
        edits, of, done = _undo(catalog, query)
        _save(catalog, edits, new_event("undo", catalog.edits(), edits, query=query, of=of))
    return done


def _save(catalog: Catalog, edits: Edits, event: Any) -> None:
    if event.before or event.after or event.of:
        folder = catalog.root / "catalog"
        append_events(folder, [event])  # first, so that whatever counts can be undone
        write_edits(folder, edits)


def _edit(catalog: Catalog, query: str, values: Values) -> tuple[Edits, Edited]:
    current = catalog.edits()
    selected = [key_of(row) for row in _matching(catalog, query)]
    wanted, notes = _resolved(catalog, values)
    edits, chosen = dict(current), set(selected)
    listed = catalog.pieces(columns=COLUMNS, edited=False).to_pylist()
    keyed: dict[str, list[dict[str, Any]]] = {}
    for row in listed:
        if key_of(row) in chosen:
            keyed.setdefault(key_of(row), []).append(row)
    for key, rows in keyed.items():
        old_key = next((each for row in rows for each in keys_of(row) if each in edits), key)
        entry = _entry(rows, edits.pop(old_key, Edit()), wanted, values)
        if not entry.is_empty:
            edits[key] = entry
    others = sum(row["sha256"] in chosen for row in listed) - sum(" " not in key for key in selected)
    if others > 0:
        notes.append(f"{others} more {'rows have' if others > 1 else 'row has'} the same file, and the same values now")
    return edits, replace(_compare(listed, current, edits), notes=notes)


def _undo(catalog: Catalog, query: str | None) -> tuple[Edits, str | None, Edited]:
    current, folder = catalog.edits(), catalog.root / "catalog"
    listed = catalog.pieces(columns=COLUMNS, edited=False).to_pylist()
    if query is not None:
        keys = {key for row in _matching(catalog, query) for key in keys_of(row)}
        edits: Edits = {key: edit for key, edit in current.items() if key not in keys}
        if len(edits) == len(current):
            raise CatalogError(f"no piece that matches {query} was edited; `catalog show 'edited.notna() or "
                               "excluded.notna()'` lists those that were")  # fmt: skip
        return edits, None, _compare(listed, current, edits)
    event = last_event(read_journal(folder))
    if event is None:
        raise CatalogError(f"{folder}: nothing to undo; `catalog edit QUERY --undo` undoes the edits of certain pieces")
    edits, kept = undone(event, current, folder / "edits.jsonl")
    notes = [f"{kept} edits were changed since and are kept"] if kept else []
    what = f"undid the {event.event} of {event.at[:19].replace('T', ' ')}" + (f": {event.query}" if event.query else "")
    return edits, event.id, replace(_compare(listed, current, edits), notes=[what, *notes])


def _matching(catalog: Catalog, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = catalog.pieces(query, COLUMNS).to_pylist()
    if not rows:
        raise CatalogError(f"no piece matches {query}; `catalog show` lists the pieces that a query matches")
    return rows


def _entry(rows: list[dict[str, Any]], entry: Edit, wanted: Mapping[str, str], values: Values) -> Edit:
    """Return the entry of the rows of one file with the wanted values; those as listed are dropped."""
    piece = clean(f"{rows[0]['game_title']}: {rows[0]['title']}")[:MAX_TEXT].strip()
    fields: dict[str, Any] = {
        **{name: value for name in CHANGED if (value := getattr(entry, name)) is not None},
        **wanted,
    }
    fields = {name: value for name, value in fields.items() if any((value or None) != row[name] for row in rows)}
    why = entry.why if values.why is None else _text(values.why)
    return Edit(piece=piece, why=why, exclude=entry.exclude or values.exclude, **fields)


def _resolved(catalog: Catalog, values: Values) -> tuple[dict[str, str], list[str]]:
    """Return the new columns, with slugs of games and series, and notes on new names."""
    wanted = {name: _text(value) for name in ("title", "sequencer") if (value := getattr(values, name)) is not None}
    notes: list[str] = []
    rows = catalog.pieces(columns=["game", "series", "game_title"]).to_pylist()
    if values.game is not None:
        text = _text(values.game)
        names = {row["game"] for row in rows}
        same = [text, slug(fold(text)), game_of(text).game]
        fitting = match_spelling(text, names)
        if not names.intersection(same) and len(fitting) == 1:  # a part of its name, as other commands take it
            same = fitting
        found = [row for row in rows if row["game"] in same]
        if found:
            (game, series, title), _ = Counter(
                (row["game"], row["series"], row["game_title"]) for row in found
            ).most_common(1)[0]
        else:
            known = game_of(text)
            game, series, title = known.game, known.series, text
            notes.append(_new_name("game", game, names))
        wanted |= {"game": game, "game_title": title, "series": series}
    if values.series is not None:
        text = _text(values.series)
        names = {row["series"] for row in rows}
        spellings = (text, slug(fold(text)), game_of(text).series)
        series = next((each for each in spellings if each in names), slug(fold(text)))
        if series not in names:
            notes.append(_new_name("series", series, names))
        wanted["series"] = series
    return wanted, notes


def _new_name(what: str, name: str, names: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(names), 3, 0.6)
    return f"{what} {name!r} is new in this catalog" + (f"; nearest: {', '.join(map(repr, near))}" if near else "")


def _text(value: str) -> str:
    return unicodedata.normalize("NFC", clean(value))


def _compare(listed: list[dict[str, Any]], old: Edits, new: Edits) -> Edited:
    """Return which rows two sets of entries make different, with a line for each."""
    lines = []
    for row in listed:
        before, after = (next((e[key] for key in keys_of(row) if key in e), Edit()) for e in (old, new))
        if before == after:
            continue
        changes = [
            f"{name} {was!r} → {now!r}"
            for name in CHANGED
            if (was := before.changes.get(name, row[name])) != (now := after.changes.get(name, row[name]))
        ]
        if before.exclude != after.exclude:
            changes.append(f"excluded ({after.why})" if after.exclude else "no longer excluded")
        elif before.why != after.why and not after.is_empty:
            changes.append(f"why: {after.why or 'not given'}")
        lines.append(f"{row['game_title']}: {row['title']}: {', '.join(changes)}")
    return Edited(len(lines), lines)
