"""The rows of a listing page, before any file is downloaded. Pure data."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ListingRow:
    """One listed file.

    `file` is its name relative to the folder of the page. `size` is in bytes and `md5` in lower-case hexadecimal; both
    are None if the page has no valid value. `listed_at` is the date on the page, if any.
    """

    game: str
    href: str
    file: str
    title: str
    sequencer: str | None
    size: int | None
    md5: str | None
    listed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is not downloaded, with the stable id of the reason."""

    game: str
    href: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a page in page order; each row is in either `rows` or `rejected`.

    `folders` are the names of subfolders that belong to the same section.
    """

    rows: tuple[ListingRow, ...]
    rejected: tuple[RejectedRow, ...]
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its name in the catalog, its path, and its menu title and group."""

    name: str
    path: str
    title: str
    group: str = ""
