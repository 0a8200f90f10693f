"""Format Arrow tables as a text table, CSV or JSON.

The output is safe to open: it has no control characters for a terminal and no cell that a
spreadsheet evaluates as a formula.
"""

import io
import json
import sys
from datetime import datetime
from typing import Any

import pyarrow as pa

from catalog.base.console import Format, clean
from catalog.base.csv_cells import csv_text

UNLIMITED_WIDTH = 100_000  # characters per line without a terminal, so that no cell is wrapped


def render(table: pa.Table, form: Format) -> str:
    """Return `table` as text without a trailing line feed.

    Times are written as ISO 8601. A missing value is empty, or null in JSON.
    """
    if form is Format.json:
        rows = [{name: _json_value(value) for name, value in row.items()} for row in table.to_pylist()]
        return json.dumps(rows, indent=1, allow_nan=False)
    if form is Format.csv:
        return _as_csv(table)
    return _as_table(table)


def _json_value(value: Any) -> Any:
    """Return `value` as a JSON value."""
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def _cell(value: Any) -> str:
    plain = _json_value(value)
    return "" if plain is None else clean(str(plain))


def _as_csv(table: pa.Table) -> str:
    rows = ([_json_value(value) for value in row.values()] for row in table.to_pylist())
    return csv_text(table.column_names, rows).rstrip("\n")


def _as_table(table: pa.Table) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout.isatty()
    rich_table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for field in table.schema:
        is_number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        rich_table.add_column(
            field.name, justify="right" if is_number else "left", overflow="fold", no_wrap=not on_terminal
        )
    for row in table.to_pylist():
        rich_table.add_row(*(Text(_cell(_rounded(value))) for value in row.values()))
    text = io.StringIO()
    console = Console(file=text, width=None if on_terminal else UNLIMITED_WIDTH, color_system=None)
    console.print(rich_table)
    return "\n".join(line.rstrip() for line in text.getvalue().strip("\n").splitlines())


def _rounded(value: Any) -> Any:
    """Return `value` for display: numbers to three decimals, times to the second."""
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return value.replace(microsecond=0) if isinstance(value, datetime) else value
