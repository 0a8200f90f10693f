"""Which pieces a corpus leaves out: filters on measures, and duplicate rules.

A filter is a row of data (name, measure, thresholds, why), so that a new one needs no code. The defaults are in
filters.toml beside this module; `dataset.filters.load` reads them and users' overrides. Pure.
"""

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, NoReturn

import pyarrow as pa

from catalog.base.errors import UsageError
from catalog.schema import MEASURES, describe
from dataset.duplicates.relations import Relation
from dataset.measures.measure import Measures
from dataset.reasons import REASONS

FILTER, DUPLICATE = "filter", "duplicate"  # the two kinds of table
TABLE_KEYS: Mapping[str, tuple[str, ...]] = {
    FILTER: ("on", "measure", "least", "most", "among", "why"),
    DUPLICATE: ("on", "why"),
}
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
DEFAULT_WHY = "Added by the user who built the corpus."
MEASURE_FIELDS = {f["name"]: f for f in describe(MEASURES) if f["name"] not in ("sha256", "measured_by")}
TEXT_MEASURES = frozenset(name for name in MEASURE_FIELDS if pa.types.is_string(MEASURES.field(name).type))

Tables = Mapping[str, Mapping[str, Mapping[str, Any]]]  # kind of table: name: key: value


class Verdict(NamedTuple):
    """Why a piece is left out: a stable snake_case reason, and the deciding value."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Leaves out pieces by one measure; `name` is the reason recorded for them.

    A piece passes if its `measure` is at least `least`, at most `most` and one of `among`, as far as these are set. A
    piece without a value passes.
    """

    name: str
    measure: str
    least: float | None = None
    most: float | None = None
    among: tuple[str, ...] | None = None
    on: bool = True
    why: str = DEFAULT_WHY

    def judge(self, piece: Measures) -> Verdict | None:
        """Return the verdict on `piece`, or None if it passes; `on` is ignored."""
        value = getattr(piece, self.measure)
        if value is None:
            return None
        if self.among is not None and value not in self.among:
            return Verdict(self.name, f"{self.measure} {value}, wanted {' or '.join(self.among)}")
        if self.least is not None and value < self.least:
            return Verdict(self.name, f"{self.measure} {value:.6g}, at least {self.least:.6g}")
        if self.most is not None and value > self.most:
            return Verdict(self.name, f"{self.measure} {value:.6g}, at most {self.most:.6g}")
        return None

    @property
    def bounds(self) -> str:
        """The values that pass, in words."""
        words = [] if self.among is None else [f"{self.measure} {' or '.join(self.among)}"]
        words += [] if self.least is None else [f"{self.measure} at least {self.least:.6g}"]
        words += [] if self.most is None else [f"{self.measure} at most {self.most:.6g}"]
        return ", ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateRule:
    """Whether only the best of the pieces in a relation is kept."""

    relation: Relation
    on: bool
    why: str = DEFAULT_WHY

    @property
    def name(self) -> str:
        """The reason recorded for the other pieces."""
        return f"duplicate_{self.relation}"

    @property
    def bounds(self) -> str:
        """The pieces that are kept, in words."""
        return "the best of them" if self.on else "all of them"


@dataclass(frozen=True, slots=True)
class Filters:
    """All filters, in the order in which they apply, and all duplicate rules."""

    filters: tuple[Filter, ...]
    duplicates: tuple[DuplicateRule, ...]

    @property
    def drop(self) -> frozenset[Relation]:
        """The relations of which only the best piece is kept."""
        return frozenset(rule.relation for rule in self.duplicates if rule.on)

    def keeping_duplicates(self) -> "Filters":
        """Return the same filters with every duplicate rule off."""
        return replace(self, duplicates=tuple(replace(rule, on=False) for rule in self.duplicates))

    def judge(self, piece: Measures) -> Verdict | None:
        """Return the verdict of the first filter that rejects `piece`, or None."""
        return next((verdict for each in self.filters if each.on and (verdict := each.judge(piece))), None)

    def settings(self) -> dict[str, dict[str, Any]]:
        """Return {reason: settings} for the manifest, without unset thresholds."""
        rows: dict[str, dict[str, Any]] = {}
        for each in self.filters:
            values = {key: getattr(each, key) for key in TABLE_KEYS[FILTER]}
            values["among"] = None if each.among is None else list(each.among)
            rows[each.name] = {key: value for key, value in values.items() if value is not None}
        return rows | {rule.name: {"on": rule.on, "why": rule.why} for rule in self.duplicates}


def overlay(base: Tables, over: Mapping[str, Any], source: str) -> Tables:
    """Return the tables of `base` overridden by those of `over`, key by key.

    New tables come last. A filter that gets another measure keeps none of its old settings. Raises UsageError, which
    names `source`, for an unknown table or key and for a value of the wrong type.
    """
    merged = {kind: dict(base.get(kind, {})) for kind in TABLE_KEYS}
    for kind, tables in over.items():
        if kind not in TABLE_KEYS:
            _fail(source, f"[{kind}] is not a known table", kind, TABLE_KEYS)
        if not isinstance(tables, Mapping):
            _fail(source, f"{kind} must contain tables, such as [{kind}.NAME]")
        for name, table in tables.items():
            where = f"[{kind}.{name}]"
            if not isinstance(table, Mapping):
                _fail(source, f"{where} must be a table, such as on = false")
            for key, value in table.items():
                _check_value(source, f"{where} {key}", kind, key, value)
            old = merged[kind].get(name, {})
            if "measure" in table and table["measure"] != old.get("measure"):
                old = {}
            merged[kind][name] = {**old, **table}
    return merged


def build_filters(tables: Tables, source: str) -> Filters:
    """Return the filters of `tables`, made by `overlay`.

    Raises UsageError, which names `source`, for an invalid filter.
    """
    filters = tuple(_filter(source, name, tables[FILTER]) for name in tables[FILTER])
    for name in tables[DUPLICATE]:
        if name not in tuple(Relation):
            _fail(source, f"[duplicate.{name}] is not a relation by which pieces are left out", name, tuple(Relation))
    rules = [
        DuplicateRule(relation=relation, **{"on": False, **tables[DUPLICATE].get(relation, {})})
        for relation in Relation
    ]
    return Filters(filters, tuple(rules))


def _filter(source: str, name: str, tables: Mapping[str, Mapping[str, Any]]) -> Filter:
    table, where = tables[name], f"[filter.{name}]"
    if not NAME.fullmatch(name):
        _fail(
            source, f"{where}: a name must have at most 60 lower-case letters, digits and '_', and start with a letter"
        )
    if name in REASONS:
        _fail(source, f"{where}: {name!r} is already used as another reason; choose another name")
    measure = table.get("measure")
    if measure is None:
        known = [other for other in tables if other != name]
        _fail(source, f"{where} has no measure, and a new filter needs one", name, known)
    if measure not in MEASURE_FIELDS:
        _fail(source, f"{where} measure: unknown measure {measure!r}", measure, MEASURE_FIELDS)
    least, most, among = (table.get(key) for key in ("least", "most", "among"))
    if measure in TEXT_MEASURES and (least is not None or most is not None or among is None):
        _fail(source, f"{where}: {measure} is text, so use among = [...], not least or most")
    if measure not in TEXT_MEASURES and (among is not None or (least is None and most is None)):
        _fail(source, f"{where}: {measure} is a number, so use least, most or both, not among")
    low, high = _range(measure)
    for key, value in (("least", least), ("most", most)):
        if value is not None and not low <= value <= high:
            _fail(
                source,
                f"{where} {key}: {value:g} is outside the range of {measure}, {MEASURE_FIELDS[measure]['range']}",
            )
    if least is not None and most is not None and least > most:
        _fail(source, f"{where}: least {least:g} is greater than most {most:g}, so nothing would pass")
    settings = {**table, "among": None if among is None else tuple(among)}
    return Filter(name=name, **settings)


def _check_value(source: str, where: str, kind: str, key: str, value: object) -> None:
    if key not in TABLE_KEYS[kind]:
        _fail(source, f"{where}: unknown key", key, TABLE_KEYS[kind])
    if key == "on" and not isinstance(value, bool):
        _fail(source, f"{where} must be true or false, not {value!r}")
    if key in ("measure", "why") and not (isinstance(value, str) and value.strip()):
        _fail(source, f"{where} must be a string, not {value!r}")
    if key in ("least", "most") and (
        isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
    ):
        _fail(source, f"{where} must be a number, not {value!r}")
    if key == "among" and not (isinstance(value, list) and value and all(isinstance(each, str) for each in value)):
        _fail(source, f"{where} must be a list of strings, not {value!r}")


def _range(measure: str) -> tuple[float, float]:
    low, _, high = MEASURE_FIELDS[measure]["range"].partition("–")
    return float(low or "-inf"), float(high or "inf")


def _fail(source: str, text: str, word: str | None = None, known: Collection[str] = ()) -> NoReturn:
    """Raise UsageError that suggests the nearest of `known`, or lists all."""
    near = difflib.get_close_matches(word or "", known, 1, 0.6)
    hint = f"; did you mean {str(near[0])!r}?" if near else f"; one of: {', '.join(known)}" if known else ""
    raise UsageError(f"{source}: {text}{hint}")
