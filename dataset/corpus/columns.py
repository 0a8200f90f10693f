"""Checks on the columns of a table from a file: whole columns at once.

Each check raises `FaultError`, which names the column, the first invalid row and its value.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ROUNDING_ERROR = 1e-9  # tolerance of a computed value at the ends of its range
MAX_SHOWN = 60  # characters of a value shown in a message

Values = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


class FaultError(ValueError):
    """An invalid table; the message has the column, row, value and rule."""


def with_schema(table: pa.Table, schema: pa.Schema, may_be_null: Iterable[str]) -> pa.Table:
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
            check_rows(table, field.name, column.is_null().to_numpy(), "a value", column)
        if pa.types.is_list(field.type):
            values = _values(table, field.name)
            parts = [values, *(values.field(i) for i in range(values.type.num_fields))]
            if any(part.null_count for part in parts):
                raise FaultError(f"{field.name}: has null within a list, must have values")
    return table


def check_pattern(table: pa.Table, name: str, pattern: str) -> None:
    """Check that each non-null text matches a regular expression as a whole."""
    column = table.column(name)
    fits = pc.fill_null(pc.match_substring_regex(column, rf"\A(?:{pattern})\z"), True)
    check_rows(table, name, ~fits.to_numpy(), f"like {pattern}", column)


def check_one_of(table: pa.Table, name: str, allowed: Sequence[str]) -> None:
    column = table.column(name)
    known = pc.is_in(column, value_set=pa.array(allowed, pa.string())).to_numpy()
    check_rows(table, name, ~known, f"one of {', '.join(allowed)}", column)


def check_range(table: pa.Table, name: str, low: float, high: float | None) -> None:
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
    check_rows(table, name, known & outside, rule, column)


def check_items_range(table: pa.Table, name: str, values: Values, low: float, high: float) -> None:
    """Check the range of all items of a list column."""
    if values.size and not (values.min() >= low and values.max() <= high):  # NaN is invalid too
        check_items(table, name, ~((values >= low) & (values <= high)), f"from {low:g} to {high:g}", values)


def check_ascending(table: pa.Table, name: str, what: str, values: Values, *, strictly: bool) -> None:
    """Check that the values of each list are in ascending order."""
    invalid = np.zeros(len(values), bool)
    invalid[1:] = values[1:] <= values[:-1] if strictly else values[1:] < values[:-1]
    invalid[list_starts(table, name)] = False
    check_items(table, name, invalid, f"{what} in ascending order", values)


def _values(table: pa.Table, name: str) -> pa.Array:
    """Return the items of all lists of a column, concatenated."""
    parts = [chunk.flatten() for chunk in table.column(name).chunks]
    return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)


def flat(table: pa.Table, name: str, part: str | None = None) -> Values:
    """Return the items of all lists of a column, or one field of them, as an array."""
    values = _values(table, name)
    found: Values = (values if part is None else values.field(part)).to_numpy(zero_copy_only=False)
    return found


def list_lengths(table: pa.Table, name: str) -> Values:
    lengths: Values = pc.list_value_length(table.column(name)).to_numpy()
    return lengths


def check_rows(table: pa.Table, name: str, invalid: Flags, rule: str, values: Any) -> None:
    """Raise FaultError for the first invalid row."""
    if invalid.any():
        row = int(invalid.argmax())
        _fail(name, row, rule, values[row])


def check_items(table: pa.Table, name: str, invalid: Flags, rule: str, values: Values) -> None:
    """Raise FaultError for the first invalid item of a list."""
    if invalid.any():
        item = int(invalid.argmax())
        row = int(np.searchsorted(np.cumsum(list_lengths(table, name)), item, side="right"))
        _fail(name, row, rule, values[item])


def _fail(name: str, row: int, rule: str, value: Any) -> None:
    plain = value.as_py() if isinstance(value, pa.Scalar) else value.item() if isinstance(value, np.generic) else value
    shown = "null" if plain is None else repr(plain)[:MAX_SHOWN]
    raise FaultError(f"{name}: row {row} has {shown}, must be {rule}")


def list_starts(table: pa.Table, name: str) -> Values:
    """Return the index of the first item of each list that is not empty."""
    lengths = list_lengths(table, name)
    starts: Values = np.cumsum(lengths, dtype=np.int64) - lengths
    return starts[lengths > 0]
