"""Validate the tables of a corpus: types, ids, enums, ranges, consistency.

In: a table from a file of any origin. Out: the same table under our schema, or a `FaultError` that names the column,
the first invalid row and its value. Whole columns are compared at once.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import MEASURES, describe
from dataset.corpus.schema import EXCLUDED, LISTS, NOTES, RELATIONS, SPLITS
from dataset.notes.timing import DENOMINATORS, FASTEST_QPM, MAX_NUMERATOR, MAX_TICK, SLOWEST_QPM
from dataset.reasons import RELATIONS as RELATION_MEANINGS

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")  # a corpus name
SHA256 = "[0-9a-f]{64}"
FINGERPRINT = "[0-9a-f]{16}"
REASON = "[a-z][a-z0-9_]{0,99}"
TIME_SIGNATURE = "[1-9][0-9]?/[1-9][0-9]?"
KEY = "[A-G][b#]? (major|minor)"
STAGES = ("fetch", "parse", "filter", "duplicate", "split")
ROUNDING_ERROR = 1e-9  # tolerance of a computed value at the ends of its range
MAX_SHOWN = 60  # characters of a value shown in a message

Values = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


class FaultError(ValueError):
    """An invalid table; the message has the column, row, value and rule."""


def check_manifest(name: object, files: Mapping[str, object], required: Iterable[str]) -> None:
    """Raise FaultError unless a manifest's name and file hashes are valid.

    `required` are the files that must have a SHA-256.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise FaultError(f"name: {str(name)[:MAX_SHOWN]!r} is not a valid corpus name")
    for file in required:
        sha256 = files.get(file)
        if not isinstance(sha256, str) or not re.fullmatch(SHA256, sha256):
            raise FaultError(f"files.{file}: {str(sha256)[:MAX_SHOWN]!r} is not a SHA-256")


def check_counts(funnel: Mapping[str, int], reasons: Mapping[str, int], notes: pa.Table, excluded: pa.Table) -> None:
    """Raise FaultError unless the counts of a manifest match the tables."""
    per_split = Counter(notes["split"].to_pylist())
    expected: dict[str, int] = {
        "listed": len(notes) + len(excluded),
        "unique": len(notes),
        **{str(split): per_split[split] for split in SPLITS},
    }
    for stage, count in expected.items():
        if funnel[stage] != count:
            raise FaultError(f"funnel.{stage}: {funnel[stage]!r}, but the tables have {count}")
    steps = [funnel[stage] for stage in ("listed", "fetched", "parsed", "kept", "unique")]
    if steps != sorted(steps, reverse=True):
        raise FaultError(f"funnel: {steps} must not increase")
    counted = Counter(excluded["reason"].to_pylist())
    for reason in {*reasons, *counted}:
        if reasons.get(reason, 0) != counted[reason]:
            raise FaultError(
                f"reasons.{reason[:MAX_SHOWN]}: {reasons.get(reason, 0)!r}, but excluded.parquet has {counted[reason]}"
            )


def checked(file: str, table: pa.Table, pieces: pa.Table | None = None) -> pa.Table:
    """Return the table of a corpus file under our schema.

    `pieces` are the checked notes. Raises FaultError if it is invalid.
    """
    if file == "notes.parquet":
        return checked_notes(table)
    if file == "excluded.parquet":
        return checked_excluded(table)
    if file == "relations.parquet":
        return checked_relations(table)
    return checked_measures(table, pieces)


def checked_notes(table: pa.Table) -> pa.Table:
    """Return a table of schema NOTES. Raises FaultError if it is invalid."""
    table = _with_schema(table, NOTES, may_be_null=("sequencer",))
    if not len(table):
        raise FaultError("sha256: no rows, must be at least one piece")
    _match(table, "sha256", SHA256)
    _match(table, "cluster", FINGERPRINT)
    _match(table, "work", FINGERPRINT)
    _one_of(table, "split", SPLITS)
    lengths = _lengths(table, "onset")
    _rows(table, "onset", lengths < 1, "at least one note", lengths)
    for name in LISTS[1:]:
        own = _lengths(table, name)
        _rows(table, name, own != lengths, "one value for each onset", own)
    onset, duration, pitch, velocity = (_flat(table, name) for name in LISTS)
    _items_in_range(table, "onset", onset, 0, MAX_TICK)
    _ascending(table, "onset", "onset", onset, strictly=False)
    _items_in_range(table, "duration", duration, 1, MAX_TICK)
    ends = onset.astype(np.int64) + duration
    _items(table, "duration", ends > MAX_TICK, f"an end by tick {MAX_TICK}", ends)
    _items_in_range(table, "pitch", pitch, 0, 127)
    _items_in_range(table, "velocity", velocity, 1, 127)
    _changes(table, "tempos", {"qpm": (SLOWEST_QPM, FASTEST_QPM)})
    _changes(table, "time_signatures", {"numerator": (1, MAX_NUMERATOR), "denominator": (1, max(DENOMINATORS))})
    under = _flat(table, "time_signatures", "denominator")
    _items(table, "time_signatures", ~np.isin(under, DENOMINATORS), "denominators that are powers of 2", under)
    return table


def checked_excluded(table: pa.Table) -> pa.Table:
    """Return a table of schema EXCLUDED. Raises FaultError if it is invalid."""
    table = _with_schema(table, EXCLUDED, may_be_null=("sha256",))
    _match(table, "sha256", SHA256)
    _one_of(table, "stage", STAGES)
    _match(table, "reason", REASON)
    return table


def checked_relations(table: pa.Table) -> pa.Table:
    """Return a table of schema RELATIONS. Raises FaultError if it is invalid."""
    table = _with_schema(table, RELATIONS, may_be_null=("first_sequencer", "second_sequencer", "left_out"))
    _one_of(table, "relation", tuple(RELATION_MEANINGS))
    _match(table, "first", SHA256)
    _match(table, "second", SHA256)
    for name, low, high in (
        ("share", 0, 1),
        ("notes", 0, None),
        ("transposition", -127, 127),
        ("tempo_ratio", 1e-6, 1e6),
        ("offset_first", 0, MAX_TICK),
        ("offset_second", 0, MAX_TICK),
    ):
        _in_range(table, name, low, high)
    return table


def checked_measures(table: pa.Table, pieces: pa.Table) -> pa.Table:
    """Return a table of schema MEASURES with one row for each row of `pieces`.

    Columns that an older version did not measure are absent. Raises FaultError if it is invalid.
    """
    present = set(table.column_names)
    schema = pa.schema([field for field in MEASURES if field.name in present or field.name == "sha256"])
    nullable = [name for name in schema.names if name != "sha256"]
    table = _with_schema(table, schema, may_be_null=nullable)
    _match(table, "sha256", SHA256)
    if len(table) != len(pieces):
        raise FaultError(f"sha256: {len(table)} rows for {len(pieces)} pieces")
    same = pc.equal(table["sha256"], pieces["sha256"]).to_numpy()
    _rows(table, "sha256", ~same, "that of the piece in the same row", table["sha256"])
    for name, pattern in (("time_signature", TIME_SIGNATURE), ("key", KEY)):
        if name in present:
            _match(table, name, pattern)
    for field in describe(MEASURES):
        low, dash, high = field["range"].partition("–")
        if dash and field["name"] in present:
            _in_range(table, field["name"], float(low or "-inf"), float(high) if high else None)
    return table


def _with_schema(table: pa.Table, schema: pa.Schema, may_be_null: Iterable[str]) -> pa.Table:
    """Return the columns of `schema`, in its order and with its descriptions."""
    columns = []
    for field in schema:
        places = table.schema.get_all_field_indices(field.name)
        if len(places) != 1:
            raise FaultError(f"{field.name}: {'missing' if not places else f'present {len(places)} times'}")
        column = table.column(places[0])
        if column.type != field.type:
            raise FaultError(f"{field.name}: has type {column.type}, must be {field.type}")
        columns.append(column)
    table = pa.table(columns, schema=schema)
    for field in schema:
        column = table.column(field.name)
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            raise FaultError(f"{field.name}: {error}") from None
        if field.name not in may_be_null and column.null_count:
            _rows(table, field.name, column.is_null().to_numpy(), "a value", column)
        if pa.types.is_list(field.type):
            values = _values(table, field.name)
            parts = [values, *(values.field(i) for i in range(values.type.num_fields))]
            if any(part.null_count for part in parts):
                raise FaultError(f"{field.name}: has null within a list, must have values")
    return table


def _match(table: pa.Table, name: str, pattern: str) -> None:
    """Check that each non-null text matches a regular expression as a whole."""
    column = table.column(name)
    fits = pc.fill_null(pc.match_substring_regex(column, rf"\A(?:{pattern})\z"), True)
    _rows(table, name, ~fits.to_numpy(), f"like {pattern}", column)


def _one_of(table: pa.Table, name: str, allowed: Sequence[str]) -> None:
    column = table.column(name)
    known = pc.is_in(column, value_set=pa.array(allowed, pa.string())).to_numpy()
    _rows(table, name, ~known, f"one of {', '.join(allowed)}", column)


def _in_range(table: pa.Table, name: str, low: float, high: float | None) -> None:
    """Check that every non-null number is finite and from `low` to `high`."""
    column = table.column(name)
    known = pc.is_valid(column).to_numpy()
    values = pc.fill_null(column, 0).to_numpy()
    outside = (
        ~np.isfinite(values)
        | (values < low - ROUNDING_ERROR)
        | (values > (np.inf if high is None else high + ROUNDING_ERROR))
    )
    rule = f"from {low:g} to {high:g}" if high is not None else f"from {low:g}"
    _rows(table, name, known & outside, rule, column)


def _items_in_range(table: pa.Table, name: str, values: Values, low: float, high: float) -> None:
    """Check the range of all items of a list column."""
    if values.size and not (values.min() >= low and values.max() <= high):  # NaN is invalid too
        _items(table, name, ~((values >= low) & (values <= high)), f"from {low:g} to {high:g}", values)


def _changes(table: pa.Table, name: str, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Check lists of changes: first at tick 0, ascending, values in range."""
    lengths = _lengths(table, name)
    _rows(table, name, lengths < 1, "at least one change", lengths)
    ticks = _flat(table, name, "tick")
    first = np.zeros(len(ticks), bool)
    first[_starts(table, name)] = True
    _items(table, name, first & (ticks != 0), "a first change at tick 0", ticks)
    _items_in_range(table, name, ticks, 0, MAX_TICK)
    _ascending(table, name, "ticks", ticks, strictly=True)
    for part, (low, high) in ranges.items():
        _items_in_range(table, name, _flat(table, name, part), low, high)


def _ascending(table: pa.Table, name: str, what: str, values: Values, *, strictly: bool) -> None:
    """Check that the values of each list are in ascending order."""
    invalid = np.zeros(len(values), bool)
    invalid[1:] = values[1:] <= values[:-1] if strictly else values[1:] < values[:-1]
    invalid[_starts(table, name)] = False
    _items(table, name, invalid, f"{what} in ascending order", values)


def _values(table: pa.Table, name: str) -> pa.Array:
    """Return the items of all lists of a column, concatenated."""
    parts = [chunk.flatten() for chunk in table.column(name).chunks]
    return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)


def _flat(table: pa.Table, name: str, part: str | None = None) -> Values:
    """Return the items of all lists of a column, or one field of them, as an array."""
    values = _values(table, name)
    found: Values = (values if part is None else values.field(part)).to_numpy(zero_copy_only=False)
    return found


def _lengths(table: pa.Table, name: str) -> Values:
    lengths: Values = pc.list_value_length(table.column(name)).to_numpy()
    return lengths


def _starts(table: pa.Table, name: str) -> Values:
    """Return the index of the first item of each list, none of which is empty."""
    ends: Values = np.cumsum(_lengths(table, name), dtype=np.int64)
    return np.concatenate([[0], ends[:-1]])[: len(ends)]


def _rows(table: pa.Table, name: str, invalid: Flags, rule: str, values: Any) -> None:
    """Raise FaultError for the first invalid row."""
    if invalid.any():
        row = int(invalid.argmax())
        _fail(name, row, rule, values[row])


def _items(table: pa.Table, name: str, invalid: Flags, rule: str, values: Values) -> None:
    """Raise FaultError for the first invalid item of a list."""
    if invalid.any():
        item = int(invalid.argmax())
        row = int(np.searchsorted(np.cumsum(_lengths(table, name)), item, side="right"))
        _fail(name, row, rule, values[item])


def _fail(name: str, row: int, rule: str, value: Any) -> None:
    plain = value.as_py() if isinstance(value, pa.Scalar) else value.item() if isinstance(value, np.generic) else value
    shown = "null" if plain is None else repr(plain)[:MAX_SHOWN]
    raise FaultError(f"{name}: row {row} has {shown}, must be {rule}")
