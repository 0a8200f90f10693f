"""The query language: the useful subset of `pandas.DataFrame.query`, turned into an Arrow expression.

The text is parsed, checked node by node against a whitelist, and never evaluated; rows that come out are those that
pandas gives, also where values are missing. Pure: no I/O, no catalog. In comparisons with times, a time without a zone is UTC.
"""

import ast
import difflib
import io
import operator
import tokenize
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import QueryError
from catalog.patterns import to_re2

LONGEST = 20_000  # characters of a query
DEEPEST = 100  # levels of brackets and operators in a query

NUMBER, TEXT, TIME = "number", "text", "time"
METHODS = ("str.contains", "str.startswith", "str.endswith", "isna", "notna", "isnull", "notnull")
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type[ast.operator], tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    ast.Add: (operator.add, pc.add),
    ast.Sub: (operator.sub, pc.subtract),
    ast.Mult: (operator.mul, pc.multiply),
    ast.Div: (operator.truediv, pc.divide),
}


@dataclass(frozen=True, slots=True)
class _Value:
    """A column, a constant or arithmetic over them; `constant` is set for constants only, `arrow` for the others only."""

    kind: str
    said: str
    constant: Any = None
    arrow: Any = None
    type: Any = None


@dataclass(frozen=True, slots=True)
class _Truth:
    """A condition; where not `exact`, null stands for False."""

    arrow: Any
    exact: bool

    def settled(self) -> Any:
        return self.arrow if self.exact else pc.coalesce(self.arrow, pc.scalar(False))


def compile_query(text: str, schema: pa.Schema) -> pc.Expression:
    """Return `text` as an Arrow expression over the columns of `schema`.

    Raises QueryError for what is no query, names no column of `schema`, or compares what cannot be compared; the
    message names the nearest right column or method.
    """
    truth = _Compiler(text, schema).truth(_parse(text), 0)
    return truth.arrow


def columns_of(text: str) -> set[str]:
    """Return the names that the query `text` uses. Raises QueryError where it does not parse."""
    return {node.id for node in ast.walk(_parse(text)) if isinstance(node, ast.Name)}


def equalities(text: str) -> list[tuple[str, str]]:
    """Return each (column, text) that the query `text` demands to be equal, in the order written: for hints."""
    found = []
    for node in ast.walk(_parse(text)):
        if (
            isinstance(node, ast.Compare)
            and isinstance(node.left, ast.Name)
            and isinstance(node.ops[0], ast.Eq | ast.In)
        ):
            constants = ast.walk(node.comparators[0])
            found += [
                (node.left.id, c.value) for c in constants if isinstance(c, ast.Constant) and isinstance(c.value, str)
            ]
    return found


def _parse(text: str) -> ast.expr:
    """Return the syntax tree of `text`, with `&` and `|` as loose as `and` and `or`, as in pandas."""
    if len(text) > LONGEST:
        raise QueryError(f"the query is {len(text)} characters long; {LONGEST} are the most")
    try:
        lines = io.StringIO(text.strip()).readline
        tokens = [(kind, {"&": "and", "|": "or"}.get(word, word)) for kind, word, *_ in tokenize.generate_tokens(lines)]
        return ast.parse(tokenize.untokenize(tokens).strip(), mode="eval").body
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error) or "too deeply nested"
        hint = _syntax_hint(text)
        raise QueryError(f"the query {_short(text)!r} cannot be read: {why}{hint}") from None


def _syntax_hint(text: str) -> str:
    if "@" in text:
        return "; variables (@) are not known here, write the value itself"
    if "`" in text:
        return "; no column needs backticks"
    if "=" in text.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", ""):
        return "; equality is written =="
    return "; an example: series == 'zelda' and bytes > 1000"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


class _Compiler:
    def __init__(self, text: str, schema: pa.Schema) -> None:
        self._text = text
        self._schema = schema

    # conditions

    def truth(self, node: ast.expr, depth: int) -> _Truth:
        self._check(depth)
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = [self.truth(value, depth + 1) for value in values]
                return _joined(operator.and_ if isinstance(op, ast.And) else operator.or_, parts)
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                return _Truth(~self.truth(operand, depth + 1).settled(), exact=True)
            case ast.Compare(left=left, ops=ops, comparators=right):
                sides = [left, *right]
                pairs = zip(sides[:-1], ops, sides[1:], strict=True)
                return _joined(operator.and_, [self._comparison(a, op, b, depth + 1) for a, op, b in pairs])
            case ast.Call():
                return self._call(node, depth + 1)
            case ast.Name(id=name) if pa.types.is_boolean(self._field(name).type):
                return _Truth(pc.field(name), exact=False)
            case _:
                raise QueryError(
                    f"{self._said(node)} is no condition; compare it with something, such as series == 'zelda'"
                )

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int) -> _Truth:
        if isinstance(op, ast.Is | ast.IsNot):
            raise QueryError("`is` is not known here; use ==, .isna() or .notna()")
        if isinstance(right, ast.List | ast.Tuple):
            if not isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                raise QueryError(f"{self._said(right)} is a list; lists go with in, not in, == and !=")
            member = self._membership(left, right.elts, depth)
            return member if isinstance(op, ast.Eq | ast.In) else _Truth(~member.arrow, exact=True)
        if isinstance(op, ast.In | ast.NotIn):
            raise QueryError(
                f"`in` needs a list, such as series in ['zelda', 'mario'], not {self._said(right)}; "
                "for a part of a text: title.str.contains('…')"
            )
        a, b = self._fitted(self.value(left, depth), self.value(right, depth))
        compared = _COMPARE[type(op)](a, b)
        if isinstance(op, ast.NotEq):  # a missing value differs from everything, in pandas
            return _Truth(pc.coalesce(compared, pc.scalar(True)), exact=True)
        return _Truth(compared, exact=False)

    def _fitted(self, left: _Value, right: _Value) -> tuple[Any, Any]:
        """Return both sides of a comparison as Arrow expressions that can be compared."""
        if left.arrow is None and right.arrow is None:
            raise QueryError(f"{left.said} and {right.said} are both constants; one side must be a column")
        if left.arrow is None:
            b, a = self._fitted(right, left)
            return a, b
        if right.arrow is None:
            constant = self._as_kind(right, left)
            if left.kind == NUMBER and isinstance(constant, float):
                return left.arrow.cast(pa.float64()), pc.scalar(constant)
            return left.arrow, pc.scalar(pa.scalar(constant, left.type) if left.kind == TIME else constant)
        if left.kind != right.kind:
            raise QueryError(f"{left.said} is {_a(left.kind)}, {right.said} {_a(right.kind)}: they cannot be compared")
        return left.arrow, right.arrow

    def _as_kind(self, constant: _Value, column: _Value) -> Any:
        """Return the Python value of `constant`, made ready for a comparison with `column`."""
        if column.kind == TIME and constant.kind == TEXT:
            return _time(constant.constant)
        if column.kind != constant.kind:
            quoted = " (in quotes)" if column.kind == TEXT else ""
            raise QueryError(
                f"{column.said} is {_a(column.kind)}: compare it with {_a(column.kind)}{quoted}, not {constant.said}"
            )
        if column.kind == NUMBER and isinstance(constant.constant, int) and not -(2**63) <= constant.constant < 2**63:
            return _float(constant.constant)
        return constant.constant

    def _membership(self, left: ast.expr, elements: Sequence[ast.expr], depth: int) -> _Truth:
        column = self.value(left, depth)
        if column.arrow is None:
            raise QueryError(f"{column.said} is a constant; the left side of `in` must be a column")
        values = [self.value(element, depth) for element in elements]
        for value in values:
            if value.arrow is not None:
                raise QueryError(f"{value.said} is a column; a list may hold constants only")
        constants = [self._as_kind(value, column) for value in values]
        expression, kind = column.arrow, column.type
        if column.kind == NUMBER:
            kind = pa.float64() if any(isinstance(c, float) for c in constants) else pa.int64()
            if not pa.types.is_integer(column.type):
                kind = pa.float64()
            expression = expression.cast(kind)
        return _Truth(expression.isin(pa.array(constants, kind)), exact=True)

    def _call(self, node: ast.Call, depth: int) -> _Truth:
        match node.func:
            case ast.Attribute(value=ast.Attribute(value=subject, attr="str"), attr=attribute):
                name = f"str.{attribute}"
            case ast.Attribute(value=subject, attr=name):
                pass
            case _:
                raise QueryError(f"{self._said(node.func)}(…) is no function here; known are .{', .'.join(METHODS)}")
        if name not in METHODS:
            candidates = {method.rpartition(".")[2]: method for method in METHODS}
            close = difflib.get_close_matches(name.rpartition(".")[2], candidates, n=1, cutoff=0.5)
            nearest = f"; nearest: .{candidates[close[0]]}" if close else ""
            raise QueryError(f"no method .{name}{nearest}; known are .{', .'.join(METHODS)}")
        value = self.value(subject, depth)
        if value.arrow is None:
            raise QueryError(f"{value.said} is a constant; .{name} needs a column")
        if not name.startswith("str."):
            if node.args or node.keywords:
                raise QueryError(f".{name}() takes nothing between its brackets")
            missing = pc.is_null(value.arrow, nan_is_null=True)
            return _Truth(~missing if name.startswith("not") else missing, exact=True)
        if value.kind != TEXT:
            raise QueryError(f"{value.said} is {_a(value.kind)}; .{name} is for texts")
        return self._text_method(name, value, node)

    def _text_method(self, name: str, value: _Value, node: ast.Call) -> _Truth:
        contains = name == "str.contains"
        options: dict[str, Any] = {"case": True, "regex": True, "na": False} if contains else {"na": False}
        for keyword in node.keywords:
            if keyword.arg not in options:
                raise QueryError(f".{name} knows {', '.join(options)}, not {keyword.arg}")
            chosen = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if not isinstance(chosen, bool):
                raise QueryError(f"{keyword.arg}= of .{name} is True or False, not {self._said(keyword.value)}")
            options[keyword.arg] = chosen
        sought = node.args[0] if len(node.args) == 1 else None
        elements = sought.elts if isinstance(sought, ast.Tuple) and not contains else [sought]
        texts = [e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]
        if len(texts) != len(elements):
            raise QueryError(f".{name} needs one text in quotes, such as title.{name}('Boss')")
        if contains:
            match = pc.match_substring_regex if options["regex"] else pc.match_substring
            pattern = to_re2(texts[0]) if options["regex"] else texts[0]
            found = match(value.arrow, pattern, ignore_case=not options["case"])
        else:
            function = pc.starts_with if name == "str.startswith" else pc.ends_with
            found = _balanced(operator.or_, [function(value.arrow, text) for text in texts] or [pc.scalar(False)])
        return _Truth(pc.coalesce(found, pc.scalar(options["na"])), exact=True)

    # values

    def value(self, node: ast.expr, depth: int) -> _Value:
        self._check(depth)
        match node:
            case ast.Constant(value=bool() | None):
                raise QueryError(f"{node.value!r} is no value to compare with; missing values: .isna(), .notna()")
            case ast.Constant(value=str() as text):
                return _Value(TEXT, repr(text), constant=text)
            case ast.Constant(value=int() | float() as number):
                return _Value(NUMBER, str(number), constant=number)
            case ast.Name(id=name):
                kind = self._field(name).type
                return _Value(_kind(name, kind), name, arrow=pc.field(name), type=kind)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                value = self._number(operand, depth + 1)
                if isinstance(sign, ast.UAdd):
                    return value
                return self._arithmetic(node, _Value(NUMBER, "-1", constant=-1), ast.Mult, value)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return self._arithmetic(node, self._number(left, depth + 1), type(op), self._number(right, depth + 1))
            case ast.BinOp():
                raise QueryError(f"the arithmetic in {self._said(node)} is not known here; known are + - * /")
            case ast.Compare() | ast.BoolOp() | ast.Call() | ast.UnaryOp():
                raise QueryError(
                    f"{self._said(node)} is true or false: it cannot be compared; put and, or, not around it"
                )
            case _:
                raise QueryError(f"{self._said(node)} is neither a column nor a number nor a text in quotes")

    def _number(self, node: ast.expr, depth: int) -> _Value:
        value = self.value(node, depth)
        if value.kind != NUMBER:
            raise QueryError(f"{value.said} is {_a(value.kind)}; arithmetic needs numbers")
        return value

    def _arithmetic(self, node: ast.expr, left: _Value, op: type[ast.operator], right: _Value) -> _Value:
        on_constants, on_columns = _ARITHMETIC[op]
        if left.arrow is None and right.arrow is None:
            try:
                return _Value(NUMBER, self._said(node), constant=on_constants(left.constant, right.constant))
            except (ZeroDivisionError, OverflowError) as error:
                raise QueryError(f"{self._said(node)}: {error}") from None
        sides = [
            pc.scalar(_float(v.constant)) if v.arrow is None else v.arrow.cast(pa.float64()) for v in (left, right)
        ]
        return _Value(NUMBER, self._said(node), arrow=on_columns(*sides), type=pa.float64())

    # words

    def _field(self, name: str) -> pa.Field:
        if name in self._schema.names:
            return self._schema.field(name)
        close = difflib.get_close_matches(name, self._schema.names, n=1, cutoff=0.5)
        nearest = f"; nearest: {close[0]}" if close else f"; columns: {', '.join(self._schema.names)}"
        raise QueryError(f"no column {_short(name)!r}{nearest} (a text needs quotes: '{_short(name)}')")

    def _said(self, node: ast.expr) -> str:
        return _short(ast.unparse(node))

    def _check(self, depth: int) -> None:
        if depth > DEEPEST:
            raise QueryError(f"the query is nested more than {DEEPEST} levels deep; use a list: game in ['…', '…']")


def _joined(op: Callable[[Any, Any], Any], parts: Sequence[_Truth]) -> _Truth:
    return _Truth(_balanced(op, [part.arrow for part in parts]), exact=all(part.exact for part in parts))


def _balanced(op: Callable[[Any, Any], Any], parts: Sequence[Any]) -> Any:
    """Join `parts` by `op` as a flat tree, so that a thousand of them do not become a thousand levels."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return op(_balanced(op, parts[:middle]), _balanced(op, parts[middle:]))


def _kind(name: str, kind: pa.DataType) -> str:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return TEXT
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return NUMBER
    if pa.types.is_timestamp(kind):
        return TIME
    raise QueryError(f"{name} is of type {kind}, which queries cannot compare")


def _a(kind: str) -> str:
    return f"a {kind}"


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(f"{text!r} is no time; write it like '2026-01-31' or '2026-01-31T12:00:00+00:00'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise QueryError("a number in the query is too large") from None
