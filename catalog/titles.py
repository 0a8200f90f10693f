"""Normalise the spelling of game titles.

`fold` returns the words that all spellings of a title share: case, accents, punctuation, articles
and Roman numerals are normalised, and characters that file systems forbid are put back (see
`catalog.spelling`). `slug` joins the words to a short name. Games and series are matched in
`catalog.games`.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from catalog.spelling import restore_title

MAX_SLUG_LENGTH = 80  # characters; slugs are used as folder names
_NUMERALS = (
    "i",
    "ii",
    "iii",
    "iv",
    "v",
    "vi",
    "vii",
    "viii",
    "ix",
    "x",
    "xi",
    "xii",
    "xiii",
    "xiv",
    "xv",
    "xvi",
    "xvii",
    "xviii",
    "xix",
)
_ROMAN = {roman: str(number) for number, roman in enumerate(_NUMERALS, start=1)}
_SEGMENT = re.compile(r":|\s[-–—]\s|[()\[\]/]")
_ARTICLE_LAST = re.compile(r"^(.+),\s*(?:the|an?)$")
_ARTICLE_FIRST = re.compile(r"^(?:the|an?)\s+(?=\S)")
_ARTICLE_INSIDE = re.compile(r"^((?!(?:the|an?)\s)[^,]+),\s*(?:the|an?)\s+(?=\S)")  # "Zelda, The Ocarina": a lost ":"
_MARKS = re.compile("[\u0300-\u036f]")
_APOSTROPHES = re.compile("['`´’‘ʼ]")
_WORD = re.compile(r"[^\W_]+")


def fold(title: str, romans: bool = True) -> list[str]:
    """Return the normalised words of `title`, a title as listed or the name of a folder.

    Words are lower case, without accents and articles, with Roman numerals as digits. An article is
    removed at the start of a part of the title, and at its end after a comma. Numerals of two or
    more letters are converted anywhere but at the start, I and V only at the end of a part. X and
    XX are not converted, since they are names more often than numbers (see `read_romans`). Without
    `romans` none is converted.

    A part also ends where a ":" was left out: after ", The", and after a number before "the".
    """
    plain = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", restore_title(title)))).casefold()
    plain = " ".join(_APOSTROPHES.sub("", plain).replace("&", " and ").replace("+", " plus ").split())
    words: list[str] = []
    for segment in _SEGMENT.split(plain):
        for part in _ARTICLE_INSIDE.sub(r"\1:", segment.strip(" .")).split(":"):
            text = _ARTICLE_FIRST.sub("", _ARTICLE_LAST.sub(r"\1", part))
            found = _WORD.findall(text)
            for position, word in enumerate(found):
                starts = not words
                ends = position == len(found) - 1
                if word == "the" and not starts and not ends and words[-1].isdigit():
                    continue
                is_number = romans and word in _ROMAN and word != "x" and not starts and (ends or len(word) > 1)
                words.append(_ROMAN[word] if is_number else word)
    return words


def read_romans(words: Sequence[str]) -> list[str]:
    """Return `words` with all Roman numerals up to XIX as digits.

    Single letters are converted too. For series that number their games with Roman numerals.
    """
    return [_ROMAN.get(word, word) for word in words]


def slug(words: Sequence[str]) -> str:
    """Return `words` joined by hyphens, at most MAX_SLUG_LENGTH characters.

    Different words give different slugs. The slug of no words is "untitled".
    """
    joined = "-".join(words)
    if 0 < len(joined) <= MAX_SLUG_LENGTH:
        return joined
    digest = hashlib.sha256(joined.encode()).hexdigest()[:8]
    return f"{joined[: MAX_SLUG_LENGTH - 9].rstrip('-')}-{digest}" if joined else "untitled"


def display_title(title: str) -> str:
    """Return `title` with its article in front: "Sims, The" becomes "The Sims".

    "X, The: Y" becomes "The X: Y".
    """
    return re.sub(r"^([^:]+),\s*(The|An?)(?=$|:)", r"\2 \1", " ".join(title.split()), flags=re.IGNORECASE)
