"""Find what listing pages say of the files beside them, as in a copy of a site made with wget.

In: the pages of one folder. Out: the listed row of a file, by its content and name. Pages that cannot be read as a
listing are ignored.
"""

import os
import stat
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import unquote

from catalog.base.errors import ListingError
from scraper.http import limits
from scraper.source.rows import Listing, ListingRow

PAGE_SUFFIXES = (".html", ".htm")
MAX_PAGES = 30  # of one folder; before 2010 a large section of VGMusic had up to 27

PageReader = Callable[[bytes, str], Listing]  # a page and its address, as `Source.read`


class ListedFiles:
    """The rows of the listing pages in one folder."""

    def __init__(self) -> None:
        self.pages: set[str] = set()  # names of the pages that list files
        self._by_md5: dict[str, list[ListingRow]] = {}
        self._by_name: dict[str, ListingRow] = {}

    @classmethod
    def beside(cls, names: Iterable[str], folder: Path, read: PageReader) -> "ListedFiles":
        """Return what the pages among the files `names` of `folder` list."""
        found = cls()
        pages = [name for name in names if name.lower().endswith(PAGE_SUFFIXES)]
        for name in sorted(pages, key=lambda name: (not name.lower().startswith("index."), name))[:MAX_PAGES]:
            page = _page(folder / name)
            try:
                rows = read(page, "").rows if b".mid" in page.lower() else ()
            except ListingError:
                continue
            if rows:
                found.pages.add(name)
            for row in rows:
                found._by_name.setdefault(_plain(row.file), row)
                if row.md5 is not None:
                    found._by_md5.setdefault(row.md5, []).append(row)
        return found

    def row(self, name: str, md5: str) -> ListingRow | None:
        """Return the row of the file `name` with this MD5, or None if it is not listed.

        The MD5 counts more than the name, since file systems without case overwrite one of two files.
        """
        names = [_plain(name), _plain(unquote(name))]
        same = self._by_md5.get(md5, [])
        named = [row for row in same if _plain(row.file) in names]
        if same:
            return (named or same)[0]
        return next((self._by_name[each] for each in names if each in self._by_name), None)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _page(path: Path) -> bytes:
    """Return the bytes of a page; none if it is no plain file, too large or unreadable."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            data = file.read(limits.PAGE_BYTES + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    except OSError:
        return b""
    return data if len(data) <= limits.PAGE_BYTES else b""
