"""Translate Python regular expressions, as pandas takes them, to RE2 syntax.

RE2 is the engine in Arrow. Its run time is linear in the length of the text. It has no look-around
and no back-references, so patterns with these are rejected. `\\d`, `\\w` and `\\s` keep their
Unicode meaning. Differences from `re`: `\\b` treats only ASCII letters as letters, and `$` matches
only at the end of the text, not before a final line feed.
"""

import re
import warnings

import pyarrow as pa
import pyarrow.compute as pc

from catalog.base.errors import QueryError

_SPACE = r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_IN_SET = {r"\d": r"\p{Nd}", r"\D": r"\P{Nd}", r"\w": r"\p{L}\p{N}_", r"\s": _SPACE}
_OUTSIDE = {
    r"\d": r"\p{Nd}",
    r"\D": r"\P{Nd}",
    r"\w": r"[\p{L}\p{N}_]",
    r"\W": r"[^\p{L}\p{N}_]",
    r"\s": f"[{_SPACE}]",
    r"\S": f"[^{_SPACE}]",
    r"\Z": r"\z",
}
_TOKEN = re.compile(r"\\.|\[\^?\]?|\]|\{,|[^\\\[\]{]+|.", re.DOTALL)


def to_re2(pattern: str) -> str:
    """Return the RE2 pattern that matches what `pattern` matches in Python's `re`.

    Raises QueryError if `pattern` is invalid or RE2 does not support it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # re warns of syntax with a future change of meaning, such as nested sets
            re.compile(pattern)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise QueryError(
            f"{pattern!r} is not a valid regular expression: {error}; for literal text use regex=False"
        ) from None
    translated = _translate(pattern)
    try:
        pc.match_substring_regex(pa.array([""]), translated)
    except pa.ArrowInvalid as error:
        raise QueryError(
            f"{pattern!r} is not supported by RE2 (no look-around, back-references or large counts): {error}"
        ) from None
    return translated


def _translate(pattern: str) -> str:
    parts, in_set = [], False
    for piece in _TOKEN.findall(pattern):
        written = piece
        if in_set:
            if piece == "]":
                in_set = False
            elif piece.startswith("["):
                written = piece.replace("[", r"\[", 1)
                in_set = not piece.endswith("]")
            elif piece in (r"\W", r"\S"):
                raise QueryError(f"{piece} inside [] is not supported; write the set without it")
            else:
                written = _IN_SET.get(piece, piece)
        elif piece.startswith("["):
            in_set = True
        elif piece == "{,":
            written = "{0,"
        else:
            written = _OUTSIDE.get(piece, piece)
        parts.append(written)
    return "".join(parts)
