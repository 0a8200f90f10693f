"""Parse a page into tags and texts in document order, in linear time. No I/O.

Malformed HTML is accepted.
"""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, NavigableString, Tag
from bs4.exceptions import ParserRejectedMarkup

from catalog.base.errors import ListingError
from scraper.http.limits import LISTING_BYTES, PART_CHARACTERS

# html.parser (CPython before 3.14) needs quadratic time for input such as "<a <a <a", so every "<" that does not start a
# tag of bounded length is escaped. The quantifiers are possessive, so this pattern cannot backtrack.
_TAG = r"[/!]?[A-Za-z](?:[^<>\"']{0,120}+(?:\"[^\"]{0,1000}\"|'[^']{0,1000}')?+){0,8}+>"
_STRAY_LT = re.compile(rf"<(?!{_TAG})")
_ANY_TAG = re.compile(rf"<{_TAG}")
_TABLE_END = re.compile(r"</table\s{0,9}>", re.IGNORECASE)
_ROW_START = re.compile(r"<tr[\s>]", re.IGNORECASE)
_PAGE_END = re.compile(rb"</(table|body|html)\s*>", re.IGNORECASE)


def has_end(page: bytes) -> bool:
    """Return whether `page` has a closing tag after its last row."""
    return _PAGE_END.search(page, page.lower().rfind(b"<tr") + 1) is not None


def walk(page: bytes) -> Iterator[Tag | NavigableString]:
    """Yield the tags and texts of `page` in document order.

    The end of a table is yielded as the start of a row. Raises ListingError if the page exceeds the size limit or
    cannot be parsed.
    """
    if len(page) > LISTING_BYTES:
        raise ListingError(f"a listing page of {len(page):,} bytes; the limit is {LISTING_BYTES:,}")
    for part in _parts(_sanitise(page.decode("utf-8", errors="replace"))):
        for node in _tree(part).descendants:
            if isinstance(node, Tag) or type(node) is NavigableString:  # no comments, scripts, declarations
                yield node


def _sanitise(text: str) -> str:
    """Remove comments, escape stray "<", and replace </table> by <tr>."""
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return _TABLE_END.sub("<tr>", _STRAY_LT.sub("&lt;", "".join(kept) + text[at:]))


def _tree(part: str) -> BeautifulSoup:
    try:
        return BeautifulSoup(part, "html.parser")
    except ParserRejectedMarkup as error:
        raise ListingError(f"cannot parse the HTML of the listing page: {error}") from error


def _parts(text: str) -> Iterator[str]:
    """Yield `text` in parts of about PART_CHARACTERS, to bound the memory used.

    Parts are cut where a row starts, or at any tag if no row starts for a long time. Neither affects the walk.
    """
    at = 0
    while (
        cut := _ROW_START.search(text, at + PART_CHARACTERS, at + 2 * PART_CHARACTERS)
        or _ANY_TAG.search(text, at + PART_CHARACTERS)
    ) is not None:
        yield text[at : cut.start()]
        at = cut.start()
    yield text[at:]
