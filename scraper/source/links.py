"""File names, addresses and words for people, each made from the other. Pure."""

from collections.abc import Sequence
from urllib.parse import quote, unquote

from catalog.base.console import clean

UNTITLED = "untitled"


def file_name(href: str) -> str:
    """Return the file name that a relative link means: percent escapes undone, once."""
    return unquote(href, errors="replace")


def file_url(folder: str, name: str) -> str:
    """Return the one address of file `name` below address `folder`, however its link was escaped."""
    return folder + quote(name)


def words(name: str) -> str:
    """Return a file's or folder's name as words for people."""
    return clean(name.replace("_", " "))


def folder_game(folders: Sequence[str]) -> str:
    """Return the game that names of `folders`, the outermost first, stand for: the innermost that has words."""
    return next((found for found in map(words, reversed(folders)) if found), UNTITLED)


def title_of(name: str) -> str:
    """Return the title that the name of a file stands for: its words, without the suffix."""
    return words(name.rpartition(".")[0] or name) or UNTITLED
