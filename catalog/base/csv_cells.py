"""CSV text with cells that no spreadsheet evaluates as a formula.

In: rows of plain values. Out: the text of a CSV file, without control characters. All CSV output is
written by this module.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from catalog.base.console import clean

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four are full-width =, +, - and @
"""Characters that start a formula in a spreadsheet, or that it ignores before one."""


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV text with a line feed after each row.

    None becomes an empty cell. Numbers are written unchanged.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([escape_formula(name) for name in header])
    writer.writerows([escape_formula(cell) for cell in row] for row in rows)
    return text.getvalue()


def escape_formula(cell: object) -> object:
    """Return the value to write for `cell`, with text cleaned and formulas escaped.

    Text that a spreadsheet would read as a formula gets a leading apostrophe.
    """
    if not isinstance(cell, str):
        return "" if cell is None else cell
    plain = clean(cell)
    return f"'{plain}" if plain.startswith(FORMULA) else plain
