"""Cells of CSV, harmless where they are opened: no control characters, and no text that a spreadsheet takes for a formula.

In: rows of plain values. Out: the text of the file. Every CSV of ours is written here, and nothing else imports `csv` to write.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from catalog.base.console import clean

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four are =, +, - and @ in full width
"""What a spreadsheet takes for the start of a formula, or passes over before one."""


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV, a line feed after each row; None is an empty cell, and numbers stay as they are."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([escape_formula(name) for name in header])
    writer.writerows([escape_formula(cell) for cell in row] for row in rows)
    return text.getvalue()


def escape_formula(cell: object) -> object:
    """Return what may stand in a cell for `cell`: a text is cleaned, and gets an apostrophe in front where it would be a formula."""
    if not isinstance(cell, str):
        return "" if cell is None else cell
    plain = clean(cell)
    return f"'{plain}" if plain.startswith(FORMULA) else plain
