"""Operands of a comparison: columns, constants, and arithmetic over them.

Each operand has a kind and is ready for Arrow. Arithmetic uses 64-bit floating point. A time is
written as text, in UTC unless it names a time zone, and equals the same moment in any zone. (In
pandas queries a time never equals a text.)
"""

import ast
import difflib
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catalog.base.errors import QueryError
from catalog.query.methods import LENGTH, NO_PARTS, method_of
from catalog.query.syntax import MAX_DEPTH, shorten, source_of

NUMBER, TEXT, TIME = "number", "text", "time"
INT64 = range(-(2**63), 2**63)

_ARITHMETIC: dict[type[ast.operator], tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    ast.Add: (operator.add, pc.add),
    ast.Sub: (operator.sub, pc.subtract),
    ast.Mult: (operator.mul, pc.multiply),
    ast.Div: (operator.truediv, pc.divide),
}


@dataclass(frozen=True, slots=True)
class Operand:
    """A constant, or an Arrow expression `arrow` over columns with its `type`.

    `arrow` is None for a constant. `source` is its text in the query.
    """

    kind: str
    source: str
    constant: Any = None
    arrow: Any = None
    type: Any = None

    @property
    def is_constant(self) -> bool:
        return self.arrow is None

    def as_float(self) -> Any:
        """Return the numbers as float64; beyond 2**53 they are rounded, as in pandas."""
        return self.arrow.cast(pa.float64(), safe=False)


def check_depth(depth: int) -> None:
    """Raise QueryError if `depth` exceeds MAX_DEPTH."""
    if depth > MAX_DEPTH:
        raise QueryError(f"the query is nested more than {MAX_DEPTH} levels deep; use a list: game in ['…', '…']")


def get_field(name: str, schema: pa.Schema) -> pa.Field:
    """Return the field `name` of `schema`.

    Raises QueryError with the nearest name if there is none.
    """
    if name in schema.names:
        return schema.field(name)
    close = difflib.get_close_matches(name, schema.names, n=1, cutoff=0.5)
    nearest = f"nearest: {close[0]}" if close else f"columns: {', '.join(schema.names)}"
    raise QueryError(f"no column {shorten(name)!r}; {nearest} (a text needs quotes: '{shorten(name)}')")


def valid_text(text: str) -> str:
    """Return `text`. Raises QueryError if it contains a lone surrogate.

    No column can contain one.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise QueryError(f"{shorten(ascii(text))} contains a lone surrogate") from None
    return text


def parse_columns(names: str, schema: pa.Schema) -> list[str]:
    """Return the comma-separated column names in `names`, or all for "all".

    Raises QueryError for an unknown, empty or repeated name.
    """
    if names.strip() == "all":
        return list(schema.names)
    if not all(name.strip() for name in names.split(",")):
        raise QueryError("columns: an empty name; give comma-separated names, or all")
    chosen = [get_field(name.strip(), schema).name for name in names.split(",")]
    repeated = sorted({name for name in chosen if chosen.count(name) > 1})
    if repeated:
        raise QueryError(f"columns: {', '.join(repeated)} repeated; name each once")
    return chosen


def operand(node: ast.expr, schema: pa.Schema, depth: int) -> Operand:
    """Return the operand that `node` stands for.

    Raises QueryError if it cannot be compared.
    """
    check_depth(depth)
    match node:
        case ast.Constant(value=bool() | None as value):
            raise QueryError(f"{value!r} cannot be compared; for missing values: .isna(), .notna()")
        case ast.Constant(value=str() as text):
            return Operand(TEXT, shorten(repr(text)), constant=valid_text(text))
        case ast.Constant(value=int() | float() as number):
            return Operand(NUMBER, shorten(repr(number)), constant=number)
        case ast.Name(id=name):
            kind = get_field(name, schema).type
            return Operand(_kind(name, kind), name, arrow=pc.field(name), type=kind)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=inner):
            factor = Operand(NUMBER, "", constant=-1 if isinstance(sign, ast.USub) else 1)
            return _arithmetic(node, factor, ast.Mult, operand(inner, schema, depth + 1))
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) not in _ARITHMETIC:
                raise QueryError(f"the arithmetic in {source_of(node)} is not supported; use + - * /")
            return _arithmetic(node, operand(left, schema, depth + 1), type(op), operand(right, schema, depth + 1))
        case ast.Call() if method_of(node)[1] == LENGTH:
            return _length(node, schema, depth)
        case ast.Compare() | ast.BoolOp() | ast.Call() | ast.UnaryOp():
            raise QueryError(f"{source_of(node)} is true or false and cannot be compared; join it with and, or, not")
        case ast.Attribute(value=ast.Attribute(attr="dt")):
            raise QueryError(NO_PARTS)
        case _:
            raise QueryError(f"{source_of(node)} is not a column, a number or a text in quotes")


def _length(node: ast.Call, schema: pa.Schema, depth: int) -> Operand:
    """Return the number of characters of a text column."""
    column = operand(method_of(node)[0], schema, depth + 1)
    if column.is_constant or column.kind != TEXT:
        raise QueryError(f"{column.source} is no text column; .{LENGTH} needs one, as in title.{LENGTH}() > 20")
    if node.args or node.keywords:
        raise QueryError(f".{LENGTH}() takes no arguments")
    return Operand(NUMBER, source_of(node), arrow=pc.utf8_length(column.arrow), type=pa.int32())


def _arithmetic(node: ast.expr, left: Operand, op: type[ast.operator], right: Operand) -> Operand:
    for side in (left, right):
        if side.kind != NUMBER:
            raise QueryError(f"{side.source} is a {side.kind}; arithmetic needs numbers")
    on_constants, on_columns = _ARITHMETIC[op]
    if left.is_constant and right.is_constant:
        try:
            return Operand(NUMBER, source_of(node), constant=on_constants(left.constant, right.constant))
        except (ZeroDivisionError, OverflowError) as error:
            raise QueryError(f"{source_of(node)}: {error}") from None
    sides = [pc.scalar(_float(v.constant)) if v.is_constant else v.as_float() for v in (left, right)]
    return Operand(NUMBER, source_of(node), arrow=on_columns(*sides), type=pa.float64())


def comparable(left: Operand, right: Operand) -> tuple[Any, Any]:
    """Return both sides of a comparison as Arrow expressions of comparable types.

    Raises QueryError if they cannot be compared.
    """
    if left.is_constant and right.is_constant:
        raise QueryError(f"{left.source} and {right.source} are both constants; one side must be a column")
    if left.is_constant:
        column, constant = comparable(right, left)
        return constant, column
    if right.is_constant:
        value = constant_for(left, right)
        if left.kind == NUMBER and isinstance(value, float):
            return left.as_float(), pc.scalar(value)
        return left.arrow, pc.scalar(pa.scalar(value, left.type) if left.kind == TIME else value)
    if left.kind != right.kind:
        raise QueryError(f"{left.source} is a {left.kind}, {right.source} a {right.kind}: they cannot be compared")
    if left.kind == NUMBER and left.type != right.type:
        return left.as_float(), right.as_float()
    return left.arrow, right.arrow


def constant_for(column: Operand, constant: Operand) -> Any:
    """Return the Python value of `constant`, converted for comparison with `column`.

    Raises QueryError if it is of another kind.
    """
    if column.kind == TIME and constant.kind == TEXT:
        return _time(constant.constant)
    if column.kind != constant.kind:
        quotes = " in quotes" if column.kind in (TEXT, TIME) else ""
        raise QueryError(
            f"{column.source} is a {column.kind}: compare it with a {column.kind}{quotes}, not {constant.source}"
        )
    if column.kind == NUMBER:
        exact = pa.types.is_integer(column.type) and isinstance(constant.constant, int) and constant.constant in INT64
        return constant.constant if exact else _float(constant.constant)
    return constant.constant


def _kind(name: str, kind: pa.DataType) -> str:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return TEXT
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return NUMBER
    if pa.types.is_timestamp(kind):
        return TIME
    raise QueryError(f"{name} is of type {kind}, which cannot be compared")


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(
            f"{shorten(text)!r} is not a time; write it like '2026-01-31' or '2026-01-31T12:00:00+00:00'"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise QueryError("a number in the query is too large") from None
