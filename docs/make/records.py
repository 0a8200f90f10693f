"""The fields of our record types, with what their code says of each: the comment behind a field is its meaning.

In: a dataclass. Out: name, type, default and meaning of every field, in order. For people to read, and nothing else.
"""

import ast
import io
import tokenize
from dataclasses import MISSING, dataclass, fields, is_dataclass
from inspect import getsource
from textwrap import dedent
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record; `default` is None where it must be given, "" where it is made anew."""

    name: str
    type: str
    default: str | None
    meaning: str


def record(kind: type) -> list[Field]:
    """Return the fields of a dataclass. Raises TypeError for another type, ValueError where a field has no comment."""
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
        found.append(Field(field.name, written.strip("'\""), _default(field), meaning))
    return found


def _comments(source: str) -> dict[int, str]:
    """Return the comments of `source` by line, from 1."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _default(field: Any) -> str | None:
    if field.default is not MISSING:
        return repr(field.default)
    return None if field.default_factory is MISSING else ""
