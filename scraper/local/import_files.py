"""Import local MIDI files into the catalog as rows of the source "import".

Equal bytes are stored once. Files are written in batches, bytes before rows, so a killed import can be repeated and
gives the same catalog. Known files are recognised by their key. Folders and zip files are read in `archive.py`.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from catalog.base.console import Report
from catalog.games import Game, game_of
from catalog.schema import FETCHED, Piece
from catalog.storage.remote import AnyPath
from catalog.store import Catalog, Writer
from catalog.titles import fold, slug
from scraper.http import limits
from scraper.local.archive import ArchiveMember, read_members
from scraper.local.listed import PageReader
from scraper.local.midi_title import title_of as title_in
from scraper.source.folders import folder_game
from scraper.source.links import clean_name, title_of, words

SOURCE = "import"
BATCH_FILES = 1000
BATCH_BYTES = 16 << 20
MAX_FAULTS = 40

_resolve = lru_cache(maxsize=4096)(game_of)


@dataclass(frozen=True, slots=True)
class Labels:
    """The game and series given for all files, instead of their folder names."""

    game: str | None = None
    series: str | None = None
    title_from_text: bool = False  # use the title in the file, if any, instead of its name


@dataclass(frozen=True, slots=True)
class ImportTotals:
    """The outcome of every file found: files = new + held + skipped.

    `skipped` has a count for each reason. `twins` are those `new` files whose bytes were stored before. `bytes` is the
    size of the newly stored bytes.
    """

    files: int
    new: int
    held: int
    twins: int
    bytes: int
    skipped: dict[str, int]
    faults: tuple[tuple[str, str], ...]  # (address, reason) of the first MAX_FAULTS skipped files
    listed: int = 0  # of the new and held files, those in a listing page beside them

    @property
    def line(self) -> str:
        """The totals as one line."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.skipped.items())
        skipped = f"{sum(self.skipped.values())} skipped{f' ({reasons})' if reasons else ''}"
        new = f"{self.new} new ({self.twins} of them with duplicate bytes)"
        return f"found {self.files} = {new} + {self.held} already held + {skipped}; {self.bytes:,} new bytes"


def import_files(
    root: AnyPath,
    paths: Sequence[Path],
    labels: Labels | None = None,
    report: Report | None = None,
    read_page: PageReader | None = None,
) -> ImportTotals:
    """Import every MIDI file in `paths` (folders, zip files, MIDI files) to `root`.

    With `read_page`, such as `SOURCES["vgmusic"].read`, titles, games and sequencers come from the listing pages beside
    the files, if a page lists them. Raises UsageError for a path that does not exist, CatalogError while another process
    writes to the catalog.
    """
    catalog = Catalog(root)
    with catalog.writer() as writer:
        run = _ImportRun(writer, labels or Labels())
        run.load_known(catalog)
        for path in paths:
            for member in read_members(path, root if isinstance(root, Path) else None, read_page):
                run.process(member)
                if report:
                    report(run.files, 0)
        run.flush()
    return run.totals()


@dataclass(slots=True)
class _ImportRun:
    """The state of one import; only digests of stored files are kept in memory."""

    writer: Writer
    labels: Labels
    rows: dict[bytes, int] = field(default_factory=dict)  # key of an imported row to a hash of its columns
    md5s: set[bytes] = field(default_factory=set)  # of all stored files
    batch: list[tuple[Piece | None, bytes]] = field(default_factory=list)  # None for a row that exists
    batch_bytes: int = 0
    files: int = 0
    new: int = 0
    held: int = 0
    twins: int = 0
    bytes: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str]] = field(default_factory=list)
    listed: int = 0

    def load_known(self, catalog: Catalog) -> None:
        """Load the keys and MD5s of the catalog."""
        columns = ["source", "url", "md5", "section", "game_title", "game", "series", "title", "sequencer"]
        rows = catalog.pieces(f"state == '{FETCHED}'", columns, edited=False)
        for batch in rows.to_batches(max_chunksize=BATCH_FILES):
            for row in batch.to_pylist():
                source = row.pop("source")
                self.md5s.add(bytes.fromhex(row["md5"]))
                if source == SOURCE:
                    key = _key(row.pop("url"), row.pop("md5"))
                    self.rows[key] = hash(tuple(row.values()))

    def process(self, member: ArchiveMember) -> None:
        """Count one file, and add it to the batch unless it is skipped."""
        self.files += 1
        if member.reason is not None:
            self.skipped[member.reason] += 1
            if len(self.faults) < MAX_FAULTS:
                self.faults.append((member.address, member.reason))
            return
        md5 = hashlib.md5(member.data, usedforsecurity=False)
        piece = self._piece(member, md5.hexdigest())
        key = _key(piece.url, md5.hexdigest())
        row_hash = hash((piece.section, piece.game_title, piece.game, piece.series, piece.title, piece.sequencer))
        is_held = self.rows.get(key) == row_hash
        self.held += is_held
        self.new += not is_held
        self.twins += not is_held and md5.digest() in self.md5s
        self.bytes += 0 if md5.digest() in self.md5s else len(member.data)
        self.rows[key] = row_hash
        self.md5s.add(md5.digest())
        self.batch.append((None if is_held else piece, member.data))  # known bytes too, to repair damaged files
        self.batch_bytes += len(member.data)
        if len(self.batch) >= BATCH_FILES or self.batch_bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the batch: first its bytes, then its rows."""
        batch, self.batch, self.batch_bytes = self.batch, [], 0
        names = self.writer.put_blobs([data for _, data in batch])
        now = datetime.now(UTC)
        rows = [
            replace(piece, sha256=sha256, fetched_at=now)
            for (piece, _), sha256 in zip(batch, names, strict=True)
            if piece is not None
        ]
        self.writer.add(rows)

    def _piece(self, member: ArchiveMember, md5: str) -> Piece:
        own = title_in(member.data) if self.labels.title_from_text else None
        row = member.listed.row(member.name, md5) if member.listed else None
        self.listed += row is not None
        game_title, title, sequencer = (clean_name(text or "") for text in (self.labels.game, own, None))
        if row is not None:
            game_title, title = game_title or clean_name(row.game), title or clean_name(row.title)
            sequencer = clean_name(row.sequencer or "")
        game_title = game_title or folder_game(member.parents)
        game = self._game(game_title)
        title = title or title_of(member.name)
        return Piece(
            source=SOURCE,
            section=slug(fold(words(member.parents[0]))),
            url=member.address,
            game_title=game_title[: limits.TITLE_CHARACTERS],
            game=game.game,
            series=game.series,
            title=title[: limits.TITLE_CHARACTERS].rstrip(),
            sequencer=sequencer[: limits.TITLE_CHARACTERS].rstrip() or None,
            state=FETCHED,
            md5=md5,
            bytes=len(member.data),
        )

    def _game(self, title: str) -> Game:
        game = _resolve(title[: limits.TITLE_CHARACTERS])
        return replace(game, series=_resolve(clean_name(self.labels.series)).series) if self.labels.series else game

    def totals(self) -> ImportTotals:
        return ImportTotals(
            self.files,
            self.new,
            self.held,
            self.twins,
            self.bytes,
            dict(self.skipped.most_common()),
            tuple(self.faults),
            self.listed,
        )


def _key(url: str, md5: str) -> bytes:
    return hashlib.blake2b(f"{md5} {url}".encode(), digest_size=16).digest()
