"""One section of a source into the catalog: the listing page, then each file of it that is not held yet, checked against its row.

Nothing is asked for twice: bytes are known by the MD5 and size of their row, wherever in the catalog they are. Every file is
durable before the next is asked for, and its bytes are found again though its row was not written yet, so a run that is
killed and run again ends as if it had not been. Rows that the page no longer has are kept and marked.
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
from scraper.crawl.known_files import Held
from scraper.crawl.listing_diff import changed
from scraper.crawl.listing_page import SectionPage, read_section
from scraper.crawl.totals import COUNTED, ScrapeInterrupted, Survey, Totals
from scraper.http import limits
from scraper.http.cache import Memory
from scraper.http.causes import LASTING
from scraper.http.fetch import Fetcher, Judge
from scraper.http.journal import logged
from scraper.http.response import Response, header
from scraper.source.base import Source
from scraper.source.links import file_url
from scraper.source.rows import Listing, Row
from scraper.source.validate import Finding

# with transient problems: what may mean that the site shuts us out
_TROUBLE = (*LASTING, "soft_404", "http_401", "http_403", "redirect_refused", "redirect_loop")

# Rows are written when so many wait, or the first has waited so long. A kill before that costs nothing: their bytes are on disk,
# and what came with them is in the journal.
ROWS_A_PART = 64
PART_S = 10.0


def crawl_source(
    source: Source, root: Path, fetcher: Fetcher, section: str, limit: int | None = None, report: Report | None = None
) -> Totals:
    """Bring `section` of `source` into the catalog at `root`, asking for `limit` files at most, and return what became of every row.

    Raises FetchError where robots.txt or the listing page cannot be had, ListingError where it is no listing, CatalogError
    while another writer is at work, ScrapeInterrupted on Ctrl-C. Trouble later on ends the run with `stopped` set.
    """
    catalog = Catalog(root)
    memory = Memory(root, f"{source.id}-{section}")
    with catalog.writer() as writer, logged(root, fetcher, f"{source.id} {section}") as log:
        memory.tidy()
        found = read_section(source, memory, fetcher, section, keep=True, report=report)
        run = _Run(source, writer, Held(catalog, source.id), fetcher, found, section, limit)
        if found.whole:  # else what it lacks may be below its end
            run.mark()
        return _take_all(run, log, report)


def survey_source(source: Source, root: Path, fetcher: Fetcher, section: str, report: Report | None = None) -> Survey:
    """Read the listing page of `section` of `source` and return what `crawl_source` would do.

    Nothing is written but robots.txt and journal.
    """
    with logged(root, fetcher, f"{source.id} {section}, dry run"):
        found = read_section(
            source, Memory(root, f"{source.id}-{section}"), fetcher, section, keep=False, report=report
        )
    held = Held(Catalog(root), source.id)
    known, new = 0, dict[str, int]()
    for row in found.listing.rows:
        url = file_url(found.folder, row.file)
        if held.find(url, row.md5, row.size) is None:
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
    judge: Judge,
    limit: int | None = None,
    report: Report | None = None,
) -> Totals:
    """Bring the files of `listing`, which lie below address `folder`, into the catalog, in its order, as `crawl_source` does.

    Counts go to `log` too.
    """
    found = SectionPage(folder, listing, unchanged=False, whole=True, judge=judge)
    return _take_all(_Run(source, writer, Held(catalog, source.id), fetcher, found, section, limit), log, report)


def _take_all(run: "_Run", log: Counter[str], report: Report | None) -> Totals:
    """Deal with every row in turn, and return what became of them. Raises ScrapeInterrupted on Ctrl-C, with the same."""
    rows = run.found.listing.rows
    try:
        for done, row in enumerate(rows):
            if report:
                report(done, len(rows))
            run.take(row)
    except KeyboardInterrupt:
        run.flush()
        raise ScrapeInterrupted(run.section, run.totals()) from None
    finally:
        run.flush()
    if not run.found.whole:
        run.stopped = run.stopped or "the listing page has no end, so rows may be missing; run this again"
    totals = run.totals()
    log.update({name: getattr(totals, name) for name in COUNTED})
    return totals


@dataclass(slots=True)
class _Run:
    """The state of one crawl: rows to write, counts, and how many failures in a row there have been."""

    source: Source
    writer: Writer
    held: Held
    fetcher: Fetcher
    found: SectionPage
    section: str
    limit: int | None
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[Piece] = field(default_factory=list)
    pending: list[Piece] = field(default_factory=list)
    oldest: float = 0.0  # when the first of `pending` came, by the monotonic clock
    games: dict[str, Game] = field(default_factory=dict)
    asked: int = 0
    bytes: int = 0
    failures: int = 0
    stopped: str | None = None

    def mark(self) -> None:
        """Mark the catalog's rows that are gone from the page, and unmark those that are back."""
        found, now = self.found, datetime.now(UTC)
        nested, unread = self.source.nested, [url for url, _ in found.unread]
        for piece in changed(self.held.rows(), found.listing, found.folder, now, nested=nested, unread=unread):
            self.counts["gone" if piece.gone_since else "back"] += 1
            self._put(piece)

    def take(self, row: Row) -> None:
        """Deal with one row: held already, or asked for and checked, or left for another run."""
        url = file_url(self.found.folder, row.file)
        bytes_held = self.held.find(url, row.md5, row.size)
        if bytes_held is not None:
            piece = bytes_held.give_to(self._listed(row, url))
            if self.held.row(piece.url, piece.md5) != piece:
                self._put(piece)
            self.counts["twins" if bytes_held.new else "held"] += 1
        elif self.stopped is not None or (self.limit is not None and self.asked >= self.limit):
            self.counts["not_asked"] += 1
        else:
            self._ask(row, url)

    def _ask(self, row: Row, url: str) -> None:
        most = max(limits.FILE_BYTES_ALWAYS, limits.FILE_TIMES_LISTED * (row.size or limits.FILE_BYTES))
        try:
            answer = self.fetcher.get(
                url, self.found.judge, min(most, limits.FILE_BYTES), verdict=lambda answer: self._verdict(answer, row)
            )
        except FetchError as error:
            self.stopped = str(error)
            self.counts["not_asked"] += 1
            return
        self.asked += 1
        piece, trouble = self._keep(row, self._listed(row, url), answer)
        self.counts[piece.state] += 1
        if piece.state == FETCHED:
            self.held.add(piece)
        else:
            self.faults.append(piece)
        self._put(piece)
        self.failures = self.failures + 1 if trouble else 0
        if self.failures >= limits.FAILURES_IN_A_ROW:
            self.stopped = f"{self.failures} failures in a row, the last one {piece.reason}; run this again later"

    def _keep(self, row: Row, piece: Piece, answer: Response) -> tuple[Piece, bool]:
        """Return the row for the catalog that `answer` makes of `piece`, and whether it was trouble rather than a plain no."""
        if answer.problem is not None:
            reason = clean(answer.reason or "")
            return replace(
                self._since(piece), state=MISSING, reason=reason
            ), answer.transient or answer.problem in _TROUBLE
        self.bytes += len(answer.body)
        finding = self.source.check(answer.body, row, answer.headers.get("Content-Type", ""))
        if finding.problem == "soft_404":
            return replace(self._since(piece), state=MISSING, reason=finding.reason), True
        if finding.problem is not None:
            self.writer.quarantine(answer.body, _details(piece, finding))
            return replace(self._since(piece), state=QUARANTINED, reason=finding.reason), False
        piece = self._since(replace(piece, md5=finding.md5))
        return (
            replace(
                piece,
                state=FETCHED,
                sha256=self.writer.put_blob(answer.body),
                bytes=finding.size,
                fetched_at=piece.fetched_at or datetime.now(UTC),
                etag=header(answer.headers, "ETag"),
                last_modified=header(answer.headers, "Last-Modified"),
            ),
            False,
        )

    def _since(self, piece: Piece) -> Piece:
        """Return `piece` with the time at which its bytes were first received, if they ever were."""
        known = self.held.row(piece.url, piece.md5)
        return replace(piece, fetched_at=known.fetched_at) if known is not None else piece

    def _put(self, piece: Piece) -> None:
        if not self.pending:
            self.oldest = time.monotonic()
        self.pending.append(piece)
        self.held.note(piece)
        if len(self.pending) >= ROWS_A_PART or time.monotonic() - self.oldest >= PART_S:
            self.flush()

    def flush(self) -> None:
        """Make the rows dealt with so far durable."""
        pending, self.pending = self.pending, []
        self.writer.add(pending)

    def _listed(self, row: Row, url: str) -> Piece:
        title = clean(row.game)
        game = self.games.setdefault(title, game_of(title)) if title not in self.games else self.games[title]
        return Piece(
            source=self.source.id,
            section=self.section,
            url=url,
            game_title=title,
            game=game.game,
            series=game.series,
            title=clean(row.title) or row.file,
            sequencer=clean(row.sequencer or "") or None,
            state=MISSING,
            md5=row.md5,
            bytes=row.size,
            listed_at=row.listed_at,
        )

    def totals(self) -> Totals:
        """Return what became of every row; those that were not come to are not asked."""
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

    def _verdict(self, answer: Response, row: Row) -> str:
        """Return what a body is, for the journal: fetched, or the problem with it."""
        return self.source.check(answer.body, row, answer.headers.get("Content-Type", "")).problem or FETCHED


def _details(piece: Piece, finding: Finding) -> dict[str, str | int | None]:
    return {
        "reason": finding.reason,
        "url": piece.url,
        "game_title": piece.game_title,
        "title": piece.title,
        "listed_bytes": piece.bytes,
        "received_bytes": finding.size,
        "listed_md5": piece.md5,
        "received_md5": finding.md5,
        "received_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
