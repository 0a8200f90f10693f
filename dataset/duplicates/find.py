"""Find related pieces of the catalog without building a corpus. Writes nothing."""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from catalog.base.console import Report, stage
from catalog.base.errors import CorpusError
from catalog.hints import empty_catalog_message
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from dataset.duplicates.decisions import decide_duplicates
from dataset.duplicates.groups import Group, group_related
from dataset.duplicates.relations import EXACT, Relation
from dataset.parse import ParseTask, parse_all

COLUMNS = ["sha256", "game", "series", "title", "sequencer", "url"]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The number of pieces compared, their groups, and all relations.

    The largest group is first. `relations` are rows of schema RELATIONS.
    """

    pieces: int
    groups: list[Group]
    relations: list[dict[str, Any]]


def find_duplicates(
    root: AnyPath,
    query: str | None = None,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    report: Report = lambda done, total: None,
) -> Duplicates:
    """Relate the fetched pieces of `query`, or all of them.

    Pieces without notes are skipped. Raises QueryError for an invalid query, CorpusError if no piece matches.
    """
    catalog = Catalog(root)
    rows = [row for row in catalog.pieces(query, columns=COLUMNS).to_pylist() if row["sha256"] is not None]
    if not rows and catalog.is_empty():
        raise CorpusError(empty_catalog_message(root))
    if not rows:
        raise CorpusError(
            f"no fetched piece matches {query or 'in this catalog'}; run `catalog games` to list the games"
        )
    names = dict.fromkeys(row["sha256"] for row in rows)
    notes = {}
    with catalog.nearby(list(names)) as near:
        tasks = [ParseTask(sha256, near.blob_path(sha256)) for sha256 in names]
        for done, (item, parsed) in enumerate(parse_all(tasks, workers=workers, executor=executor), start=1):
            if parsed.notes is not None:
                notes[item.sha256] = parsed.notes
            report(done, len(tasks))
    rows = [row for row in rows if row["sha256"] in notes]
    drop = (*EXACT, Relation.NEAR)
    decisions = decide_duplicates(rows, [notes[row["sha256"]] for row in rows], drop, stage(report, "comparing"))
    relations = [dict(row) for row in decisions.relations]
    out = {rows[index]["url"] for index in decisions.left_out}
    return Duplicates(len(rows), group_related(relations, {}, out, str), relations)
