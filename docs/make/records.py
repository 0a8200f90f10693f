"""The fields of our record types; the comment after a field is its meaning.

In: a dataclass. Out: name, type, default and meaning of every field, in order. For people to read, and nothing else.
"""

import ast
import io
import re
import sys
import tokenize
from dataclasses import MISSING, dataclass, fields, is_dataclass
from inspect import getsource
from textwrap import dedent
from typing import Annotated, Any, get_args, get_origin

FAR = 2**31 - 1  # a bound beyond which nothing is said of it


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    `default` is None if it must be given, "" if it is made anew.
    """

    name: str
    type: str
    default: str | None
    meaning: str


def record(kind: type) -> list[Field]:
    """Return the fields of a dataclass.

    Raises TypeError for another type, ValueError if a field has no comment.
    """
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no dataclass")
    source = dedent(getsource(kind))
    [body] = ast.parse(source).body
    comments = _comments(source)
    said = {}
    for node in ast.walk(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            meaning = " ".join(comments[line] for line in lines if line in comments)
            said[node.target.id] = (ast.unparse(node.annotation), meaning)
    found = []
    for field in fields(kind):
        written, meaning = said[field.name]
        if not meaning:
            raise ValueError(
                f"{kind.__module__}.{kind.__name__}.{field.name}: say in a comment behind it what it means"
            )
        found.append(Field(field.name, _spelled(written.strip("'\""), kind), _default(field), meaning))
    return found


def _spelled(written: str, kind: type) -> str:
    """Return an annotation with the ranges of its types, such as `int ≥ 0` for Count."""
    names = vars(sys.modules[kind.__module__])

    def spelled(name: re.Match[str]) -> str:
        alias = names.get(name[0])
        return _ranged(alias) if get_origin(alias) is Annotated else name[0]

    return re.sub(r"\b[A-Z]\w*", spelled, written)


def _ranged(alias: Any) -> str:
    """Return an Annotated type in words: `int ≥ 0`, `float > 0`, `int 1–64`, `str`."""
    base, meta = get_args(alias)
    least = next((bound for bound in (meta.ge, meta.gt) if bound is not None), None)
    most = next((bound for bound in (meta.le, meta.lt) if bound is not None), None)
    if least is not None and most is not None and least > -FAR and most < FAR:
        if base is int:
            return f"int {least + (meta.ge is None):,}–{most - (meta.le is None):,}"
        low, high = ("from" if meta.ge is not None else "above"), ("to" if meta.le is not None else "to below")
        return f"{base.__name__} {low} {least} {high} {most:,}"
    if least is not None and least > -FAR:
        return f"{base.__name__} {'≥' if meta.ge is not None else '>'} {least:,}"
    return str(base.__name__)


def _comments(source: str) -> dict[int, str]:
    """Return the comments of `source` by line, from 1."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _default(field: Any) -> str | None:
    if field.default is not MISSING:
        return repr(field.default)
    return None if field.default_factory is MISSING else ""
