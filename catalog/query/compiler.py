"""Compile a subset of `pandas.DataFrame.query` to an Arrow expression.

The text is parsed and each node is checked against a whitelist; it is never evaluated. A query
matches the same rows as in pandas, also where values are missing. The module does no I/O, and of
the catalog it knows only the schema that it is given.
"""

import ast
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catalog.base.errors import QueryError
from catalog.query.methods import LENGTH, method_of
from catalog.query.operands import (
    INT64,
    NUMBER,
    TEXT,
    Operand,
    check_depth,
    comparable,
    constant_for,
    get_field,
    operand,
    valid_text,
)
from catalog.query.re2 import to_re2
from catalog.query.syntax import columns_of, condition_texts, conjuncts, equalities, named_values, parse, source_of

__all__ = [
    "Condition",
    "columns_of",
    "compile_query",
    "condition_texts",
    "conditions",
    "equalities",
    "named_values",
    "parse",
]

_INCLUSIVE = {
    "both": (ast.GtE, ast.LtE),
    "left": (ast.GtE, ast.Lt),
    "right": (ast.Gt, ast.LtE),
    "neither": (ast.Gt, ast.Lt),
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@dataclass(frozen=True, slots=True)
class _Predicate:
    """A compiled condition; unless `exact`, null stands for False."""

    arrow: Any
    exact: bool

    def negated(self) -> "_Predicate":
        return _Predicate(~(self.arrow if self.exact else pc.coalesce(self.arrow, pc.scalar(False))), exact=True)


def compile_query(text: str, schema: pa.Schema) -> pc.Expression:
    """Return the query `text` as an Arrow expression over the columns of `schema`.

    Rows for which the expression is null do not match. Raises QueryError if the query is invalid,
    uses an unknown column, or compares values that cannot be compared. The message names the
    nearest valid column or method.
    """
    return _predicate(parse(text), schema, 0).arrow


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One of the conditions that a query joins with `and`.

    It equals only itself, since Arrow's expressions cannot be compared. It has the columns that the condition uses,
    and the expression. A row for which the expression is null does not match.
    """

    columns: frozenset[str]
    arrow: pc.Expression


def conditions(text: str, schema: pa.Schema) -> list[Condition]:
    """Return the conditions that `text` joins with `and`; at least one.

    A row matches the query if it matches all of them. Raises QueryError as `compile_query` does.
    """
    compile_query(text, schema)  # checks the depth of the whole query
    return [
        Condition(
            frozenset(node.id for node in ast.walk(part) if isinstance(node, ast.Name)),
            _predicate(part, schema, 0).arrow,
        )
        for part in conjuncts(text)
    ]


def _predicate(node: ast.expr, schema: pa.Schema, depth: int) -> _Predicate:
    check_depth(depth)
    match node:
        case ast.BoolOp(op=op, values=values):
            join = operator.and_ if isinstance(op, ast.And) else operator.or_
            return _join(join, [_predicate(value, schema, depth + 1) for value in values])
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=inner):
            return _predicate(inner, schema, depth + 1).negated()
        case ast.Compare(left=left, ops=ops, comparators=others):
            pairs = zip([left, *others], ops, others, strict=False)
            return _join(operator.and_, [_comparison(a, op, b, schema, depth + 1) for a, op, b in pairs])
        case ast.Call():
            return _call(node, schema, depth + 1)
        case ast.Name(id=name) if pa.types.is_boolean(get_field(name, schema).type):
            return _Predicate(pc.field(name), exact=False)
        case _:
            raise QueryError(f"{source_of(node)} is not a condition; compare it with a value, as in series == 'zelda'")


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr, schema: pa.Schema, depth: int) -> _Predicate:
    if isinstance(op, ast.Is | ast.IsNot):
        raise QueryError("`is` is not supported; use ==, .isna() or .notna()")
    if isinstance(right, ast.List | ast.Tuple):
        if not isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
            raise QueryError(f"{source_of(right)} is a list; use lists with in, not in, == and !=")
        member = _membership(left, right.elts, schema, depth)
        return member if isinstance(op, ast.Eq | ast.In) else member.negated()
    if isinstance(op, ast.In | ast.NotIn):
        raise QueryError(
            f"`in` needs a list, as in series in ['zelda', 'mario'], not {source_of(right)}; "
            "to search within a text: title.str.contains('…')"
        )
    a, b = comparable(operand(left, schema, depth), operand(right, schema, depth))
    compared = _COMPARE[type(op)](a, b)
    if isinstance(op, ast.NotEq):  # in pandas a missing value differs from all values
        return _Predicate(pc.coalesce(compared, pc.scalar(True)), exact=True)
    return _Predicate(compared, exact=False)


def _membership(left: ast.expr, elements: Sequence[ast.expr], schema: pa.Schema, depth: int) -> _Predicate:
    column = operand(left, schema, depth)
    if column.is_constant:
        raise QueryError(f"{column.source} is a constant; the left side of `in` must be a column")
    values = [operand(element, schema, depth) for element in elements]
    for value in values:
        if not value.is_constant:
            raise QueryError(f"{value.source} is a column; a list may have only constants")
    constants = [constant_for(column, value) for value in values]
    if column.kind != NUMBER:
        return _Predicate(column.arrow.isin(pa.array(constants, column.type)), exact=True)
    if pa.types.is_integer(column.type):
        whole = [int(c) for c in constants if math.isfinite(c) and int(c) == c and int(c) in INT64]
        return _Predicate(column.arrow.isin(pa.array(whole, pa.int64())), exact=True)
    return _Predicate(column.as_float().isin(pa.array(map(float, constants), pa.float64())), exact=True)


def _call(node: ast.Call, schema: pa.Schema, depth: int) -> _Predicate:
    subject, name = method_of(node)
    if name == LENGTH:
        raise QueryError(f"{source_of(node)} is a number; compare it, as in title.{LENGTH}() > 20")
    if name == "isin":
        return _membership(subject, _list_argument(node), schema, depth)
    if name == "between":
        return _between(subject, node, schema, depth)
    column = operand(subject, schema, depth)
    if column.is_constant:
        raise QueryError(f"{column.source} is a constant; .{name} needs a column")
    if name.startswith("str."):
        return _text_method(name, column, node)
    if node.args or node.keywords:
        raise QueryError(f".{name}() takes no arguments")
    missing = _Predicate(pc.is_null(column.arrow, nan_is_null=True), exact=True)
    return missing.negated() if name.startswith("not") else missing


def _list_argument(node: ast.Call) -> Sequence[ast.expr]:
    """Return the elements of the one argument of .isin."""
    match node:
        case ast.Call(args=[ast.List() | ast.Tuple() | ast.Set() as values], keywords=[]):
            return values.elts
    raise QueryError(".isin needs one list, as in series.isin(['zelda', 'mario'])")


def _between(subject: ast.expr, node: ast.Call, schema: pa.Schema, depth: int) -> _Predicate:
    """Return the two comparisons that .between stands for."""
    match node:
        case ast.Call(args=[low, high], keywords=[]):
            inclusive = "both"
        case ast.Call(
            args=[low, high], keywords=[ast.keyword(arg="inclusive", value=ast.Constant(value=str(inclusive)))]
        ):
            pass
        case _:
            inclusive = ""
    if inclusive not in _INCLUSIVE:
        raise QueryError(
            f".between needs two values, as in bytes.between(1, 9), and may have inclusive={', '.join(map(repr, _INCLUSIVE))}"
        )
    ops = _INCLUSIVE[inclusive]
    compared = [_comparison(subject, op(), bound, schema, depth) for op, bound in zip(ops, (low, high), strict=True)]
    return _Predicate(pc.coalesce(_join(operator.and_, compared).arrow, pc.scalar(False)), exact=True)


def _text_method(name: str, column: Operand, node: ast.Call) -> _Predicate:
    if column.kind != TEXT:
        raise QueryError(f"{column.source} is a {column.kind}; .{name} needs a text column")
    contains = name == "str.contains"
    options = _options(name, node, {"case": True, "regex": True, "na": False} if contains else {"na": False})
    texts = _texts(name, node, many=not contains)
    if contains:
        match = pc.match_substring_regex if options["regex"] else pc.match_substring
        pattern = to_re2(texts[0]) if options["regex"] else texts[0]
        found = match(column.arrow, pattern, ignore_case=not options["case"])
    else:
        function = pc.starts_with if name == "str.startswith" else pc.ends_with
        found = _join_balanced(operator.or_, [function(column.arrow, text) for text in texts])
    return _Predicate(pc.coalesce(found, pc.scalar(options["na"])), exact=True)


def _options(name: str, node: ast.Call, options: dict[str, bool]) -> dict[str, bool]:
    """Return `options` updated with the keyword arguments of `node`."""
    chosen = dict(options)
    for keyword in node.keywords:
        if keyword.arg not in options:
            raise QueryError(f".{name} takes {', '.join(options)}, not {keyword.arg or '**'}")
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if not isinstance(value, bool):
            raise QueryError(f"{keyword.arg}= of .{name} must be True or False, not {source_of(keyword.value)}")
        chosen[keyword.arg] = value
    return chosen


def _texts(name: str, node: ast.Call, *, many: bool) -> list[str]:
    """Return the text arguments of the method `name`.

    That is one text, or a tuple of texts if `many` is set.
    """
    argument = node.args[0] if len(node.args) == 1 else None
    elements = argument.elts if many and isinstance(argument, ast.Tuple) else [argument]
    texts = [valid_text(e.value) for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    if not texts or len(texts) != len(elements):
        raise QueryError(f".{name} needs one text in quotes, as in title.{name}('Boss')")
    return texts


def _join(join: Callable[[Any, Any], Any], parts: Sequence[_Predicate]) -> _Predicate:
    return _Predicate(_join_balanced(join, [part.arrow for part in parts]), exact=all(part.exact for part in parts))


def _join_balanced(join: Callable[[Any, Any], Any], parts: Sequence[Any]) -> Any:
    """Join `parts` as a balanced tree, to limit the nesting depth."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return join(_join_balanced(join, parts[:middle]), _join_balanced(join, parts[middle:]))
