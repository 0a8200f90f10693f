"""Counts of what a run did, or would do."""

from dataclasses import dataclass

from catalog.schema import Piece
from scraper.source.rows import RejectedRow

# the totals in the last journal line of a run
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
    """The outcome of every listed row of a run.

    listed = held + twins + fetched + missing + quarantined + unsafe + not_asked. `held` files were stored before the
    run. `twins` have the same bytes as another file of the run. `stopped` is the reason if the run ended early.
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
    gone: int = 0  # catalog rows no longer listed, since this run
    back: int = 0  # rows listed again
    unchanged: bool = False
    stopped: str | None = None
    faults: tuple[Piece, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()  # folders whose pages could not be read, as (address, reason)

    @property
    def line(self) -> str:
        """The totals as one line."""
        return (
            f"listed {self.listed} = {self.held} already held + {self.twins} duplicates + {self.fetched} fetched "
            f"+ {self.missing} missing + {self.quarantined} quarantined + {self.unsafe} unsafe "
            f"+ {self.not_asked} not requested; {self.bytes:,} bytes in {self.requests} requests"
        )


class ScrapeInterrupted(KeyboardInterrupt):
    """Raised when Ctrl-C interrupts a scrape; downloaded files are kept.

    `totals` has the outcome of every row.
    """

    def __init__(self, section: str, totals: Totals) -> None:
        super().__init__(section)
        self.section = section
        self.totals = totals


@dataclass(frozen=True, slots=True)
class Survey:
    """What a run would do: number and size of the files to request, and its duration.

    `bytes` is the sum of the listed sizes, `seconds` the estimated duration.
    """

    listed: int
    held: int
    unsafe: int
    to_request: int
    bytes: int
    seconds: float
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def line(self) -> str:
        """The survey as one line."""
        return (
            f"listed {self.listed}: {self.held} held, {self.unsafe} unsafe, {self.to_request} files to request "
            f"({self.bytes:,} bytes), about {self.seconds / 60:.1f} minutes"
        )
