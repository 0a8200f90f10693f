"""Read the title of a game from the names of the folders and archives that a file lies in. Pure functions."""

import re
from collections.abc import Sequence

from catalog.games import is_known
from catalog.spelling import restore_title
from scraper.http.limits import TITLE_CHARACTERS
from scraper.source.links import UNTITLED, clean_name

_NO_GAME = re.compile(
    r"midi?s?|midi? files|cd|dis[ck]|(?:cd|dis[ck]|side)[ \-.#]*(?:\d{1,2}|[a-d]|i{1,3})(?: of \d{1,2})?|\d{1,2}",
    re.IGNORECASE,
)  # folders within that of a game: midi, Disc 2, CD1, 03
_ARTICLE = re.compile(r"(?!The |An? )[^,]+, (?:The|An?)(?= [A-Z0-9])")
_SUBTITLE = re.compile(r"(?<=[^\s:,;&/(\[\-–—]) (?=The [A-Z0-9]|An? [A-Z0-9]\S* [A-Z0-9])")
_JOINING = re.compile(
    r"(?:a|after|against|among|an|and|around|as|at|be|before|behind|beneath|beyond|by|for|from|go|in|inside|into|is"
    r"|like|meets?|'?n'?|near|of|off|on|onto|or|out|over|past|starring|than|the|through|to|under|up|versus|vs\.?|with)",
    re.IGNORECASE,
)  # words after which "The" in capitals begins no subtitle


def folder_game(folders: Sequence[str]) -> str:
    """Return the title of the game for a list of folder names, outermost first.

    It is the innermost name that has words and is not that of a folder within a game, such as "midi" or "Disc 2"; if
    there is no other, the innermost with words; else "untitled". Characters that file systems forbid are restored.
    """
    titles = [title for name in reversed(folders) if (title := folder_title(name))]
    return next((title for title in titles if not _NO_GAME.fullmatch(title)), titles[0] if titles else UNTITLED)


def folder_title(name: str) -> str:
    """Return the title that the name of a folder or archive stands for, or "" if it has no words.

    Where a ":" seems left out, after ", The" or before "The" or "A" in capitals, it is put back.
    """
    title = clean_name(restore_title(clean_name(name[:TITLE_CHARACTERS])))
    if ":" in title or title.isupper():
        return title
    if article := _ARTICLE.match(title):
        return f"{article[0]}: {title[article.end() + 1 :]}"
    if is_known(title):
        return title
    for place in _SUBTITLE.finditer(title):
        before, after = title[: place.start()], title[place.end() :]
        if not _JOINING.fullmatch(before.split()[-1]) and not _is_one_name(before, after):
            return f"{before}: {after}"
    return title


def _is_one_name(before: str, after: str) -> bool:
    """Return whether `before` and the first words of `after` are a known title, as in "Sonic The Hedgehog"."""
    words = after.split()
    return any(is_known(" ".join([before, *words[:length]])) for length in range(2, len(words) + 1))
