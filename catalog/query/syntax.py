"""Parse a query to a syntax tree with limited size, and find what it uses.

Nothing is evaluated, and no schema is needed. As in pandas, `&` and `|` have the precedence of
`and` and `or`.
"""

import ast
import io
import tokenize
import unicodedata
import warnings

from catalog.base.errors import QueryError

MAX_LENGTH = 20_000  # characters in a query
MAX_DEPTH = 100  # levels of brackets and operators in a query
_LOGICAL = {"&": (tokenize.NAME, "and"), "|": (tokenize.NAME, "or")}


def parse(text: str) -> ast.expr:
    """Return the syntax tree of the query `text` in Unicode form NFC, that of the stored names.

    Raises QueryError if it is too long, nested too deeply, or not an expression.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"the query is {len(text)} characters long, at most {MAX_LENGTH} are allowed; use a list: game in ['…', '…']"
        )
    try:
        lines = io.StringIO(unicodedata.normalize("NFC", text.strip())).readline
        tokens = [_LOGICAL.get(word, (kind, word)) for kind, word, *_ in tokenize.generate_tokens(lines)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarnings, such as for '\\w' in a string
            return ast.parse(tokenize.untokenize(tokens).strip(), mode="eval").body
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError) as error:
        raise QueryError(
            f"the query {shorten(text)!r} cannot be read: {_describe_parse_error(error)}; {_hint(text)}"
        ) from None


def _describe_parse_error(error: Exception) -> str:
    if isinstance(error, tokenize.TokenError):
        return "a bracket or a quote is not closed"
    if isinstance(error, RecursionError | MemoryError):
        return "it is nested too deeply"
    return error.msg if isinstance(error, SyntaxError) else str(error)


def _hint(text: str) -> str:
    if "@" in text:
        return "variables (@) are not supported, write the value itself"
    if "`" in text:
        return "column names need no backticks"
    if "=" in text and not any(sign in text for sign in ("==", "!=", "<=", ">=")):
        return "equality is written =="
    return "an example: series == 'zelda' and bytes > 1000"


def columns_of(text: str) -> set[str]:
    """Return the column names in the query `text`. Raises QueryError if invalid."""
    return {node.id for node in ast.walk(parse(text)) if isinstance(node, ast.Name)}


def conjuncts(text: str) -> list[ast.expr]:
    """Return the conditions that `and` or `&` joins in the query `text`; at least one."""
    parts = [parse(text)]
    while any(_is_conjunction(part) for part in parts):
        parts = [inner for part in parts for inner in (part.values if _is_conjunction(part) else [part])]  # type: ignore[attr-defined]
    return parts


def condition_texts(text: str) -> list[str]:
    """Return the source text of each of the `conjuncts` of a valid query."""
    return [ast.unparse(part) for part in conjuncts(text)]


def _is_conjunction(node: ast.expr) -> bool:
    return isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And)


def equalities(text: str) -> list[tuple[str, str]]:
    """Return each (column, text) that `text` compares by ==, `in` or .isin, in order.

    Used for hints.
    """
    return [(column, str(constant.value)) for column, constant in named_values(parse(text), (ast.Eq, ast.In))]


def named_values(
    tree: ast.expr, comparisons: tuple[type[ast.cmpop], ...] = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
) -> list[tuple[str, ast.Constant]]:
    """Return each column of `tree` with a text that it is compared with by one of `comparisons` or .isin.

    The constants are nodes of `tree`; the value of each is a text.
    """
    found: list[tuple[str, ast.expr]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                for one, op, other in zip([left, *others], ops, others, strict=False):
                    if isinstance(op, comparisons):
                        found += [(a.id, b) for a, b in ((one, other), (other, one)) if isinstance(a, ast.Name)]
            case ast.Call(func=ast.Attribute(value=ast.Name(id=column), attr="isin"), args=[values]):
                found.append((column, values))
    elements = [
        (column, each)
        for column, value in found
        for each in (value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else [value])
    ]
    return [(column, e) for column, e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]


def shorten(text: str) -> str:
    """Return `text`, shortened for an error message."""
    return text if len(text) <= 60 else text[:57] + "…"


def source_of(node: ast.AST) -> str:
    """Return the source text of `node`, shortened for an error message."""
    try:
        return shorten(ast.unparse(node))
    except RecursionError:
        return "…"
