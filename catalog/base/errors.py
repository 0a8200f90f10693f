"""Every error that a user can cause or meet, in one tree.

VgpianoError                 exit code 1
├── UsageError               exit code 2: the command line or the query is wrong
│   └── QueryError           the text of a query, with the column or value that is nearest right
├── CatalogError             the store: missing, not readable, out of reach
│   └── LockedError          another writer is at work
├── ScrapeError              bringing pieces in
│   ├── ListingError         a page that is no listing, or breaks a limit
│   │   └── EmptyListingError    a page without a single piece
│   └── FetchError           a request that was refused, failed, or answered wrongly
│       └── MissingPageError     a page that the site does not have, or not for us
├── DatasetError             corpora
│   ├── MidiError            bytes that are no MIDI we can read; `reason` is a stable snake_case id
│   └── CorpusError          a corpus that is missing, empty, damaged or does not fit
└── TrainingError            recipes, runs, checkpoints, sampling

A message says what was wrong, where, and what to do. A traceback is for our own mistakes only.
"""


class VgpianoError(Exception):
    """The root: something went wrong that the user should hear about in one line."""

    exit_code = 1


class UsageError(VgpianoError):
    """The command was called wrongly."""

    exit_code = 2


class QueryError(UsageError):
    """A query that does not parse, or names a column or value that is not there."""


class CatalogError(VgpianoError):
    """The catalog cannot be read or written."""


class LockedError(CatalogError):
    """Another writer holds the lock."""


class ScrapeError(VgpianoError):
    """Bringing pieces in failed."""


class ListingError(ScrapeError):
    """A page is no listing, or is larger than any honest one."""


class EmptyListingError(ListingError):
    """A page lists nothing: its section is empty, or it is no listing."""


class FetchError(ScrapeError):
    """A request was refused by our own rules, failed, or was answered wrongly."""


class MissingPageError(FetchError):
    """The site does not have a page, or not for us; it may well have others."""


class DatasetError(VgpianoError):
    """A corpus cannot be built or read."""


class MidiError(DatasetError):
    """Bytes that cannot become notes; `reason` is the stable id under which the piece is excluded."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class CorpusError(DatasetError):
    """A corpus is missing, empty, damaged, or does not fit what was asked."""


class TrainingError(VgpianoError):
    """A recipe, a run or a checkpoint cannot be used as asked."""
