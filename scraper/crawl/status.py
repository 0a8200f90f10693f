"""Count listed, stored and missing files of each section.

The counts are taken from the catalog and the cached listing pages.

No requests are sent.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.base.errors import UsageError
from catalog.schema import FETCHED, MISSING, QUARANTINED
from catalog.store import Catalog
from scraper.http.cache import SUBPAGE_MARK, Page, cached_pages
from scraper.source.base import ALL, Source
from scraper.source.links import file_url
from scraper.source.rows import Listing

COUNTS = ("listed", "held", MISSING, QUARANTINED, "unsafe", "not_asked", "gone")
STATUS = pa.schema(
    [
        *((name, pa.string()) for name in ("source", "section")),
        *((name, pa.int64()) for name in (*COUNTS, "bytes")),
        ("reasons", pa.string()),
    ]
)


@dataclass(slots=True)
class _SectionCounts:
    counts: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def count(self, row: dict[str, Any] | None) -> None:
        """Count one listed row; `row` is its catalog row, or None."""
        state = "not_asked" if row is None else "held" if row["state"] == FETCHED else row["state"]
        self.counts[state] += 1
        if row is not None and row["state"] == FETCHED:
            self.bytes += row["bytes"] or 0
        elif row is not None:
            self.reasons[str(row["reason"] or "unknown").partition(":")[0]] += 1


def count_sections(root: Path, sources: Mapping[str, Source], section: str | None = None) -> pa.Table:
    """Return one row for each source and section, or for `section` alone.

    If there are several sections, the last row has their totals. `sources` maps ids to the sources that parse the
    cached pages. In each row, listed = held + missing + quarantined + unsafe + not_asked. `gone` counts pieces that
    are kept but no longer listed, `bytes` is the size of the stored files, and `reasons` lists each reason with its
    count. Raises UsageError for an unknown section.
    """
    columns = ["source", "section", "url", "md5", "state", "reason", "bytes", "gone_since"]
    known: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in Catalog(root).pieces(columns=columns).to_pylist():
        known.setdefault((row["source"], row["section"]), []).append(row)
    owners = {row["url"].rpartition("/")[0] + "/": name for name, rows in known.items() for row in rows}
    pages_by_section: dict[tuple[str, str], dict[str, Page]] = {}  # with their address as key
    first: dict[tuple[str, str], Page] = {}
    for file, page in cached_pages(root):
        owner = owners.get(page.url) or _section_of_file(file)
        pages_by_section.setdefault(owner, {})[page.url] = page
        if SUBPAGE_MARK not in file:
            first[owner] = page
    names = sorted({*known, *first})
    if section is not None:
        names = [name for name in names if name[1] == section]
        if not names:
            raise UsageError(f"unknown section {section!r}; `scrape status` lists the known ones")
    found = []
    for name in names:
        source = sources.get(name[0])
        listings = (
            _reachable_listings(source, first[name], pages_by_section[name]) if source and name in first else iter(())
        )
        found.append((*name, _count_section(known.get(name, []), listings)))
    if len(found) > 1:
        found.append((ALL, ALL, _sum(part for *_, part in found)))
    return pa.Table.from_pylist([_row(*line) for line in found], schema=STATUS)


def _section_of_file(name: str) -> tuple[str, str]:
    """Return the source and section of a cached page without catalog rows.

    `name` is the stem of the file name, such as vgmusic-piano.
    """
    source, _, section = name.partition(SUBPAGE_MARK)[0].partition("-")
    return source, section


def _reachable_listings(source: Source, first: Page, pages_by_url: Mapping[str, Page]) -> Iterator[tuple[str, Listing]]:
    """Yield (folder address, listing) for `first` and the cached pages below it."""
    pending = [first]
    while pending:
        page = pending.pop()
        folder, listing = source.folder(page.url), source.read(page.body, page.url)
        yield folder, listing
        children = [file_url(folder, name) + "/" for name in reversed(listing.folders)]
        pending += [pages_by_url[url] for url in children if url in pages_by_url]


def _count_section(rows: list[dict[str, Any]], listings: Iterable[tuple[str, Listing]]) -> _SectionCounts:
    section = _SectionCounts()
    by_key = {(row["url"], row["md5"]): row for row in rows}
    by_url = {row["url"]: row for row in rows if row["gone_since"] is None}
    counted_keys = set()
    for folder, listing in listings:
        for listed in listing.rows:
            address = file_url(folder, listed.file)
            row = by_key.get((address, listed.md5)) or (by_url.get(address) if listed.md5 is None else None)
            section.count(row)
            if row is not None:
                counted_keys.add((row["url"], row["md5"]))
        for rejected in listing.rejected:
            section.counts["unsafe"] += 1
            section.reasons[rejected.reason] += 1
    for key, row in by_key.items():
        if row["gone_since"] is not None:
            section.counts["gone"] += 1
        elif key not in counted_keys:
            section.count(row)  # its listing page is not in the cache
    return section


def _sum(sections: Iterable[_SectionCounts]) -> _SectionCounts:
    total = _SectionCounts()
    for section in sections:
        total.counts += section.counts
        total.bytes += section.bytes
        total.reasons += section.reasons
    return total


def _row(source: str, section: str, found: _SectionCounts) -> dict[str, Any]:
    counts = {name: found.counts[name] for name in COUNTS}
    counts["listed"] = sum(counts[name] for name in COUNTS if name not in ("listed", "gone"))
    reasons = ", ".join(f"{reason} {times}" for reason, times in found.reasons.most_common())
    return {"source": source, "section": section, **counts, "bytes": found.bytes, "reasons": reasons or None}
