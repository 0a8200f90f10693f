"""Summaries of the catalog: games with their pieces, totals, and fields.

In: a catalog. Out: Arrow tables.
"""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from catalog.base.errors import CatalogError
from catalog.disk_use import disk_use
from catalog.edits.overlay import EDITED
from catalog.games import game_of
from catalog.hints import empty_catalog_message
from catalog.scenes import SCENE
from catalog.schema import MEASURES, PIECES, describe
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from catalog.titles import fold, slug

GAMES = pa.schema(
    [
        ("game", pa.string()),
        ("series", pa.string()),
        ("pieces", pa.int64()),
        ("bytes", pa.int64()),
        ("name", pa.string()),
    ]
)
MAX_LARGEST_GROUPS = 5  # games and series listed in the totals


def open_catalog(root: AnyPath) -> Catalog:
    """Return the catalog below `root`.

    Raises CatalogError that says how to fill it if it is empty.
    """
    catalog = Catalog(root)
    if catalog.is_empty():
        raise CatalogError(empty_catalog_message(root))
    return catalog


def list_games(catalog: Catalog, text: str | None = None) -> pa.Table:
    """Return the games with their number of pieces, most pieces first.

    The columns are those of GAMES. With `text`, only games whose slug, series or name contains it;
    spelling is as tolerant as for titles.
    """
    rows = catalog.pieces(columns=["game", "series", "game_title", "bytes"])
    measures = [("game_title", "min"), ("game", "count"), ("bytes", "sum")]
    counted = rows.group_by(["game", "series"]).aggregate(measures).to_pylist()
    found = [
        {
            "game": row["game"],
            "series": row["series"],
            "pieces": row["game_count"],
            "bytes": row["bytes_sum"],
            "name": game_of(row["game_title_min"]).name,
        }
        for row in counted
        if text is None or _mentions(row, slug(fold(text)))
    ]
    return pa.Table.from_pylist(sorted(found, key=lambda row: (-row["pieces"], row["game"])), schema=GAMES)


def _mentions(row: dict[str, str], wanted: str) -> bool:
    where = (row["game"], row["series"], slug(fold(row["game_title_min"])))
    return any(wanted in place or wanted.replace("-", "") in place.replace("-", "") for place in where)


def list_totals(catalog: Catalog) -> pa.Table:
    """Return totals as columns what, count.

    The rows are pieces, by state, by section and by largest game and series; files and their bytes;
    files measured; games; series; sequencers; and the bytes that each part of the data root takes
    on disk, unless it is a URL.
    """
    columns = ["source", "section", "state", "sha256", "bytes", "game", "series", "sequencer"]
    rows = catalog.pieces(columns=columns)
    files = rows.filter(pc.is_valid(rows["sha256"])).group_by("sha256").aggregate([("bytes", "max")])
    lines = [("pieces", len(rows))]
    lines += [(f"pieces {state}", count) for state, count in Counter(rows["state"].to_pylist()).most_common()]
    lines += [("files", len(files)), ("bytes of files", pc.sum(files["bytes_max"]).as_py() or 0)]
    lines += [("files measured", pc.sum(pc.is_in(files["sha256"], catalog.measures()["sha256"])).as_py() or 0)]
    for column, plural in (("game", "games"), ("series", "series"), ("sequencer", "sequencers")):
        lines.append((plural, pc.count_distinct(rows[column], mode="only_valid").as_py()))
    lines.append(("pieces without a sequencer", rows["sequencer"].null_count))
    if catalog.edits():
        edited = catalog.pieces("edited.notna() or excluded.notna()", ["edited", "excluded"])
        lines.append(("pieces edited by hand", len(edited) - edited["edited"].null_count))
        lines.append(("pieces excluded by hand", len(edited) - edited["excluded"].null_count))
    sections = Counter(zip(rows["source"].to_pylist(), rows["section"].to_pylist(), strict=True))
    lines += [(f"pieces of {source} {section}", count) for (source, section), count in sections.most_common()]
    for column in ("series", "game"):
        largest = Counter(rows[column].to_pylist()).most_common(MAX_LARGEST_GROUPS)
        lines += [(f"pieces of {column} {name}", count) for name, count in largest]
    if isinstance(catalog.root, Path):
        parts = disk_use(catalog.root)
        within = {part.rpartition("/")[0] for part, _ in parts}
        lines += [(f"bytes in {part}{', the rest' if part in within else ''}", size) for part, size in parts]
        lines.append(("bytes on disk", sum(size for _, size in parts)))
    return pa.table({"what": [what for what, _ in lines], "count": pa.array([n for _, n in lines], pa.int64())})


def list_fields() -> pa.Table:
    """Return every field of the catalog as columns table, name, type, description."""
    tables = (("pieces", PIECES), ("measures", MEASURES), ("edits", EDITED), ("titles", pa.schema([SCENE])))
    return pa.Table.from_pylist([{"table": name, **field} for name, schema in tables for field in describe(schema)])
