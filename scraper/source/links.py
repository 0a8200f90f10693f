"""Convert between file names, addresses and titles. Pure functions."""

import unicodedata
from urllib.parse import quote, unquote

from catalog.base.console import clean

UNTITLED = "untitled"


def file_name(href: str) -> str:
    """Return the file name of a relative link, with percent escapes decoded once."""
    return unquote(href, errors="replace")


def file_url(folder: str, name: str) -> str:
    """Return the address of the file `name` in `folder`, in canonical escaping."""
    return folder + quote(name)


def clean_name(text: str) -> str:
    """Return a name as one printable line in Unicode form NFC, in which names are stored and searched."""
    return unicodedata.normalize("NFC", clean(text))


def words(name: str) -> str:
    """Return the name of a file or folder as text, with spaces for underscores."""
    return clean_name(name.replace("_", " "))


def title_of(name: str) -> str:
    """Return the title for a file name: its words without the suffix."""
    return words(name.rpartition(".")[0] or name) or UNTITLED
