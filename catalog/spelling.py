"""Restore the title that a file system, an archive or a web server changed in a name.

File systems forbid ":" and other characters, so names have "_" or "-" in their place, or a percent escape. This module
puts back what the place of the replacement shows. Pure functions on text; letter case makes no difference.
"""

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_COLONS = str.maketrans({"\ua789": ":", "\u2236": ":", "\uff1a": ":"})  # letters that look like the forbidden ":"
_AUTHOR = re.compile(r"(?<=\S)\s*\{[^{}]*\}$")  # such as "Tetris {Jane Doe}"
_Replacement = str | Callable[[re.Match[str]], str]
_Rule = tuple[re.Pattern[str], _Replacement]
_LETTER = r"[^\W\d_]"
_WORD_END = r"(?![^\W_])"


def _bracket(text: re.Match[str]) -> str:
    return "(" + text[1].replace("_ ", ", ") + ")"


_HYPHEN: tuple[re.Pattern[str], str] = (re.compile(r"(?<=[^\s\-–—])[\-–—]\s+(?=\S)"), ": ")  # Quest- Return
_RULES: list[tuple[str, _Replacement]] = [
    (rf"(?<={_LETTER}{_LETTER})_(?=(?:s|t|re|ve|ll|d|n){_WORD_END})", "'"),  # Link_s, Don_t, Cruis_n
    (rf"(?<![^\W_])(o(?=_{_LETTER})|[dl](?=_[aeiouh]))_", r"\1'"),  # O_Hare, L_arc
    (r"(?<=\s)_n_?(?=\s)", "'n'"),  # Chip _n_ Dale
    (rf"(?<![^\W_])({_LETTER})_(?=\s?(?!a\s){_LETTER}(?:[_\s]|$))", r"\1."),  # G_I_, V_ G
    (rf"(?<=\.{_LETTER})_|(?<=\.\s{_LETTER})_", "."),
    (r"(?<=\s)_(?=\d\d(?!\d))", "'"),  # Fighters _98
    (r"(?<=\s)_([^\W_][^_]*(?:_ [^_]+)*)_(?=$|[\s:,_])", _bracket),  # Quest _Japan_, Quest _Red_ Blue_
    (r"\s_+\s(?=(?:the|an?)\s)", " - "),  # Quest _ The Movie
    (r"\s_+\s", " & "),  # Joe _ Mac
    (r"\s_+$", " +"),  # Final Mix _
    (r"_+ (the|an?)(?=$|[_:]|-\s|\s[(\[])", r", \1"),  # Quest_ The, Quest_ The_ Return
    (r"_+(?=$|:|\s[(\[])", ""),  # Who_ (Japan)
    (r"(?<=[^\s_])_+\s+", ": "),  # Quest_ Return
    (_HYPHEN[0].pattern, _HYPHEN[1]),
    (r"_+", " "),
]
_SPACED: list[_Rule] = [(re.compile(pattern, re.IGNORECASE), text) for pattern, text in _RULES]
# Applied first to a name without spaces, in which "_" is a space.
_UNSPACED: list[_Rule] = [
    (re.compile(rf"(?<={_LETTER}{_LETTER})_(?=s(?:_|$))", re.IGNORECASE), "'"),
    (re.compile(r"(?<=[^_])_-_(?=[^_])"), ": "),
    (re.compile(r"(?<=[^_])__(?=[^_])"), "_ "),
    (re.compile(r"_(?!_*(?: |$))"), " "),
]


def restore_title(name: str) -> str:
    """Return the title that `name` stands for, a title as listed or the name of a folder or archive.

    Percent escapes are decoded, "{author}" at the end is removed, and underscores are read as what they most likely
    replace: a space, ": ", ", The", an apostrophe, "&" or brackets. A hyphen after a word and before a space is ": ".
    The result has Unicode form NFC and single spaces.
    """
    title = _ESCAPES.sub(_decode, name) if "%" in name else name
    title = " ".join(unicodedata.normalize("NFC", title).translate(_COLONS).split())
    if title.endswith("}"):
        title = _AUTHOR.sub("", title)
    if "_" not in title:  # of the rules only that of hyphens can match, as in most titles
        return " ".join(_HYPHEN[0].sub(_HYPHEN[1], title).split())
    if " " not in title:
        title = _apply(_UNSPACED, title)
    return " ".join(_apply(_SPACED, title).split())


def _apply(rules: list[_Rule], title: str) -> str:
    for pattern, text in rules:
        title = pattern.sub(text, title)
    return title


def _decode(escapes: re.Match[str]) -> str:
    """Return the text of percent escapes; unchanged if they are not of UTF-8 or not of visible text."""
    try:
        text = unquote_to_bytes(escapes[0]).decode("utf-8")
    except UnicodeDecodeError:
        return escapes[0]
    return text if text.isprintable() else escapes[0]
