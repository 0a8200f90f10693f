"""The methods that queries may call, and advice for others that pandas has. No Arrow, no schema."""

import ast
import difflib

from catalog.base.errors import QueryError
from catalog.query.syntax import source_of

CONDITIONS = (
    *("str.contains", "str.startswith", "str.endswith", "isna", "notna", "isnull", "notnull", "isin", "between"),
)  # true or false for each row
LENGTH = "str.len"  # a number for each row
METHODS = (*CONDITIONS, LENGTH)
NO_PARTS = ".dt is not available; compare a time with a text, as in fetched_at >= '2026-01-31'"
_AVAILABLE = "available: ." + ", .".join(METHODS)
_WHOLE = "use .str.contains with ^ and $, as in title.str.contains('^Boss')"
_CASE = "to ignore case: title.str.contains('boss', case=False)"
ADVICE = {
    "str.lower": _CASE,
    "str.upper": _CASE,
    "str.casefold": _CASE,
    "str.match": _WHOLE,
    "str.fullmatch": _WHOLE,
    "eq": "write ==",
    "ne": "write !=",
    "lt": "write <",
    "le": "write <=",
    "gt": "write >",
    "ge": "write >=",
    "fillna": "for missing values: .isna(), .notna()",
}  # what to write instead of a method of pandas


def method_of(node: ast.Call) -> tuple[ast.expr, str]:
    """Return what a method is called on, and its name, such as "str.len".

    Raises QueryError, with what to write instead, if there is no such method.
    """
    match node.func:
        case ast.Attribute(value=ast.Attribute(value=subject, attr="str"), attr=attribute):
            name = f"str.{attribute}"
        case ast.Attribute(value=ast.Attribute(attr="dt")):
            raise QueryError(NO_PARTS)
        case ast.Attribute(value=subject, attr=name):
            pass
        case ast.Name(id="len"):
            raise QueryError("len() is not available; write title.str.len()")
        case _:
            raise QueryError(f"{source_of(node.func)}(…) is not an available function; {_AVAILABLE}")
    if name in METHODS:
        return subject, name
    if name in ADVICE:
        raise QueryError(f".{name} is not available; {ADVICE[name]}")
    candidates = {method.rpartition(".")[2]: method for method in METHODS}
    close = difflib.get_close_matches(name.rpartition(".")[2], candidates, n=1, cutoff=0.5)
    nearest = f"nearest: .{candidates[close[0]]}; " if close else ""
    raise QueryError(f"no method .{name}; {nearest}{_AVAILABLE}")
