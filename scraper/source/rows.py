"""The rows of a listing page: what a source says of each file, before anything is asked for. Pure data."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ListingRow:
    """One listed piece. `size` is in bytes, `md5` in lower-case hexadecimal; None where the page gives none that makes sense.

    `file` is the file's name below the folder of its page. `listed_at` is when the page says it came, where it does.
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
    """A row that is not taken, with the stable id of the reason."""

    game: str
    href: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All rows of a page in page order; every row of a song is either in `rows` or in `rejected`.

    `folders` are the names of folders below the page whose own pages belong to the same section.
    """

    rows: tuple[ListingRow, ...]
    rejected: tuple[RejectedRow, ...]
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its name in the catalog, its path, and what the menu calls it and its group."""

    name: str
    path: str
    title: str
    group: str = ""
