"""List what changed in the catalog since a date: new, changed and gone pieces.

The dates are those of the catalog: when the bytes of a piece were first received, and since when a source no longer
lists it. No requests are sent.
"""

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.base.errors import UsageError
from catalog.store import Catalog

NEW, CHANGED, GONE = "new", "changed", "gone"
CHANGES = pa.schema(
    [
        ("change", pa.string()),  # new, changed (another file at an address that is known) or gone
        ("at", pa.timestamp("us", tz="UTC")),
        *((name, pa.string()) for name in ("source", "section", "game", "title", "url")),
    ]
)


def parse_date(text: str) -> datetime:
    """Return the moment that an ISO date or time means, in UTC unless it says otherwise.

    Raises UsageError for any other text.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"--since {text!r} is not a date; give one such as 2026-11-01 or 2026-11-01T18:30") from None


def list_changes(root: Path, since: datetime, section: str | None = None) -> pa.Table:
    """Return one row of CHANGES for each change at or after `since`, the oldest first.

    Only those of `section`, if given; UsageError if the catalog does not have it.
    """
    columns = [*CHANGES.names[2:], "fetched_at", "gone_since"]
    rows = Catalog(root).pieces(columns=columns).to_pylist()
    if section is not None:
        rows = [row for row in rows if row["section"] == section]
        if not rows:
            raise UsageError(f"unknown section {section!r}; `scrape status` lists the known ones")
    versions: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)  # by address
    for row in rows:
        versions[row["source"], row["url"]].append(row)
    found = [change for each in versions.values() for change in _changes(each, since)]
    return pa.Table.from_pylist(sorted(found, key=lambda row: (row["at"], row["url"], row["change"])), CHANGES)


def _changes(versions: list[dict[str, Any]], since: datetime) -> list[dict[str, Any]]:
    """Return the changes of the piece at one address, from its rows in the catalog."""
    known = sorted((row for row in versions if row["fetched_at"] is not None), key=lambda row: row["fetched_at"])
    found = [
        {**row, "change": CHANGED if number else NEW, "at": row["fetched_at"]}
        for number, row in enumerate(known)
        if row["fetched_at"] >= since
    ]
    if all(row["gone_since"] is not None for row in versions):
        last = max(versions, key=lambda row: row["gone_since"])
        found += [{**last, "change": GONE, "at": last["gone_since"]}] if last["gone_since"] >= since else []
    return [{name: row[name] for name in CHANGES.names} for row in found]


def describe_changes(changes: pa.Table, since: datetime) -> str:
    """Return the number of changes of each kind as one line."""
    kinds = changes["change"].to_pylist()
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in (NEW, CHANGED, GONE))
    return f"{counts} since {since:%Y-%m-%d %H:%M} UTC"
