"""The tree of all errors that are reported to users.

VgpianoError                 exit code 1
├── UsageError               exit code 2: the command line or the query is wrong
│   └── QueryError           invalid query; names the nearest valid column or value
├── CatalogError             the store is missing, unreadable or unreachable
│   └── LockedError          another writer holds the lock
├── ScrapeError              scraping or importing pieces
│   ├── ListingError         a page that is not a listing, or exceeds a limit
│   │   └── EmptyListingError    a page without pieces
│   └── FetchError           a request that was blocked, failed, or got an invalid response
│       └── MissingPageError     a page that the site does not serve, or refuses
├── DatasetError             corpora
│   ├── MidiError            bytes that are not readable MIDI; `reason` is a stable snake_case id
│   └── CorpusError          a corpus that is missing, empty, damaged or unsuitable
└── TrainingError            recipes, runs, checkpoints, sampling

A message says what is wrong, where, and what to do. Only programming errors show a traceback.
"""


class VgpianoError(Exception):
    """Base class of all errors that are reported to the user as one line."""

    exit_code = 1


class UsageError(VgpianoError):
    """The command line or an argument is wrong."""

    exit_code = 2


class QueryError(UsageError):
    """A query does not parse, or uses an unknown column or value."""


class CatalogError(VgpianoError):
    """The catalog cannot be read or written."""


class LockedError(CatalogError):
    """Another writer holds the lock."""


class ScrapeError(VgpianoError):
    """Scraping or importing pieces failed."""


class ListingError(ScrapeError):
    """A page is not a listing, or exceeds a size limit."""


class EmptyListingError(ListingError):
    """A page lists no pieces: its section is empty, or it is not a listing."""


class FetchError(ScrapeError):
    """A request was blocked by policy, failed, or got an invalid response."""


class MissingPageError(FetchError):
    """The site does not serve a page, or refuses it; other pages may be available."""


class DatasetError(VgpianoError):
    """A corpus cannot be built or read."""


class MidiError(DatasetError):
    """Bytes that cannot be parsed into notes.

    `reason` is the stable snake_case id under which the piece is excluded.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class CorpusError(DatasetError):
    """A corpus is missing, empty, damaged, or does not fit the request."""


class TrainingError(VgpianoError):
    """A recipe, run or checkpoint cannot be used as requested."""
