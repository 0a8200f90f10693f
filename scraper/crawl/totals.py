"""What a run did, or would do, in numbers."""

from dataclasses import dataclass

from catalog.schema import Piece
from scraper.source.rows import RejectedRow

# what the journal's last line of a run holds
JOURNALED_COUNTS = (
    "listed",
    "held",
    "twins",
    "fetched",
    "missing",
    "quarantined",
    "unsafe",
    "not_asked",
    "gone",
    "back",
)


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of every row: listed = held + twins + fetched + missing + quarantined + unsafe + not_asked.

    `held` had its bytes in the catalog before the run, `twins` got them from another row of the run. `stopped` says why the
    run ended early, if it did.
    """

    listed: int
    held: int = 0
    twins: int = 0
    fetched: int = 0
    missing: int = 0
    quarantined: int = 0
    unsafe: int = 0
    not_asked: int = 0
    bytes: int = 0
    requests: int = 0
    gone: int = 0  # rows of the catalog that this page no longer has, newly found so
    back: int = 0  # and those that it has again
    unchanged: bool = False
    stopped: str | None = None
    faults: tuple[Piece, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()  # folders whose pages could not be read, as (address, reason)

    @property
    def line(self) -> str:
        """The sum in one line."""
        return (
            f"listed {self.listed} = {self.held} held before + {self.twins} twins + {self.fetched} fetched "
            f"+ {self.missing} missing + {self.quarantined} quarantined + {self.unsafe} unsafe "
            f"+ {self.not_asked} not asked; {self.bytes:,} bytes in {self.requests} requests"
        )


class ScrapeInterrupted(KeyboardInterrupt):
    """Ctrl-C while a section was scraped: what was fetched is kept, and `totals` says what became of every row."""

    def __init__(self, section: str, totals: Totals) -> None:
        super().__init__(section)
        self.section = section
        self.totals = totals


@dataclass(frozen=True, slots=True)
class Survey:
    """What a run would do: rows listed, held and unsafe, files to ask for, their listed bytes, and the seconds it would take."""

    listed: int
    held: int
    unsafe: int
    to_request: int
    bytes: int
    seconds: float
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def line(self) -> str:
        """What would be done, in one line."""
        return (
            f"listed {self.listed}: {self.held} held, {self.unsafe} unsafe, {self.to_request} files to ask for "
            f"({self.bytes:,} bytes), about {self.seconds / 60:.1f} minutes"
        )
