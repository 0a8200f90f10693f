"""Crawl one section of a source: read its listing page, then download new files.

Each downloaded file is checked against its row in the listing. Nothing is downloaded twice: stored files are found by
MD5 and size, wherever they are in the catalog. Each file is written durably before the next request. If a run is
killed before it writes a row, the next run finds the file on disk, so an interrupted run can be repeated without loss.
Rows that are no longer listed are kept and marked.
"""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from catalog.base.console import Report, clean
from catalog.base.errors import FetchError
from catalog.games import Game, game_of
from catalog.schema import FETCHED, MISSING, QUARANTINED, Piece
from catalog.store import Catalog, Writer
from scraper.crawl.known_files import KnownFiles
from scraper.crawl.listing_diff import diff_listing
from scraper.crawl.listing_page import SectionPage, read_section
from scraper.crawl.totals import JOURNALED_COUNTS, ScrapeInterrupted, Survey, Totals
from scraper.http import limits
from scraper.http.cache import PageCache
from scraper.http.causes import PERMANENT
from scraper.http.fetch import Fetcher, UrlCheck
from scraper.http.journal import journal_run
from scraper.http.response import Response, header
from scraper.source.base import Source
from scraper.source.links import clean_name, file_url
from scraper.source.rows import Listing, ListingRow
from scraper.source.validate import FileCheck

# besides transient problems: signs of a problem with the whole site, such as a block
_SITE_PROBLEMS = (*PERMANENT, "soft_404", "http_401", "http_403", "redirect_refused", "redirect_loop")

# Pending rows are written at this number or age. A kill loses none: the files are on disk, their headers in the journal.
MAX_PENDING_ROWS = 64
MAX_PENDING_S = 10.0


def crawl_source(
    source: Source, root: Path, fetcher: Fetcher, section: str, limit: int | None = None, report: Report | None = None
) -> Totals:
    """Download new files of `section` to the catalog at `root`, return the totals.

    At most `limit` files are requested. Raises FetchError if robots.txt or the listing page cannot be downloaded,
    ListingError if the page is not a listing, CatalogError while another process writes to the catalog, and
    ScrapeInterrupted on Ctrl-C. Later problems with the site end the run early; they are described in
    `Totals.stopped`.
    """
    catalog = Catalog(root)
    cache = PageCache(root, f"{source.id}-{section}")
    with catalog.writer() as writer, journal_run(root, fetcher, f"{source.id} {section}") as log:
        cache.remove_partial()
        found = read_section(source, cache, fetcher, section, save=True, report=report)
        run = _CrawlRun(source, writer, KnownFiles(catalog, source.id), fetcher, found, section, limit)
        if found.complete:  # an incomplete page may lack rows that are still listed
            run.mark_gone()
        return _process_rows(run, log, report)


def survey_source(source: Source, root: Path, fetcher: Fetcher, section: str, report: Report | None = None) -> Survey:
    """Read the listing page of `section` and return what `crawl_source` would do.

    Only robots.txt and the journal are written.
    """
    with journal_run(root, fetcher, f"{source.id} {section}, dry run"):
        found = read_section(
            source, PageCache(root, f"{source.id}-{section}"), fetcher, section, save=False, report=report
        )
    known_files = KnownFiles(Catalog(root), source.id)
    known, new = 0, dict[str, int]()
    for row in found.listing.rows:
        url = file_url(found.folder, row.file)
        if known_files.find(url, row.md5, row.size) is None:
            new.setdefault(row.md5 or url, row.size or 0)
        else:
            known += 1
    rows, unsafe = len(found.listing.rows), len(found.listing.rejected)
    seconds = len(new) * fetcher.delay * (1 + limits.DELAY_JITTER / 2)
    return Survey(rows + unsafe, known, unsafe, len(new), sum(new.values()), seconds, found.unread)


def bring_rows(
    source: Source,
    catalog: Catalog,
    writer: Writer,
    fetcher: Fetcher,
    log: Counter[str],
    section: str,
    folder: str,
    listing: Listing,
    check_url: UrlCheck,
    limit: int | None = None,
    report: Report | None = None,
) -> Totals:
    """Download the files of `listing`, which lie below `folder`, in order.

    Works like `crawl_source` for rows that were already read. The counts are also added to `log`.
    """
    found = SectionPage(folder, listing, unchanged=False, complete=True, check_url=check_url)
    return _process_rows(
        _CrawlRun(source, writer, KnownFiles(catalog, source.id), fetcher, found, section, limit), log, report
    )


def _process_rows(run: "_CrawlRun", log: Counter[str], report: Report | None) -> Totals:
    """Process every row in turn and return the totals.

    Raises ScrapeInterrupted, which contains the totals, on Ctrl-C.
    """
    rows = run.found.listing.rows
    try:
        for done, row in enumerate(rows):
            if report:
                report(done, len(rows))
            run.process(row)
    except KeyboardInterrupt:
        run.flush()
        raise ScrapeInterrupted(run.section, run.totals()) from None
    finally:
        run.flush()
    if not run.found.complete:
        run.stopped = run.stopped or "the listing page is incomplete, so rows may be missing; run this again"
    totals = run.totals()
    log.update({name: getattr(totals, name) for name in JOURNALED_COUNTS})
    return totals


@dataclass(slots=True)
class _CrawlRun:
    """The state of one crawl: pending rows, counts and consecutive failures."""

    source: Source
    writer: Writer
    known_files: KnownFiles
    fetcher: Fetcher
    found: SectionPage
    section: str
    limit: int | None
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[Piece] = field(default_factory=list)
    pending: list[Piece] = field(default_factory=list)
    pending_since: float = 0.0  # monotonic time of the first row in `pending`
    games: dict[str, Game] = field(default_factory=dict)
    requested: int = 0
    bytes: int = 0
    failures: int = 0
    stopped: str | None = None

    def mark_gone(self) -> None:
        """Mark catalog rows that are no longer listed, and unmark rows listed again."""
        found, now = self.found, datetime.now(UTC)
        nested, unread = self.source.nested, [url for url, _ in found.unread]
        for piece in diff_listing(
            self.known_files.rows(), found.listing, found.folder, now, nested=nested, unread=unread
        ):
            self.counts["gone" if piece.gone_since else "back"] += 1
            self._add_pending(piece)

    def process(self, row: ListingRow) -> None:
        """Process one row: skip a stored file, download a new one, or leave it for later."""
        url = file_url(self.found.folder, row.file)
        stored = self.known_files.find(url, row.md5, row.size)
        if stored is not None:
            piece = stored.apply_to(self._piece_of(row, url))
            if self.known_files.row(piece.url, piece.md5) != piece:
                self._add_pending(piece)
            self.counts["twins" if stored.new else "held"] += 1
        elif self.stopped is not None or (self.limit is not None and self.requested >= self.limit):
            self.counts["not_asked"] += 1
        else:
            self._download(row, url)

    def _download(self, row: ListingRow, url: str) -> None:
        max_bytes = max(limits.FILE_BYTES_ALWAYS, limits.FILE_TIMES_LISTED * (row.size or limits.FILE_BYTES))
        try:
            response = self.fetcher.get(
                url,
                self.found.check_url,
                min(max_bytes, limits.FILE_BYTES),
                verdict=lambda response: self._outcome_of(response, row),
            )
        except FetchError as error:
            self.stopped = str(error)
            self.counts["not_asked"] += 1
            return
        self.requested += 1
        piece, is_site_problem = self._store_response(row, self._piece_of(row, url), response)
        self.counts[piece.state] += 1
        if piece.state == FETCHED:
            self.known_files.add(piece)
        else:
            self.faults.append(piece)
        self._add_pending(piece)
        self.failures = self.failures + 1 if is_site_problem else 0
        if self.failures >= limits.FAILURES_IN_A_ROW:
            self.stopped = f"{self.failures} failures in a row, the last one {piece.reason}; run this again later"

    def _store_response(self, row: ListingRow, piece: Piece, response: Response) -> tuple[Piece, bool]:
        """Return the catalog row for `piece`, and whether the response is a site problem."""
        if response.problem is not None:
            reason = clean(response.reason or "")
            return replace(
                self._with_fetch_time(piece), state=MISSING, reason=reason
            ), response.transient or response.problem in _SITE_PROBLEMS
        self.bytes += len(response.body)
        result = self.source.check(response.body, row, response.headers.get("Content-Type", ""))
        if result.problem == "soft_404":
            return replace(self._with_fetch_time(piece), state=MISSING, reason=result.reason), True
        if result.problem is not None:
            self.writer.quarantine(response.body, _quarantine_record(piece, result))
            return replace(self._with_fetch_time(piece), state=QUARANTINED, reason=result.reason), False
        piece = self._with_fetch_time(replace(piece, md5=result.md5))
        return (
            replace(
                piece,
                state=FETCHED,
                sha256=self.writer.put_blob(response.body),
                bytes=result.size,
                fetched_at=piece.fetched_at or datetime.now(UTC),
                etag=header(response.headers, "ETag"),
                last_modified=header(response.headers, "Last-Modified"),
            ),
            False,
        )

    def _with_fetch_time(self, piece: Piece) -> Piece:
        """Return `piece` with the time at which its bytes were first received, if any."""
        known = self.known_files.row(piece.url, piece.md5)
        return replace(piece, fetched_at=known.fetched_at) if known is not None else piece

    def _add_pending(self, piece: Piece) -> None:
        if not self.pending:
            self.pending_since = time.monotonic()
        self.pending.append(piece)
        self.known_files.note(piece)
        if len(self.pending) >= MAX_PENDING_ROWS or time.monotonic() - self.pending_since >= MAX_PENDING_S:
            self.flush()

    def flush(self) -> None:
        """Write the pending rows to the catalog."""
        pending, self.pending = self.pending, []
        self.writer.add(pending)

    def _piece_of(self, row: ListingRow, url: str) -> Piece:
        title = clean_name(row.game)
        game = self.games.setdefault(title, game_of(title)) if title not in self.games else self.games[title]
        return Piece(
            source=self.source.id,
            section=self.section,
            url=url,
            game_title=title,
            game=game.game,
            series=game.series,
            title=clean_name(row.title) or row.file,
            sequencer=clean_name(row.sequencer or "") or None,
            state=MISSING,
            md5=row.md5,
            bytes=row.size,
            listed_at=row.listed_at,
        )

    def totals(self) -> Totals:
        """Return the totals; rows that were not reached count as not requested."""
        rejected = self.found.listing.rejected
        dealt_with = sum(self.counts[name] for name in ("held", "twins", FETCHED, MISSING, QUARANTINED))
        self.counts["not_asked"] = len(self.found.listing.rows) - dealt_with
        return Totals(
            listed=len(self.found.listing.rows) + len(rejected),
            unsafe=len(rejected),
            bytes=self.bytes,
            requests=self.fetcher.requests,
            unchanged=self.found.unchanged,
            stopped=self.stopped,
            faults=tuple(self.faults),
            rejected=rejected,
            unread=self.found.unread,
            **self.counts,
        )

    def _outcome_of(self, response: Response, row: ListingRow) -> str:
        """Return the journal's outcome for a body: "fetched", or the id of a problem."""
        return self.source.check(response.body, row, response.headers.get("Content-Type", "")).problem or FETCHED


def _quarantine_record(piece: Piece, result: FileCheck) -> dict[str, str | int | None]:
    return {
        "reason": result.reason,
        "url": piece.url,
        "game_title": piece.game_title,
        "title": piece.title,
        "listed_bytes": piece.bytes,
        "received_bytes": result.size,
        "listed_md5": piece.md5,
        "received_md5": result.md5,
        "received_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
